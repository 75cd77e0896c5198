"""`pyrometer dump` and `pyrometer top` on a live program."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import jsonschema
import pytest

from calling import PROJECT, Call, Screen

PROGRAM = """
import threading, sys
def wait_for_it(event, note):
    event.wait()
def spin(count, words):
    total = 0
    print('ready', flush=True)
    while True:
        total += len(words)
event = threading.Event()
threading.Thread(target=wait_for_it, args=(event, 'note'), name='waiter', daemon=True).start()
spin(3, ['a', 'b'])
"""


@pytest.fixture
def target(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    script = tmp_path / "spinner.py"
    script.write_text(PROGRAM)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def test_dump_shows_all_threads(call: Call, target: "subprocess.Popen[str]") -> None:
    text = call("dump", target.pid).stdout
    assert "MainThread" in text and '"waiter"' in text and "spin (" in text and "wait_for_it (" in text
    assert text == call("dump", "-p", target.pid).stdout or "spin (" in text


def test_dump_as_json_with_locals(call: Call, target: "subprocess.Popen[str]") -> None:
    answer = json.loads(call("dump", target.pid, "--json", "--locals").stdout)
    jsonschema.validate(answer, json.loads((PROJECT / "docs" / "schemas" / "dump-1.schema.json").read_text()))
    (process,) = answer["processes"]
    assert process["pid"] == target.pid and process["python"].startswith("3.")
    threads = {thread["name"]: thread for thread in process["threads"]}
    main = threads["MainThread"]
    assert main["stack"] == "whole" and main["state"] == "active"
    frame = next(frame for frame in main["frames"] if frame["function"] == "spin")
    assert frame["file"].endswith("spinner.py") and frame["line"] in (8, 9)
    assert frame["locals"]["count"] == "3" and frame["locals"]["words"] == "['a', 'b']"
    waiter = threads["waiter"]
    assert waiter["state"] == "idle"
    frame = next(frame for frame in waiter["frames"] if frame["function"] == "wait_for_it")
    assert frame["locals"]["note"] == "'note'"


def test_top_shows_what_is_hot_and_obeys_keys(pyrometer: str, target: "subprocess.Popen[str]") -> None:
    with Screen([pyrometer, "top", str(target.pid)]) as screen:
        text = screen.wait_for("spin")
        assert str(target.pid) in text
        screen.wait_for("waiter")
        screen.press("c")
        screen.wait_for("CPU time")
        screen.press("l")
        screen.wait_for("spinner.py:9")
        screen.press("?")
        screen.wait_for("keys")
        screen.press("?")
        screen.press("/nothing-has-this\r")
        screen.wait_for("filter: nothing-has-this")
        screen.press("\x1b")
        screen.wait_for("spin")
        screen.resize(60, 15)
        screen.wait_for("spin")
        screen.press("q")
        assert screen.end() == 0
        assert b"\x1b[?1049l" in screen.raw[-200:], "the screen that was there before is back"
        assert target.poll() is None, "the program goes on"


def test_top_survives_the_targets_end(pyrometer: str, target: "subprocess.Popen[str]") -> None:
    with Screen([pyrometer, "top", str(target.pid)]) as screen:
        screen.wait_for("spin")
        target.kill()
        screen.wait_for("ended")
        assert "spin" in screen.text(), "what was seen stays on the screen"
        screen.press("q")
        assert screen.end() == 0


def test_top_starts_a_script_and_ends_it(pyrometer: str, tmp_path: Path) -> None:
    script = tmp_path / "spinner.py"
    script.write_text(PROGRAM)
    with Screen([pyrometer, "top", "--python", sys.executable, "--", str(script)]) as screen:
        screen.wait_for("100.0 %")
        screen.press("q")
        screen.end()
        assert b"ready" in screen.raw, "what the program printed is shown after the screen is left"


def test_top_needs_a_terminal(call: Call) -> None:
    done = call("top", "1")
    assert done.returncode != 0 and "hint:" in done.stderr
