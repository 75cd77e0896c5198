"""Fixtures: the executable, the interpreters, and a way to record a program of tests/programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Iterator, Sequence

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from recording import DEFAULT_VERSION, INTERPRETERS, PROGRAMS, PROJECT, Interpreter, Recorder  # noqa: E402


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


@pytest.fixture
def recorder(pyrometer: str, interpreter: Interpreter, folder: Path) -> Recorder:
    """See Recorder."""
    return Recorder(pyrometer, interpreter, folder)
