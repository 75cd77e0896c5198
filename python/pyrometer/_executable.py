"""The native executable: where it is, and running one of its commands to its end."""

from __future__ import annotations

import os
import sys

from ._errors import Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NAME = "pyrometer.exe" if os.name == "nt" else "pyrometer"

# Set to the path of an executable, this wins over every search: for a build that is not installed.
ENVIRONMENT = "PYROMETER_BIN"

_found: str | None = None


def find() -> str:
    """The path of the executable: `PYROMETER_BIN`, else the one installed with this package, else one on `PATH`.

    Raises `Error` when there is none.
    """
    global _found
    override = os.environ.get(ENVIRONMENT)
    if override:
        if _is_executable(override):
            return override
        raise Error(
            f"{ENVIRONMENT} is {override!r}, which is not an executable file", f"correct or unset {ENVIRONMENT}"
        )
    if _found is None or not _is_executable(_found):
        _found = next(filter(_is_executable, _candidates()), None)
    if _found is None:
        raise Error(
            "the pyrometer executable is not installed beside this package, and is not on PATH",
            f"install it with `{sys.executable or 'python3'} -m pip install --force-reinstall pyrometer`,"
            f" or set {ENVIRONMENT} to its path",
        )
    return _found


def _is_executable(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)


def _candidates() -> Iterator[str]:
    # The cheap guesses come first: they are right for virtual environments, prefixes and --user (PREFIX/bin beside
    # PREFIX/lib/python3.N/site-packages), and for `pip install --target` (site-packages/bin). What pip wrote down in
    # RECORD is right always, but loading importlib.metadata takes longer than starting the recorder.
    site = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    yield os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(site))), "bin", NAME)
    yield os.path.join(site, "bin", NAME)
    yield from _recorded()
    import sysconfig

    yield os.path.join(sysconfig.get_path("scripts"), NAME)
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        if folder:
            yield os.path.join(folder, NAME)


def _recorded() -> Iterator[str]:
    import importlib.metadata

    try:
        files = importlib.metadata.files("pyrometer") or []
    except importlib.metadata.PackageNotFoundError:
        return
    for file in files:
        if file.name == NAME:
            yield os.path.realpath(str(file.locate()))


def package_version() -> str:
    """The version of the installed package; `0+unknown` where it runs from a checkout."""
    import importlib.metadata

    try:
        return importlib.metadata.version("pyrometer")
    except importlib.metadata.PackageNotFoundError:
        return "0+unknown"


def run(arguments: Sequence[str]) -> str:
    """Runs `pyrometer ARGUMENTS…` and returns what it printed on standard output.

    Raises `Error` with its message when it fails.
    """
    import subprocess

    done = subprocess.run(
        [find(), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode != 0:
        raise Error.from_output(done.stderr, f"`pyrometer {arguments[0]}` ended with status {done.returncode}")
    return done.stdout
