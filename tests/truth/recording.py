"""Recording a program of tests/programs with an interpreter, and what comes of it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import capture

PROJECT = Path(__file__).resolve().parents[2]
PROGRAMS = PROJECT / "tests" / "programs"
DEFAULT_VERSION = "3.13"


@dataclass(frozen=True)
class Interpreter:
    """An interpreter, and the folder that it sees as its root (None: the machine's own)."""

    version: str
    path: str
    root: Optional[Path]

    def command(self, script: Path, *arguments: str) -> List[str]:
        """The command that runs a script, which must lie where the interpreter can see it."""
        inside = ["chroot", str(self.root)] if self.root else []
        return [*inside, self.path, self.seen(script), *arguments]

    def seen(self, path: Path) -> str:
        """The path as the interpreter sees it."""
        return "/" + str(path.relative_to(self.root)) if self.root else str(path)


@dataclass
class Recording:
    """A finished recording: the capture, what the program printed, and how pyrometer ended."""

    capture: capture.Capture
    printed: str
    errors: str
    code: int
    path: Path

    @property
    def program(self) -> Dict[str, Any]:
        """The line of JSON that the program printed about itself."""
        lines = [line for line in self.printed.splitlines() if line.startswith("{")]
        assert lines, f"the program printed no JSON: {self.printed!r} {self.errors!r}"
        return json.loads(lines[-1])


def find_interpreters() -> Dict[str, Interpreter]:
    done = subprocess.run(
        [str(PROJECT / "scripts" / "interpreters")], stdout=subprocess.PIPE, text=True, check=True
    )
    found = {}
    for line in done.stdout.splitlines():
        version, path, root = line.split()
        found[version] = Interpreter(version, path, None if root == "-" else Path(root))
    return found


INTERPRETERS = find_interpreters()


class Recorder:
    """Runs programs under pyrometer and reads what was recorded."""

    def __init__(self, executable: str, interpreter: Interpreter, folder: Path) -> None:
        self.executable = executable
        self.interpreter = interpreter
        self.folder = folder
        self.output = folder / "recorded.pyro"

    def command(self, program: str, *arguments: str, options: Sequence[str] = ()) -> List[str]:
        """The command that runs a program under pyrometer."""
        target = self.interpreter.command(self.folder / program, *arguments)
        return [self.executable, "run", *options, "-o", str(self.output), "--", *target]

    def run(
        self, program: str, *arguments: str, options: Sequence[str] = (), stdin: str = "", limit: float = 90
    ) -> Recording:
        """Run a program of tests/programs to its end and read the capture."""
        return self.run_command(self.command(program, *arguments, options=options), stdin, limit)

    def run_command(self, command: Sequence[str], stdin: str = "", limit: float = 90) -> Recording:
        """Run any command that writes its capture to `self.output`."""
        done = subprocess.run(
            command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=limit
        )
        assert self.output.exists(), f"no capture was written; exit code {done.returncode}: {done.stderr}"
        return self.finished(done.stdout, done.stderr, done.returncode)

    def finished(self, printed: str, errors: str, code: int) -> Recording:
        """The recording that lies in `self.output`."""
        return Recording(capture.read(self.executable, self.output), printed, errors, code, self.output)
