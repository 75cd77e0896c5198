"""`pyrometer report` and `export` on the story."""

from __future__ import annotations

import json
import pstats
from pathlib import Path

import pytest

from calling import Call


def test_the_cause_is_evident_at_first_sight(call: Call, story: Path) -> None:
    text = call("report", story).stdout
    first = "\n".join(text.splitlines()[:8])
    assert "redact" in first and "re.compile" in first, text
    report = json.loads(call("report", story, "--json").stdout)
    red = report["red"][0]
    assert red["function"]["name"].endswith("redact")
    assert red["own"]["share"] > 0.6
    assert "re.compile(" in red["lines"][0]["source"]


def test_views_of_one_capture(call: Call, story: Path) -> None:
    shares = {}
    for view in ("wall", "cpu", "gil"):
        report = json.loads(call("report", story, "--view", view, "--json").stdout)
        shares[view] = report["red"][0]["own"]["share"]
    # One thread that computes: the three views agree.
    assert max(shares.values()) - min(shares.values()) < 0.05, shares


@pytest.mark.parametrize("sort", ["own", "total", "name", "calls"])
def test_the_table_is_sorted(call: Call, story: Path, sort: str) -> None:
    table = json.loads(call("report", story, "--sort", sort, "--limit", "10", "--json").stdout)
    assert len(table["rows"]) == 10
    if sort in ("own", "total"):
        values = [row[sort]["share"] for row in table["rows"]]
        assert values == sorted(values, reverse=True)
    if sort == "name":
        names = [row["function"]["name"] for row in table["rows"]]
        assert names == sorted(names)


def test_functions_are_found_by_what_people_type(call: Call, story: Path) -> None:
    assert "redact" in call("report", story, "--lines", "redact").stdout
    assert "redact" in call("report", story, "--callers", "re:compile").stdout
    assert "compile" in call("report", story, "--callees", "redact").stdout
    done = call("report", story, "--lines", "redcat")
    assert done.returncode == 1 and "redact" in done.stderr, "a near name is suggested"
    assert "redact" in call("report", story, "--function", "red.ct").stdout
    assert "└" in call("report", story, "--tree").stdout
    assert "MainThread" in call("report", story, "--threads").stdout
    assert "before.py" in call("report", story, "--processes").stdout


def test_a_part_of_the_time(call: Call, story: Path) -> None:
    whole = json.loads(call("report", story, "--json").stdout)["base"]
    part = json.loads(call("report", story, "--since", "1s", "--until", "1500ms", "--json").stdout)["base"]
    assert 0 < part["amount"] <= 0.55 < whole["amount"]


def test_threads_and_processes_that_are_not_there_are_named(call: Call, story: Path) -> None:
    done = call("report", story, "--thread", "nobody")
    assert done.returncode == 1 and "MainThread" in done.stderr
    done = call("report", story, "--process", "1")
    assert done.returncode == 1 and "the pids are" in done.stderr
    assert call("report", story, "--thread", "MainThread").returncode == 0


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_report_fits_the_width(call: Call, story: Path, width: int) -> None:
    for options in ([], ["--tree"], ["--sort", "own"], ["--lines", "redact"]):
        text = call("report", story, "--width", str(width), *options).stdout
        # What is to be typed is never cut.
        lines = [line for line in text.splitlines() if not line.startswith("  pyrometer ")]
        assert max(map(len, lines)) <= width, (options, text)


@pytest.mark.parametrize(
    "name", ["a.txt", "a.json", "a.pb.gz", "a.svg", "a.prof", "a.jsonl", "a.perfetto-trace", "a.speedscope.json"]
)
def test_export_chooses_the_format_by_the_ending(call: Call, story: Path, tmp_path: Path, name: str) -> None:
    done = call("export", story, "-o", tmp_path / name)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / name).stat().st_size > 100
    assert [path.name for path in tmp_path.iterdir()] == [name], "no half-written file is left"
    if name == "a.prof":
        functions = {function for _, _, function in pstats.Stats(str(tmp_path / name)).stats}  # type: ignore[attr-defined]
        assert any("redact" in function for function in functions)


def test_export_to_standard_output(call: Call, story: Path) -> None:
    text = call("export", story, "-f", "collapsed", "-o", "-").stdout
    assert "redact" in text and all(line.rsplit(" ", 1)[1].isdigit() for line in text.splitlines())


def test_a_cut_capture_says_what_is_left(call: Call, story: Path, tmp_path: Path) -> None:
    whole = story.read_bytes()
    cut = tmp_path / "cut.pyro"
    cut.write_bytes(whole[: len(whole) * 2 // 3])
    done = call("report", cut)
    assert done.returncode == 0, done.stderr
    assert "note:" in done.stderr and "redact" in done.stdout


def test_a_damaged_capture_is_read_around_the_damage(call: Call, story: Path, tmp_path: Path) -> None:
    damaged = bytearray(story.read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    path = tmp_path / "damaged.pyro"
    path.write_bytes(damaged)
    done = call("report", path)
    assert done.returncode == 0, done.stderr
    assert "note:" in done.stderr and "redact" in done.stdout
