"""Perfetto traces, decoded by the messages of the `perfetto` package."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import pytest
from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TracePacket, TrackEvent

CAPTURES = ("typical", "strange", "recursion", "empty", "processes", "turns")


class Slice(NamedTuple):
    name: str
    start: int
    end: int
    depth: int
    file: str
    line: int
    category: str


class Tracks(NamedTuple):
    threads: "dict[int, tuple[int, int, str]]"
    processes: "dict[int, str]"
    slices: "dict[int, list[Slice]]"


def read(path: Path) -> Tracks:
    """Follows the interned names and pairs begins with ends, as the trace processor does."""
    trace = Trace.FromString(path.read_bytes())
    tracks = Tracks({}, {}, defaultdict(list))
    names, places, categories = {}, {}, {}
    opened: "dict[int, list]" = defaultdict(list)
    assert trace.packet[0].sequence_flags == TracePacket.SEQ_INCREMENTAL_STATE_CLEARED
    for packet in trace.packet:
        assert packet.trusted_packet_sequence_id == 1
        names.update({entry.iid: entry.name for entry in packet.interned_data.event_names})
        categories.update({entry.iid: entry.name for entry in packet.interned_data.event_categories})
        places.update({entry.iid: entry for entry in packet.interned_data.source_locations})
        if packet.HasField("track_descriptor"):
            track = packet.track_descriptor
            if track.HasField("thread"):
                tracks.threads[track.uuid] = (track.thread.pid, track.thread.tid, track.thread.thread_name)
                assert tracks.processes[track.thread.pid]
            else:
                tracks.processes[track.process.pid] = track.process.process_name
        if not packet.HasField("track_event"):
            continue
        event, stack = packet.track_event, opened[packet.track_event.track_uuid]
        if event.type == TrackEvent.TYPE_SLICE_BEGIN:
            stack.append((event, packet.timestamp))
        else:
            assert event.type == TrackEvent.TYPE_SLICE_END
            begin, start = stack.pop()
            place = places[begin.source_location_iid]
            kept = Slice(
                names[begin.name_iid], start, packet.timestamp, len(stack), place.file_name, place.line_number,
                categories[begin.category_iids[0]],
            )
            tracks.slices[event.track_uuid].append(kept)
    assert not any(opened.values()), "a slice was never closed"
    return tracks


@pytest.mark.parametrize("capture", CAPTURES)
def test_slices_nest(capture: str, exports: Path) -> None:
    tracks = read(exports / f"{capture}.perfetto-trace")
    assert tracks.threads
    for slices in tracks.slices.values():
        for slice_ in slices:
            assert slice_.end > slice_.start


def test_slices_last_as_long_as_the_samples(exports: Path) -> None:
    tracks = read(exports / "typical.perfetto-trace")
    (main,) = [track for track, thread in tracks.threads.items() if thread == (4242, 4242, "MainThread (4242)")]
    spent: "dict[str, int]" = defaultdict(int)
    for slice_ in tracks.slices[main]:
        spent[slice_.name] += slice_.end - slice_.start
    assert spent["AuditLogger.redact"] == 600_000_000
    # The gap in which nothing is known is nobody's time: the module's frame is closed for it and opened again.
    assert spent["<module>"] == 1_000_000_000
    assert len([1 for slice_ in tracks.slices[main] if slice_.name == "<module>"]) == 2
    redact = next(slice_ for slice_ in tracks.slices[main] if slice_.name == "AuditLogger.redact")
    assert (redact.file, redact.line, redact.category, redact.depth) == ("/srv/tickets/service.py", 30, "own", 2)


def test_deep_and_strange_stacks_are_whole(exports: Path) -> None:
    (deep,) = read(exports / "recursion.perfetto-trace").slices.values()
    assert max(slice_.depth for slice_ in deep) == 10_001
    (strange,) = read(exports / "strange.perfetto-trace").slices.values()
    names = {slice_.name for slice_ in strange}
    assert {"<script>alert('x')</script>", "line\nbreak\r\n", "🐍🔥", "nul\0and\x1b[31mescape", "<unnamed>"} <= names


def test_processes_have_their_own_tracks(exports: Path) -> None:
    tracks = read(exports / "processes.perfetto-trace")
    assert tracks.processes == {100: "process 100: python pool.py", 101: "process 101: python pool.py --worker"}
    assert sorted(thread[:2] for thread in tracks.threads.values()) == [(100, 100), (100, 102), (101, 101)]
    assert len(tracks.slices) == 3
