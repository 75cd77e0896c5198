"""What type checkers see: the package is clean, and its users' programs are checked as they should be."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mypy")

RIGHT = """
import io
import threading
from typing import Any, AsyncIterator, Dict, Iterator, List
from typing_extensions import assert_type

import pyrometer

@pyrometer.profile
def plain(number: int) -> str:
    return str(number)

@pyrometer.profile(rate="10khz", budget=0.01, output="work.svg", on_exit=lambda p: p.report())
async def coroutine(number: int) -> str:
    return str(number)

@pyrometer.profile(thread="current")
def generator() -> Iterator[int]:
    yield 1

@pyrometer.profile()
async def asynchronous_generator() -> AsyncIterator[int]:
    yield 1

assert_type(plain(1), str)

async def block() -> None:
    assert_type(await coroutine(1), str)
    async with pyrometer.profile() as p:
        assert_type(p, pyrometer.Profile)

with pyrometer.profile(subprocesses=True, thread=[threading.main_thread(), 7]) as p:
    assert_type(p, pyrometer.Profile)
    p.report(view="cpu", sort="total", limit=3, file=io.StringIO())
    assert_type(p.report(json=True), Dict[str, Any])
    assert_type(p.to_dict(idle=True), Dict[str, Any])
    assert_type(p.functions(since=1.5), List[pyrometer.Function])
    assert_type(p.lines("plain")[0].own.share, float)
    assert_type(p.save("x.svg", title="x"), str)
assert_type(pyrometer.start(), pyrometer.Profile)
assert_type(pyrometer.stop(), pyrometer.Profile)
assert_type(pyrometer.__version__, str)
"""

WRONG = {
    "pyrometer.profile(rat=3)": "call-overload",
    "pyrometer.profile().report(view='cpus')": "call-overload",
    "pyrometer.profile().text(veiw='cpu')": "call-arg",
    "pyrometer.start(thread=1.5)": "arg-type",
    "pyrometer.profile(lambda: 1)(2)": "call-arg",
    "pyrometer.nonsense": "attr-defined",
}


def mypy(*arguments):
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", *arguments]
    # The sources, not the installed copy: mypy refuses to work in a site-packages folder.
    folder = Path(__file__).parents[2] / "python"
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert not done.stderr
    return done.stdout


@pytest.mark.parametrize("version", ["3.10", f"{sys.version_info[0]}.{sys.version_info[1]}"])
def test_the_package_is_clean(version):
    assert mypy("--python-version", version, "-p", "pyrometer").startswith("Success")


def test_programs_are_checked(tmp_path):
    right = tmp_path / "right.py"
    right.write_text(RIGHT)
    assert mypy(str(right)).startswith("Success")
    wrong = tmp_path / "wrong.py"
    wrong.write_text("\n".join(["import pyrometer", *WRONG]))
    errors = [line for line in mypy(str(wrong)).splitlines() if ": error: " in line]
    found = {(int(line.split(":")[1]) - 2, line.rpartition("[")[2].rstrip("]")) for line in errors}
    assert found >= set(enumerate(WRONG.values())), errors
