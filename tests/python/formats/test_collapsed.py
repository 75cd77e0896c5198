"""Collapsed stacks: the lines themselves, and gprof2dot, which reads them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from collections import Counter


def stacks(path: Path) -> "dict[tuple[str, ...], int]":
    """Reads the file as flamegraph.pl does: the weight is behind the last space."""
    weights: "Counter[tuple[str, ...]]" = Counter()
    for line in path.read_text(encoding="utf-8").split("\n")[:-1]:
        stack, weight = line.rsplit(" ", 1)
        weights[tuple(stack.split(";"))] += int(weight)
    return dict(weights)


@pytest.mark.parametrize(
    ("file", "total"),
    [
        ("typical.collapsed", 1500),
        ("typical.busy.collapsed", 900),
        ("typical.cpu.collapsed", 900),
        ("typical.micro.collapsed", 1_500_000),
        ("typical.lines.collapsed", 1500),
        ("strange.collapsed", 150),
        ("recursion.collapsed", 200),
        ("empty.collapsed", 0),
        ("processes.collapsed", 200),
    ],
)
def test_weights_add_up(file: str, total: int, exports: Path) -> None:
    assert sum(stacks(exports / file).values()) == total


def test_frames_name_function_file_and_line(exports: Path) -> None:
    read = stacks(exports / "typical.collapsed")
    redact = ("<module> (service.py:1)", "serve (service.py:70)", "AuditLogger.redact (service.py:30)")
    assert read[(*redact, "re.compile (re/__init__.py:226)", "re._compile (re/__init__.py:280)")] == 600
    lines = stacks(exports / "typical.lines.collapsed")
    assert sum(weight for stack, weight in lines.items() if "serve (service.py:75)" in stack) == 900


def test_threads_and_processes_are_outermost_frames(exports: Path) -> None:
    assert {stack[0] for stack in stacks(exports / "typical.apart.collapsed")} == {"MainThread (4242)", "Worker-1 (4243)"}
    roots = {stack[:2] for stack in stacks(exports / "processes.apart.collapsed")}
    assert roots == {
        ("process 100: python pool.py", "thread-100 (100)"),
        ("process 100: python pool.py", "thread-102 (102)"),
        ("process 101: python pool.py --worker", "thread-101 (101)"),
    }


def test_no_name_breaks_a_line_or_a_frame(exports: Path) -> None:
    read = stacks(exports / "strange.collapsed")
    assert len(read) == 16
    assert {len(stack) for stack in read if stack != ("<no Python frames>",)} == {2}
    leaves = {stack[-1].split(" (")[0] for stack in read}
    assert {"<lambda>", "a\\x3bb", "line\\nbreak\\r\\n", "函数名字很长很长很长", "🐍🔥", "ends with number 42"} <= leaves


def test_ten_thousand_frames_are_all_there(exports: Path) -> None:
    depths = sorted(len(stack) for stack in stacks(exports / "recursion.collapsed"))
    assert depths == [2_501, 5_001, 7_501, 10_001, 10_002]


def test_gprof2dot_draws_it(exports: Path, tmp_path: Path) -> None:
    out = tmp_path / "graph.dot"
    command = [sys.executable, "-m", "gprof2dot", "-f", "collapse", "-n", "0", "-e", "0", "-o", str(out)]
    subprocess.run([*command, str(exports / "typical.collapsed")], check=True, capture_output=True)
    graph = out.read_text(encoding="utf-8")
    assert "AuditLogger.redact" in graph
    assert "40.00%" in graph
