"""Fixtures: the executable, a capture of the ticket service, and a way to call the one on the other."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from calling import PROJECT, Call  # noqa: E402


@pytest.fixture(scope="session")
def pyrometer() -> str:
    """The executable: PYROMETER_BIN, or built in release mode."""
    given = os.environ.get("PYROMETER_BIN")
    if given:
        return given
    subprocess.run(["cargo", "build", "--release", "-q", "-p", "pyrometer"], cwd=PROJECT, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", PROJECT / "target"))
    return str(target / "release" / "pyrometer")


@pytest.fixture(scope="session")
def call(pyrometer: str) -> Call:
    """Calls the executable with arguments; standard output and error are captured as text."""

    def call(*arguments: object, **options: object) -> "subprocess.CompletedProcess[str]":
        options.setdefault("env", {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"})
        return subprocess.run(  # type: ignore[call-overload,no-any-return]
            [pyrometer, *map(str, arguments)], capture_output=True, text=True, timeout=120, **options
        )

    return call


@pytest.fixture(scope="session")
def story(call: Call, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture of the ticket service, the slow one."""
    capture = tmp_path_factory.mktemp("story") / "before.pyro"
    done = call("run", "--quiet", "-o", capture, PROJECT / "examples" / "ticket_service" / "before.py")
    assert done.returncode == 0, done.stderr
    return capture
