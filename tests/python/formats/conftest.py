"""Fixtures: every export format of fixed captures, as `crates/pyrometer-format/examples/export_fixture.rs` writes them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]


EXAMPLE = ["-p", "pyrometer-format", "--example", "export_fixture"]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Builds before the first test, whose time limit a build from nothing would exceed."""
    ours = any(Path(__file__).parent in item.path.parents for item in session.items)
    if ours and not session.config.option.collectonly:
        subprocess.run(["cargo", "build", "--quiet", *EXAMPLE], cwd=PROJECT, check=True)


@pytest.fixture(scope="session")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with `CAPTURE.EXTENSION` and `CAPTURE.VARIANT.EXTENSION`."""
    folder = tmp_path_factory.mktemp("exports")
    subprocess.run(["cargo", "run", "--quiet", *EXAMPLE, str(folder)], cwd=PROJECT, check=True)
    return folder


@pytest.fixture(scope="session")
def interpreters() -> "list[tuple[str, str]]":
    """Version and command of each interpreter that can be run as it stands."""
    lines = subprocess.run([str(PROJECT / "scripts" / "interpreters")], check=True, capture_output=True, text=True)
    found = [line.split()[:3] for line in lines.stdout.splitlines()]
    # One with a root of its own runs only inside it; what pstats reads has not changed in those versions.
    return [(version, path) for version, path, root in found if root == "-"]
