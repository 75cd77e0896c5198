"""Chrome's trace events: the rules of the format. That another reader takes them is tested in tests/browser."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pytest


def read(path: Path) -> "tuple[dict, dict]":
    """Pairs begins with ends in the file's order; gives what each thread is called and its spans."""
    document = json.loads(path.read_text(encoding="utf-8"))
    names, spans, opened, last = {}, defaultdict(list), defaultdict(list), defaultdict(float)
    for event in document["traceEvents"]:
        if event["ph"] == "M":
            names[event["name"], event["pid"], event.get("tid")] = event["args"]["name"]
            continue
        key = event["pid"], event["tid"]
        assert event["ts"] >= last[key], "time goes backwards"
        last[key] = event["ts"]
        if event["ph"] == "B":
            opened[key].append(event)
        else:
            assert event["ph"] == "E"
            begin = opened[key].pop()
            assert begin["name"] == event["name"]
            spans[key].append((begin["name"], begin["ts"], event["ts"], len(opened[key])))
    assert not any(opened.values())
    return names, spans


@pytest.mark.parametrize("capture", ["typical", "strange", "recursion", "empty", "processes"])
def test_begins_and_ends_match(capture: str, exports: Path) -> None:
    names, spans = read(exports / f"{capture}.trace.json")
    for pid, tid in spans:
        assert ("thread_name", pid, tid) in names
        assert ("process_name", pid, None) in names


def test_spans_last_as_long_as_the_samples(exports: Path) -> None:
    _, spans = read(exports / "typical.trace.json")
    main = spans[4242, 4242]
    redact = [end - start for name, start, end, _ in main if name == "AuditLogger.redact (service.py:30)"]
    # An end is a nanosecond early.
    assert redact == pytest.approx([59_999.999] * 10)
    assert sum(end - start for name, start, end, depth in main if depth == 0) == pytest.approx(1_000_000, abs=0.01)
    _, spans = read(exports / "recursion.trace.json")
    assert max(depth for *_, depth in spans[9, 9]) == 10_001
