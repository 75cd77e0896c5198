"""`pyrometer run` is the program, seen from outside: arguments, streams, exit code, signals."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from calling import Call

BUSY = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\n"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.py"
    path.write_text(
        "import json, sys\n"
        "print(json.dumps({'argv': sys.argv, 'path': sys.path[0], 'stdin': sys.stdin.read(), 'name': __name__}))\n"
        "print('to stderr', file=sys.stderr)\n"
        "sys.exit(int(sys.argv[1]) if len(sys.argv) > 1 else 0)\n"
    )
    return path


def test_arguments_streams_and_exit_code_are_the_programs_own(call: Call, script: Path, tmp_path: Path) -> None:
    done = call("run", "-o", tmp_path / "a.pyro", script, "7", "--json", "-o", "x", "-m", "--", input="hello")
    assert done.returncode == 7
    said = json.loads(done.stdout)
    assert said["argv"] == [str(script), "7", "--json", "-o", "x", "-m", "--"]
    assert said["path"] == str(tmp_path)
    assert said["stdin"] == "hello"
    assert said["name"] == "__main__"
    assert "to stderr" in done.stderr
    assert (tmp_path / "a.pyro").stat().st_size > 0


def test_modules_and_code_run_as_python_runs_them(call: Call, tmp_path: Path) -> None:
    (tmp_path / "mod.py").write_text("import sys\nprint(__name__, sys.argv[1:])\n")
    done = call("run", "-q", "-o", tmp_path / "a.pyro", "-m", "mod", "--rate", "3", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "__main__ ['--rate', '3']\n"), done.stderr
    done = call("run", "-q", "-o", tmp_path / "a.pyro", "-c", "import sys; print(sys.argv)", "-q", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "['-c', '-q']\n"), done.stderr


def test_any_command_that_ends_up_being_python_is_sampled(call: Call, tmp_path: Path) -> None:
    (tmp_path / "busy.py").write_text(BUSY)
    capture = tmp_path / "a.pyro"
    done = call("run", "-q", "-o", capture, "--", "sh", "-c", f"exec '{sys.executable}' busy.py", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads(call("report", capture, "--json").stdout)
    assert report["red"][0]["function"]["file"].endswith("busy.py")


def test_the_capture_is_named_after_the_script_when_no_name_is_given(call: Call, tmp_path: Path) -> None:
    (tmp_path / "busy.py").write_text(BUSY)
    done = call("run", "busy.py", cwd=tmp_path)
    captures = list(tmp_path.glob("*.pyro"))
    assert len(captures) == 1 and re.fullmatch(r"busy\.\d+\.pyro", captures[0].name), captures
    assert captures[0].name in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGSEGV, signal.SIGKILL])
def test_a_program_that_a_signal_ends_ends_pyrometer_the_same_way(call: Call, tmp_path: Path, number: int) -> None:
    done = call("run", "-q", "-o", tmp_path / "a.pyro", "-c", f"import os; os.kill(os.getpid(), {int(number)})", cwd=tmp_path)
    assert done.returncode == -number, done.stderr


def test_signals_sent_to_pyrometer_reach_the_program(pyrometer: str, tmp_path: Path) -> None:
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(23))\n"
        "print('ready', flush=True)\n"
        "while True: time.sleep(0.01)\n"
    )
    command = [pyrometer, "run", "-q", "-o", str(tmp_path / "a.pyro"), "--python", sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 23


def test_the_report_says_the_verdict_and_can_be_json(call: Call, tmp_path: Path) -> None:
    (tmp_path / "busy.py").write_text(BUSY)
    done = call("run", "--json", "-o", tmp_path / "a.pyro", tmp_path / "busy.py")
    report = json.loads(done.stderr)
    assert report["schema"] == "pyrometer.report/1"
    assert report["red"][0]["function"]["name"] == "<module>"
    done = call("run", f"--json={tmp_path / 'r.json'}", "-o", tmp_path / "a.pyro", tmp_path / "busy.py")
    assert json.loads((tmp_path / "r.json").read_text())["audit"]["lost"] == 0


def test_colours_only_on_a_terminal_and_never_with_no_color(pyrometer: str, call: Call, tmp_path: Path) -> None:
    (tmp_path / "busy.py").write_text(BUSY)
    assert "\x1b[" not in call("run", "-o", tmp_path / "a.pyro", tmp_path / "busy.py").stderr
    colour = {}
    for name, extra in (("plain", {}), ("no_color", {"NO_COLOR": "1"})):
        master, slave = pty.openpty()
        environment = {**os.environ, "TERM": "xterm", **extra}
        environment.pop("NO_COLOR", None) if not extra else None
        command = [pyrometer, "report", str(tmp_path / "a.pyro")]
        process = subprocess.Popen(command, stdout=slave, stderr=slave, env=environment)
        os.close(slave)
        text = b""
        while True:
            try:
                part = os.read(master, 65536)
            except OSError:
                break
            if not part:
                break
            text += part
        process.wait(timeout=60)
        os.close(master)
        colour[name] = b"\x1b[" in text
    assert colour == {"plain": True, "no_color": False}


def test_the_output_can_be_another_format_at_once(call: Call, tmp_path: Path) -> None:
    (tmp_path / "busy.py").write_text(BUSY)
    done = call("run", "-q", "-o", tmp_path / "a.svg", tmp_path / "busy.py")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.svg").read_text().lstrip().startswith(("<?xml", "<svg"))
    done = call("record", "-q", "-f", "raw", "-o", tmp_path / "a.txt", "--", sys.executable, tmp_path / "busy.py")
    assert done.returncode == 0, done.stderr
    assert re.search(r"busy\.py.* \d+$", (tmp_path / "a.txt").read_text(), re.M)
    assert not list(tmp_path.glob("*.pyro"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "no-such-script.py"], "no-such-script.py"),
        (["run", "--python", "/no/python", "-c", "1"], "/no/python"),
        (["run", "--rate", "fast", "-c", "1"], "10khz"),
        (["run", "-o", "/no/folder/a.pyro", "-c", "1"], "/no/folder/a.pyro"),
        (["run", "-f", "paper", "-o", "a.b", "-c", "1"], "speedscope"),
        (["record", "--pid", "4194304"], "4194304"),
        (["report", "/etc/passwd"], "/etc/passwd"),
        (["report", "/no/file"], "/no/file"),
        (["dump", "4194304"], "4194304"),
    ],
)
def test_errors_say_what_is_wrong_with_what(call: Call, tmp_path: Path, arguments: list[str], words: str) -> None:
    done = call(*arguments, cwd=tmp_path)
    assert done.returncode not in (0, 101), done.stderr
    assert words in done.stderr
    assert "panicked" not in done.stderr


def test_code_that_is_not_python_at_all_still_runs(call: Call, tmp_path: Path) -> None:
    done = call("run", "-o", tmp_path / "a.pyro", "--", "sh", "-c", "echo out; exit 3")
    assert (done.returncode, done.stdout) == (3, "out\n")
    assert "no Python" in done.stderr, "it is said that there was nothing to sample"
