"""pstats files, read by the pstats of every CPython, by snakeviz and by gprof2dot."""

from __future__ import annotations

import json
import pstats
import subprocess
import sys
from pathlib import Path

import pytest

SERVICE = "/srv/tickets/service.py"

READ = """
import io, json, pstats, sys
out = io.StringIO()
stats = pstats.Stats(sys.argv[1], stream=out)
for order in ("cumulative", "tottime", "ncalls", "name", "filename", "line", "nfl", "stdname", "pcalls"):
    stats.sort_stats(order).print_stats()
stats.print_callers()
stats.print_callees()
stats.add(sys.argv[1])
stats.strip_dirs().print_stats("redact|dive|work", 5)
print(json.dumps([stats.total_tt, stats.total_calls, len(stats.stats), len(out.getvalue())]))
"""

#       capture      own seconds  functions
FACTS = {
    "typical": (1.5, 12),
    "strange": (0.15, 17),
    "recursion": (0.2, 3),
    "empty": (0.0, 1),
    "processes": (0.2, 2),
}


@pytest.mark.parametrize("capture", FACTS)
def test_every_cpython_loads_sorts_prints_and_adds_it(capture: str, exports: Path, interpreters: list) -> None:
    seconds, functions = FACTS[capture]
    assert interpreters
    for version, path in interpreters:
        command = [path, "-c", READ, str(exports / f"{capture}.pstats")]
        # The names are printed with what the pipe can carry.
        done = subprocess.run(command, capture_output=True, env={"PYTHONIOENCODING": "utf-8:backslashreplace"})
        assert done.returncode == 0, (version, done.stderr.decode())
        total, _, count, printed = json.loads(done.stdout)
        # It was added to itself.
        assert total == pytest.approx(2 * seconds), version
        assert count == functions, version
        assert printed > 1000, version


def test_times_and_callers_are_those_of_the_samples(exports: Path) -> None:
    stats = pstats.Stats(str(exports / "typical.pstats")).stats
    redact = (SERVICE, 30, "redact")
    calls, _, own, total, callers = stats[redact]
    assert (calls, own, total) == (600, 0.0, pytest.approx(0.6))
    assert callers == {(SERVICE, 70, "serve"): (600, 600, 0.0, pytest.approx(0.6))}
    # A function written in C goes by the name that cProfile gives it.
    assert stats[("~", 0, "<built-in method _thread.lock.acquire>")][2] == pytest.approx(0.5)


def test_time_under_recursion_counts_once(exports: Path) -> None:
    stats = pstats.Stats(str(exports / "recursion.pstats")).stats
    dive = ("/srv/tickets/deep.py", 3, "dive")
    _, _, own, total, callers = stats[dive]
    assert own == pytest.approx(0.1)
    assert total == pytest.approx(0.2)
    assert callers[dive][3] == pytest.approx(0.2)
    assert sum(row[2] for row in stats.values()) == pytest.approx(0.2)


@pytest.mark.parametrize("capture", FACTS)
def test_snakeviz_makes_its_page_of_it(capture: str, exports: Path) -> None:
    from snakeviz.stats import json_stats, table_rows

    stats = pstats.Stats(str(exports / f"{capture}.pstats"))
    assert len(table_rows(stats)) == FACTS[capture][1]
    page = json.loads(json.dumps(json_stats(stats)))
    if capture == "typical":
        assert page[f"{SERVICE}:70(serve)"]["stats"][3] == pytest.approx(1.0)
        assert set(page[f"{SERVICE}:50(format_reply)"]["children"]) == {
            "~:0(<built-in method json.dumps>)",
            "/srv/venv/lib/python3.12/site-packages/requests/api.py:60(get)",
        }


def gprof2dot(kind: str, path: Path, tmp_path: Path) -> str:
    out = tmp_path / "graph.dot"
    command = [sys.executable, "-m", "gprof2dot", "-f", kind, "-n", "0", "-e", "0", "-o", str(out), str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return out.read_text(encoding="utf-8")


def test_gprof2dot_draws_it(exports: Path, tmp_path: Path) -> None:
    graph = gprof2dot("pstats", exports / "typical.pstats", tmp_path)
    assert "service:30:redact" in graph
    assert "40.00%" in graph
