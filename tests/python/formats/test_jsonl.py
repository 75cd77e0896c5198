"""JSON lines: each line against the schema in docs, and every reference against what stood before it."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

SCHEMA = json.loads((Path(__file__).resolve().parents[3] / "docs" / "schemas" / "jsonl-1.schema.json").read_text(encoding="utf-8"))


def read(path: Path) -> "list[dict]":
    # Split at "\n" alone: other line ends must not stand in a line.
    text = path.read_text(encoding="utf-8")
    assert text.splitlines() == text.split("\n")[:-1]
    return [json.loads(line) for line in text.split("\n")[:-1]]


@pytest.mark.parametrize("capture", ["typical", "strange", "empty", "processes"])
def test_each_line_is_as_documented(capture: str, exports: Path) -> None:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for line in read(exports / f"{capture}.jsonl"):
        validator.validate(line)


@pytest.mark.parametrize("capture", ["typical", "strange", "recursion", "empty", "processes"])
def test_what_a_line_refers_to_stands_before_it(capture: str, exports: Path) -> None:
    lines = read(exports / f"{capture}.jsonl")
    assert lines[0]["type"] == "capture"
    assert lines[-1] == {"type": "end", "runs": sum(line["type"] == "run" for line in lines)}
    known: "dict[str, set]" = {"process": set(), "thread": set(), "function": set(), "location": set(), "stack": {0}}
    for line in lines:
        kind = line["type"]
        references = {"thread": ["process"], "location": ["function"], "stack": ["location"], "run": ["thread", "stack"]}
        for reference in references.get(kind, []):
            assert line[reference] in known[reference], line
        if kind == "stack" and line["parent"] is not None:
            assert line["parent"] in known["stack"], line
        if kind in known:
            assert line["id"] not in known[kind], line
            known[kind].add(line["id"])


def test_it_holds_lines_columns_flags_and_source(exports: Path) -> None:
    lines = read(exports / "typical.jsonl")
    functions = {line["id"]: line["qualified_name"] for line in lines if line["type"] == "function"}
    (redact,) = [
        line for line in lines if line["type"] == "location" and functions[line["function"]] == "AuditLogger.redact"
    ]
    assert (redact["line"], redact["column"], redact["end_column"]) == (33, 4, 20)
    runs = [line for line in lines if line["type"] == "run"]
    assert runs[0]["flags"] == ["on_cpu", "gil_held"]
    assert sum(run["wall_ns"] for run in runs) == 1_500_000_000
    assert sum(run["samples"] for run in runs) == 1500
    (source,) = [line for line in lines if line["type"] == "source"]
    assert (source["line"], "re.compile" in source["text"]) == (33, True)
