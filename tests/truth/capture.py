"""A capture as tests and benches read it: through `pyrometer export --format jsonl`, the front door."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, FrozenSet, Iterator, List, NamedTuple, Optional, Tuple


class Frame(NamedTuple):
    """One frame of a stack. `kind` is python, native or marker; `line` 0 where it is not known."""

    kind: str
    name: str
    qualified_name: str
    file: str
    line: int


@dataclass(frozen=True)
class Run:
    """Equal consecutive samples of one thread. Times are in nanoseconds."""

    thread: int
    stack: int
    samples: int
    start_ns: int
    wall_ns: int
    cpu_ns: int
    flags: FrozenSet[str]

    @property
    def whole(self) -> bool:
        """Whether the whole stack was proven."""
        return "partial" not in self.flags


class Capture:
    """Everything that a capture holds."""

    def __init__(self, records: Iterator[Dict[str, Any]]) -> None:
        self.audit: Dict[str, int] = {}
        self.information: Dict[str, Any] = {}
        self.processes: Dict[int, Dict[str, Any]] = {}
        self.threads: Dict[int, Dict[str, Any]] = {}
        self.runs: List[Run] = []
        self._functions: Dict[int, Dict[str, Any]] = {}
        self._locations: Dict[int, Frame] = {}
        self._stacks: Dict[int, Tuple[Optional[int], int]] = {}
        self._frames: Dict[int, Tuple[Frame, ...]] = {}
        self.ended = False
        for record in records:
            getattr(self, "_read_" + record["type"], lambda _: None)(record)

    def _read_capture(self, record: Dict[str, Any]) -> None:
        self.information = record

    def _read_audit(self, record: Dict[str, Any]) -> None:
        self.audit = record

    def _read_process(self, record: Dict[str, Any]) -> None:
        self.processes[record["id"]] = record

    def _read_thread(self, record: Dict[str, Any]) -> None:
        self.threads[record["id"]] = record

    def _read_function(self, record: Dict[str, Any]) -> None:
        self._functions[record["id"]] = record

    def _read_location(self, record: Dict[str, Any]) -> None:
        function = self._functions[record["function"]]
        self._locations[record["id"]] = Frame(
            function["kind"], function["name"], function["qualified_name"], function["file"], record["line"] or 0
        )

    def _read_stack(self, record: Dict[str, Any]) -> None:
        self._stacks[record["id"]] = (record["parent"], record["location"])

    def _read_run(self, record: Dict[str, Any]) -> None:
        self.runs.append(
            Run(
                record["thread"],
                record["stack"],
                record["samples"],
                record["start_ns"],
                record["wall_ns"],
                record["cpu_ns"],
                frozenset(record["flags"]),
            )
        )

    def _read_end(self, record: Dict[str, Any]) -> None:
        assert record["runs"] == len(self.runs)
        self.ended = True

    def frames(self, stack: int) -> Tuple[Frame, ...]:
        """A stack's frames, outermost first."""
        known = self._frames.get(stack)
        if known is None:
            reversed_frames = []
            at: Optional[int] = stack
            while at is not None and at in self._stacks:
                parent, location = self._stacks[at]
                reversed_frames.append(self._locations[location])
                at = parent
            known = self._frames[stack] = tuple(reversed(reversed_frames))
        return known

    def python_frames(self, stack: int) -> Tuple[Frame, ...]:
        """A stack's Python frames, without C functions and markers."""
        return tuple(frame for frame in self.frames(stack) if frame.kind == "python")

    def thread_name(self, run: Run) -> str:
        """The name of the run's thread."""
        return self.threads[run.thread]["name"]

    def native_id(self, run: Run) -> int:
        """The kernel's id of the run's thread."""
        return self.threads[run.thread]["native_id"]

    def pid(self, run: Run) -> int:
        """The process id of the run's thread."""
        return self.processes[self.threads[run.thread]["process"]]["pid"]

    def share_by(self, key: Callable[[Run], Optional[str]], weight: Callable[[Run], float]) -> Dict[str, float]:
        """Shares of the keys' weights in their sum; runs whose key is None do not count."""
        totals: Dict[str, float] = {}
        for run in self.runs:
            name = key(run)
            if name is not None:
                totals[name] = totals.get(name, 0.0) + weight(run)
        everything = sum(totals.values())
        return {name: value / everything for name, value in totals.items()} if everything else {}

    def first_of(self, run: Run, names: FrozenSet[str]) -> Optional[str]:
        """The outermost function of the run's stack that is one of the names."""
        return next((frame.name for frame in self.frames(run.stack) if frame.name in names), None)


def wall(run: Run) -> float:
    """The run's wall time."""
    return run.wall_ns


def cpu(run: Run) -> float:
    """The run's CPU time."""
    return run.cpu_ns


def read(executable: str, path: Path) -> Capture:
    """Read a capture file."""
    command = [executable, "export", str(path), "--format", "jsonl", "--idle", "-o", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        capture = Capture(json.loads(line) for line in process.stdout)
        said = process.stderr.read().decode(errors="replace")
    assert process.returncode == 0, f"export ended with {process.returncode}: {said}"
    return capture
