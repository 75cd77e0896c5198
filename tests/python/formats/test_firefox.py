"""Firefox's processed profile: the rules of the format, since the viewer itself is no package to install."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

SAMPLES = ("stack", "time", "weight", "threadCPUDelta")
TABLES = {
    "samples": SAMPLES,
    "stackTable": ("frame", "prefix"),
    "frameTable": (
        "address", "category", "column", "func", "inlineDepth", "innerWindowID", "line", "nativeSymbol", "subcategory",
    ),
    "funcTable": ("columnNumber", "fileName", "isJS", "lineNumber", "name", "relevantForJS", "resource"),
    "markers": ("category", "data", "endTime", "name", "phase", "startTime"),
    "nativeSymbols": ("address", "functionSize", "libIndex", "name"),
    "resourceTable": ("host", "lib", "name", "type"),
}


def load(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def stack_of(thread: dict, stack: "int | None") -> "list[str]":
    names = []
    while stack is not None:
        func = thread["frameTable"]["func"][thread["stackTable"]["frame"][stack]]
        names.append(thread["stringArray"][thread["funcTable"]["name"][func]])
        stack = thread["stackTable"]["prefix"][stack]
    return names[::-1]


@pytest.mark.parametrize("capture", ["typical", "strange", "recursion", "empty", "processes"])
def test_columns_are_of_one_length_and_point_into_their_tables(capture: str, exports: Path) -> None:
    profile = load(exports / f"{capture}.firefox.json")
    assert profile["meta"]["preprocessedProfileVersion"] == 55
    categories = len(profile["meta"]["categories"])
    for thread in profile["threads"]:
        for table, columns in TABLES.items():
            for column in columns:
                assert len(thread[table][column]) == thread[table]["length"], (table, column)
        stacks, frames = thread["stackTable"], thread["frameTable"]
        for at, prefix in enumerate(stacks["prefix"]):
            assert prefix is None or 0 <= prefix < at
        assert all(0 <= frame < frames["length"] for frame in stacks["frame"])
        assert all(0 <= func < thread["funcTable"]["length"] for func in frames["func"])
        assert all(0 <= category < categories for category in frames["category"])
        strings = len(thread["stringArray"])
        assert all(0 <= name < strings for name in thread["funcTable"]["name"])
        assert all(name is None or 0 <= name < strings for name in thread["funcTable"]["fileName"])
        samples = thread["samples"]
        assert samples["time"] == sorted(samples["time"])
        assert all(stack is None or 0 <= stack < stacks["length"] for stack in samples["stack"])
        assert isinstance(thread["pid"], str)


def test_times_are_those_of_the_samples(exports: Path) -> None:
    main, worker = load(exports / "typical.firefox.json")["threads"]
    assert (main["name"], main["isMainThread"], main["pid"], main["tid"]) == ("MainThread (4242)", True, "4242", 4242)
    samples = main["samples"]
    assert sum(samples["weight"]) == pytest.approx(1000.0)
    assert sum(samples["threadCPUDelta"]) == pytest.approx(900_000.0)
    redact = sum(
        weight for stack, weight in zip(samples["stack"], samples["weight"]) if "AuditLogger.redact" in stack_of(main, stack)
    )
    assert redact == pytest.approx(600.0)
    # The gap of 50 ms from 500 ms on, and the end, are samples without a stack.
    assert [time for time, stack in zip(samples["time"], samples["stack"]) if stack is None] == [500, 1050]
    assert sum(worker["samples"]["threadCPUDelta"]) == 0


def test_deep_and_strange_stacks_are_whole(exports: Path) -> None:
    (thread,) = load(exports / "recursion.firefox.json")["threads"]
    assert max(len(stack_of(thread, stack)) for stack in thread["samples"]["stack"]) == 10_002
    (thread,) = load(exports / "strange.firefox.json")["threads"]
    names = {name for stack in thread["samples"]["stack"] for name in stack_of(thread, stack)}
    assert {"<script>alert('x')</script>", "line\nbreak\r\n", "🐍🔥", "nul\0and\x1b[31mescape", "<unnamed>"} <= names
