"""What a sceptical user tries: odd names, odd endings, broken pipes, and figures that can be checked."""

from __future__ import annotations

import json
import os
import pstats
import re
import shutil
import signal
import subprocess
import sys
import unicodedata
import zipapp
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from calling import PROJECT, Call

SCHEMAS = PROJECT / "docs" / "schemas"

# A function, a file and a thread whose names hold escape sequences, line ends, bidi overrides and markup.
HOSTILE = r"""
import threading, time
name = 'ev\x1b[31mil\n\t\x07;a b<script>"&\u202e\x9b31m'
source = "def f(seconds):\n    end = time.process_time() + seconds\n    while time.process_time() < end: pass\n"
space = {'time': time}
exec(compile(source, '/tmp/\x1b[2J\x1b]0;title\x07 bad\r\nfile <b>&".py', 'exec'), space)
replaced = {'co_name': name}
if hasattr(space['f'].__code__, 'co_qualname'):
    replaced['co_qualname'] = name
space['f'].__code__ = space['f'].__code__.replace(**replaced)
thread = threading.Thread(target=space['f'], args=(0.2,), name='th\x1b[31mread\n\x07')
thread.start(); space['f'](0.2); thread.join()
"""


@pytest.fixture(scope="module")
def hostile(call: Call, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile \x1b[31m é")
    script = folder / "scr\x1b]0;x\x07ipt\n.py"
    script.write_text(HOSTILE)
    done = call("run", "-o", folder / "a.pyro", script)
    assert done.returncode == 0, done.stderr
    assert_is_plain(done.stderr)
    return folder / "a.pyro"


def assert_is_plain(text: str) -> None:
    """No control character but the line end, and none that turns the direction of writing."""
    wrong = [letter for letter in text if letter != "\n" and unicodedata.category(letter) in ("Cc", "Cf")]
    assert not wrong, (wrong, text)


@pytest.mark.parametrize(
    "question",
    [
        (),
        ("--idle",),
        ("--tree",),
        ("--sort", "own"),
        ("--sort", "name"),
        ("--lines", "(?s).*ev.*"),
        ("--callers", "(?s).*ev.*"),
    ],
    ids=" ".join,
)
def test_hostile_names_do_not_reach_the_terminal(call: Call, hostile: Path, question: tuple[str, ...]) -> None:
    done = call("report", hostile, *question)
    assert done.returncode == 0, done.stderr
    assert_is_plain(done.stdout)


def test_hostile_names_are_whole_in_exports(call: Call, hostile: Path, tmp_path: Path) -> None:
    for name in ("a.svg", "a.prof", "a.jsonl", "a.json", "a.txt"):
        done = call("export", hostile, "-o", tmp_path / name)
        assert done.returncode == 0, done.stderr
    ElementTree.parse(tmp_path / "a.svg")
    functions = [key[2] for key in pstats.Stats(str(tmp_path / "a.prof")).stats]  # type: ignore[attr-defined]
    assert any("<script>" in name for name in functions), functions
    lines = (tmp_path / "a.jsonl").read_text().split("\n")
    assert all(json.loads(line) for line in lines if line)
    frames = json.loads((tmp_path / "a.json").read_text())["shared"]["frames"]
    assert any("\x1b[31mil\n" in frame["name"] for frame in frames)
    for line in (tmp_path / "a.txt").read_text().splitlines():
        assert re.search(r" \d+$", line), line


@pytest.mark.parametrize(
    "question",
    [
        (),
        ("--idle",),
        ("--view", "cpu"),
        ("--view", "gil"),
        ("--since", "100ms", "--until", "300ms"),
        ("--thread", "MainThread"),
        ("--tree",),
        ("--sort", "total"),
        ("--lines", "redact"),
        ("--callers", "redact"),
        ("--callees", "redact"),
    ],
    ids=" ".join,
)
def test_every_answer_as_json_fits_its_schema(call: Call, story: Path, question: tuple[str, ...]) -> None:
    answer = json.loads(call("report", story, "--json", *question).stdout)
    name = answer["schema"].removeprefix("pyrometer.").replace("/", "-")
    jsonschema.validate(answer, json.loads((SCHEMAS / f"{name}.schema.json").read_text()))


def test_odd_scripts_run_as_python_runs_them(call: Call, tmp_path: Path) -> None:
    folder = tmp_path / "with space é"
    package = folder / "pack"
    package.mkdir(parents=True)
    tell = "import json, sys; print(json.dumps([sys.argv, sys.path[0], __name__, sys.flags.isolated]))\n"
    (folder / "-weird é.py").write_text(tell)
    (package / "__main__.py").write_text(tell)
    zipapp.create_archive(package, folder / "app.pyz")
    for target in (["--", "./-weird é.py"], ["pack"], ["app.pyz"], ["-m", "pack"], ["-c", tell]):
        arguments = [*target, "-x", "--", "é"]
        ours = call("run", "-q", "-o", tmp_path / "a.pyro", "--python", sys.executable, *arguments, cwd=folder)
        plain = [sys.executable, *[word for word in target if word != "--"], "-x", "--", "é"]
        theirs = subprocess.run(plain, capture_output=True, text=True, cwd=folder, check=True)
        assert json.loads(ours.stdout) == json.loads(theirs.stdout), target


def test_odd_endings_are_the_programs_own(call: Call, tmp_path: Path) -> None:
    for code, status in (
        ("import os; os._exit(42)", 42),
        ("import sys; sys.exit('bye')", 1),
        ("import sys; sys.exit(300)", 44),
        ("raise KeyboardInterrupt", -signal.SIGINT),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", -signal.SIGSEGV),
        ("import os; os.execv('/bin/sh', ['sh', '-c', 'exit 5'])", 5),
    ):
        done = call("run", "-q", "-o", tmp_path / "a.pyro", "--python", sys.executable, "-c", code)
        assert done.returncode == status, (code, done.stderr)


def test_a_recorder_that_is_killed_while_it_stops_threads_leaves_the_program_running(
    pyrometer: str, tmp_path: Path
) -> None:
    code = "import time\nend = time.monotonic() + 3\nwhile time.monotonic() < end: pass\nprint('went on')"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as target:
        command = [pyrometer, "record", "-q", "--pause", "-p", str(target.pid), "-o", str(tmp_path / "a.pyro")]
        with subprocess.Popen([*command, "-r", "max"]) as recorder:
            with pytest.raises(subprocess.TimeoutExpired):
                recorder.wait(1)
            recorder.kill()
        assert target.communicate(timeout=60)[0] == "went on\n"
        assert target.returncode == 0


def test_a_report_into_a_closed_pipe_is_no_error(pyrometer: str, story: Path) -> None:
    command = f'"{pyrometer}" report "{story}" --sort own --limit 1000 | head -1'
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True)
    assert "error" not in done.stderr and "panic" not in done.stderr, done.stderr


def test_the_threads_cpu_time_is_the_kernels(call: Call, tmp_path: Path) -> None:
    script = tmp_path / "split.py"
    script.write_text(
        "import threading, time\n"
        "def burn(seconds):\n"
        "    end = time.thread_time() + seconds\n"
        "    while time.thread_time() < end: sum(range(500))\n"
        "threads = [threading.Thread(target=burn, args=(part,), name=f'part {part}') for part in (0.3, 0.6, 0.9)]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
    )
    capture = tmp_path / "a.pyro"
    assert call("run", "-q", "-o", capture, "--python", sys.executable, script).returncode == 0
    for part in (0.3, 0.6, 0.9):
        question = ("--json", "--view", "cpu", "--sort", "total", "--thread", f"part {part}")
        rows = json.loads(call("report", capture, *question).stdout)["rows"]
        row = next(row for row in rows if row["function"]["qualified_name"] == "burn")
        assert row["total"]["amount"] == pytest.approx(part, abs=0.05), row


LOCALS = r"""
import time
def inner(argument, *rest, key=1):
    huge = list(range(1_000_000)); table = {i: str(i) for i in range(100_000)}; text = 'x' * 5_000_000
    escape = 'a\x1b[31m\x1b]0;t\x07b\nc\r\x00'; nested = []
    for _ in range(20_000): nested = [nested]
    ring = []; ring.append(ring); number = 10 ** 3000; lone = '\ud800'
    print('ready', flush=True)
    time.sleep(60)
inner('first', 2, key='\x1b[2J')
"""


def test_hostile_locals_are_bounded_and_plain(call: Call, tmp_path: Path) -> None:
    script = tmp_path / "locals.py"
    script.write_text(LOCALS)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as target:
        try:
            assert target.stdout and target.stdout.readline() == "ready\n"
            done = call("dump", target.pid, "--locals")
            assert done.returncode == 0, done.stderr
            assert_is_plain(done.stdout)
            assert len(done.stdout) < 10_000
            assert "999995 more" in done.stdout and "argument = 'first'" in done.stdout
            answer = json.loads(call("dump", target.pid, "--locals", "--json").stdout)
            jsonschema.validate(answer, json.loads((SCHEMAS / "dump-1.schema.json").read_text()))
        finally:
            target.kill()


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root and setpriv")
def test_who_refuses_and_what_to_type_is_said(pyrometer: str, tmp_path: Path) -> None:
    ours = tmp_path / "pyrometer"
    shutil.copy(pyrometer, ours)
    for folder in (tmp_path, *list(tmp_path.parents)[:-2]):
        folder.chmod(folder.stat().st_mode | 0o055)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as target:
        try:
            command = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", str(ours)]
            done = subprocess.run([*command, "dump", str(target.pid)], capture_output=True, text=True)
        finally:
            target.kill()
    assert done.returncode == 1
    assert "user 0" in done.stderr and "CAP_SYS_PTRACE" in done.stderr and "hint: run it as root: sudo" in done.stderr
