"""What to type next, for one who reads a report inside the program."""

from __future__ import annotations

import re
import shlex


def for_program(text: str, capture: str, saved: str) -> str:
    """A report that names its capture, which is removed when the program ends, with what can be typed instead.

    That is the same command with the file that the capture was saved to, or else the call of `Profile` that does it.
    """
    if saved:
        return text.replace(capture, shlex.quote(saved))
    command = re.compile(rf"pyrometer (report|export) {re.escape(capture)}([^\n\x1b]*)")
    return command.sub(lambda match: _call(match[1], match[2]), text)


def _call(command: str, flags: str) -> str:
    words = shlex.split(flags)
    arguments = []
    while words:
        name = words.pop(0)
        value = repr(words.pop(0)) if words and not words[0].startswith("-") else "True"
        arguments.append(value if name == "-o" else f"{name.lstrip('-').replace('-', '_')}={value}")
    return f"p.{'save' if command == 'export' else command}({', '.join(arguments)})"
