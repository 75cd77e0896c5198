"""Flame graphs as XML documents. How they behave in a browser is tested in tests/browser."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

SVG = "{http://www.w3.org/2000/svg}"
VARIANTS = ("", ".icicle", ".apart")


def boxes(path: Path) -> "list[tuple[str, float, float, int, int]]":
    """Label, start, width (both in per cent), row and height in pixels of each box."""
    frames = ElementTree.parse(path).getroot().find(f".//{SVG}svg[@id='frames']")
    found = []
    for group in frames.iter(f"{SVG}g"):
        rect = group.find(f"{SVG}rect")
        label = group.find(f"{SVG}title").text.split("\n")[0]
        place = [float(rect.get(name).rstrip("%")) for name in ("x", "width")]
        found.append((label, *place, int(group.get("data-r")), int(rect.get("y"))))
    return found


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("capture", ["typical", "strange", "recursion", "processes"])
def test_boxes_lie_within_their_callers_and_not_over_each_other(capture: str, variant: str, exports: Path) -> None:
    rows: "dict[int, list]" = {}
    for label, start, width, row, _ in boxes(exports / f"{capture}{variant}.svg"):
        rows.setdefault(row, []).append((start, start + width, label))
    assert rows[0][0][:2] == (0.0, 100.0)
    slack = 0.0005
    for row, placed in rows.items():
        placed.sort()
        for (_, end, _), (start, _, label) in zip(placed, placed[1:]):
            assert start >= end - slack, label
        if row > 0:
            for start, end, label in placed:
                assert any(s - slack <= start and end <= e + slack for s, e, _ in rows[row - 1]), label


def test_widths_are_shares(exports: Path) -> None:
    widths = {label: width for label, _, width, _, _ in boxes(exports / "typical.svg")}
    assert widths["AuditLogger.redact (service.py:30)"] == pytest.approx(40.0)
    assert widths["_thread.lock.acquire"] == pytest.approx(100 / 3, abs=1e-3)


def test_an_icicle_hangs_and_a_flame_stands(exports: Path) -> None:
    flame = {label: y for label, *_, y in boxes(exports / "typical.svg")}
    icicle = {label: y for label, *_, y in boxes(exports / "typical.icicle.svg")}
    assert flame["all"] == max(flame.values())
    assert icicle["all"] == min(icicle.values())


def test_no_name_is_markup(exports: Path) -> None:
    root = ElementTree.parse(exports / "strange.svg").getroot()
    labels = {label for label, *_ in boxes(exports / "strange.svg")}
    place = '(we;ird "<dir>"⏎/ünïcode.py'
    assert {f"<script>alert('x')</script> {place}:11)", f"]]> {place}:12)", f"🐍🔥 {place}:18)"} <= labels
    # One script, one style, and no element that a name brought in.
    tags = [element.tag for element in root.iter()]
    assert tags.count(f"{SVG}script") == 1
    html = "{http://www.w3.org/1999/xhtml}input"
    known = {"svg", "g", "rect", "text", "title", "style", "script", "foreignObject"}
    assert set(tags) == {SVG + tag for tag in known} | {html}


def test_nothing_is_fetched_from_anywhere(exports: Path) -> None:
    for element in ElementTree.parse(exports / "typical.svg").getroot().iter():
        assert not any(name.endswith(("href", "src")) for name in element.attrib), element.tag
    text = (exports / "typical.svg").read_text(encoding="utf-8")
    assert "url(" not in text and "@import" not in text


def test_what_is_folded_is_said(exports: Path) -> None:
    note = ElementTree.parse(exports / "recursion.svg").getroot().find(f".//{SVG}text[@id='note']").text
    assert "10\u202f002 deep" in note
    assert max(row for *_, row, _ in boxes(exports / "recursion.svg")) == 3


def test_an_empty_capture_says_so(exports: Path) -> None:
    root = ElementTree.parse(exports / "empty.svg").getroot()
    assert boxes(exports / "empty.svg") == []
    assert "No samples" in root.find(f".//{SVG}text[@id='nothing']").text
