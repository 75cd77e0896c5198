"""What the tests share: the executable, the interpreters, and a way to record a program of tests/programs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import capture  # noqa: E402

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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `interpreter` runs for the versions of its `versions` mark, or for the default one."""
    if "interpreter" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("versions")
        versions: Sequence[str] = mark.args if mark else [DEFAULT_VERSION]
        wanted = list(INTERPRETERS) if "all" in versions else versions
        metafunc.parametrize("interpreter", wanted, indirect=True)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "versions(*versions): the interpreters of a test, `all` for every one")


@pytest.fixture(scope="session")
def pyrometer() -> str:
    """The executable: PYROMETER_BIN, or built in release mode."""
    given = os.environ.get("PYROMETER_BIN")
    if given:
        return given
    subprocess.run(["cargo", "build", "--release", "-q", "-p", "pyrometer"], cwd=PROJECT, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", PROJECT / "target"))
    return str(target / "release" / "pyrometer")


@pytest.fixture
def interpreter(request: pytest.FixtureRequest) -> Interpreter:
    """One interpreter, see the `versions` mark."""
    version = getattr(request, "param", DEFAULT_VERSION)
    assert version in INTERPRETERS, f"Python {version} is missing; run scripts/interpreters --require-all"
    return INTERPRETERS[version]


@pytest.fixture
def folder(interpreter: Interpreter) -> Iterator[Path]:
    """A folder with copies of the programs that the interpreter can see."""
    parent = (interpreter.root or Path("/")) / "tmp"
    path = Path(tempfile.mkdtemp(prefix="pyrometer-truth-", dir=parent))
    for program in PROGRAMS.glob("*.py"):
        shutil.copyfile(program, path / program.name)
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


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


@pytest.fixture
def recorder(pyrometer: str, interpreter: Interpreter, folder: Path) -> Recorder:
    """See Recorder."""
    return Recorder(pyrometer, interpreter, folder)
