"""The ticket service: the report names the three-day mistake at first sight."""

import json
import shutil
import subprocess

import pytest

from recording import PROJECT


@pytest.fixture
def service(folder):
    """The example, where the interpreter can see it."""
    shutil.copytree(PROJECT / "examples" / "ticket_service", folder / "service")
    return folder / "service"


def report(recorder, script, tickets):
    """The report of a run as JSON, and what the program printed."""
    path = recorder.folder / "report.json"
    target = recorder.interpreter.command(script, "--tickets", str(tickets))
    command = [recorder.executable, "run", f"--json={path}", "-o", str(recorder.output), "--", *target]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    return json.loads(path.read_text()), done.stdout.splitlines()


@pytest.mark.versions("3.8", "3.13")
def test_the_line_that_compiles_is_the_first_red_one(recorder, service):
    before, printed = report(recorder, service / "before.py", 1500)
    hottest = before["red"][0]
    assert hottest["function"]["name"].endswith("redact")
    assert hottest["own"]["share"] >= 0.7
    assert "re.compile" in hottest["lines"][0]["source"]
    assert "redact" in before["verdict"]["text"]
    everyone = [function["function"]["name"] for function in before["red"] + before["yellow"]]
    assert not any("tokenise" in name for name in everyone)

    after, repaired = report(recorder, service / "after.py", 1500)
    assert repaired[-1] == printed[-1], "the same checksum"
    assert not any("re.compile" in (line["source"] or "") for hot in after["red"] for line in hot["lines"])
