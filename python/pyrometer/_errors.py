"""What can go wrong, in words."""

from __future__ import annotations

import os
import sys
import warnings


_PREFIXES = ("error:", "pyrometer: error:")


class PyrometerWarning(RuntimeWarning):
    """A profile could not be made, or not to its end; the program itself goes on unharmed."""


class Error(RuntimeError):
    """A profile could not be made or read. `hint`, which may be empty, says what to do about it."""

    hint: str

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message}\nhint: {self.hint}" if self.hint else message

    def __reduce__(self) -> tuple[type[Error], tuple[str, str]]:
        # BaseException would pickle its one argument only, and the hint would be lost on the way from a worker process.
        return type(self), (str(self.args[0]), self.hint)

    @classmethod
    def from_output(cls, output: str, otherwise: str) -> Error:
        """The error that the executable printed as `error: message`, or `otherwise` where it printed nothing.

        Lines from the first `hint:` on are the hint.
        """
        message: list[str] = []
        hint: list[str] = []
        for line in output.strip().splitlines():
            text = line.strip()
            if message and text.startswith(_PREFIXES):
                # The recorder says it twice: to us and, as every command does, on its standard error.
                break
            if text.startswith("hint:"):
                hint.append(text[len("hint:") :].strip())
            elif hint:
                hint.append(text)
            else:
                message.append(text.partition("error:")[2].strip() if text.startswith(_PREFIXES) else text)
        return cls("\n".join(message) or otherwise, "\n".join(hint))


def warn(message: str) -> None:
    """Issues a `PyrometerWarning` at the line of the program that called into this package."""
    package = os.path.dirname(__file__)
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and os.path.dirname(frame.f_code.co_filename) == package:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, PyrometerWarning, stacklevel=level)
