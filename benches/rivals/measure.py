"""How a figure is taken: interleaved repetitions, medians with their spread."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Callable, Dict, List, Optional, Sequence

LIMIT = 900
"""No single command may take longer, in seconds."""


@dataclass
class Figure:
    """One row of the table: values by tool, each with its spread."""

    title: str
    unit: str
    wanted: str
    values: Dict[str, str] = field(default_factory=dict)
    raw: Dict[str, List[float]] = field(default_factory=dict)
    notes: List[str] = field(default_factory=list)

    def put(self, tool: str, values: Sequence[float], form: str = "{:.3g}") -> None:
        """Record a tool's repetitions; shown as the median, and the range where there are several."""
        self.raw[tool] = list(values)
        shown = form.format(statistics.median(values))
        if len(values) > 1:
            shown += f" ({form.format(min(values))}–{form.format(max(values))})"
        self.values[tool] = shown
        print(f"  {self.title}: {tool} {shown} {self.unit}", file=sys.stderr, flush=True)

    def fail(self, tool: str, why: str) -> None:
        """Record that a tool could not be measured."""
        self.values[tool] = "failed"
        self.notes.append(f"{tool}: {why.strip()[-300:]}")
        print(f"  {self.title}: {tool} failed: {why.strip()[-300:]}", file=sys.stderr, flush=True)


@dataclass
class Run:
    """A finished command."""

    code: int
    printed: str
    wall: float
    program: Optional[dict]
    """The line of JSON that the measured program printed about itself."""


class Failed(Exception):
    """A command did not do what it should."""


def run(command: Sequence[str], limit: float = LIMIT, need_program: bool = True) -> Run:
    """Run a command to its end and pick the program's own line of JSON from what was printed."""
    begun = time.perf_counter()
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=limit
        )
    except subprocess.TimeoutExpired as late:
        raise Failed(f"{command[0]} did not end in {limit} s") from late
    wall = time.perf_counter() - begun
    printed = done.stdout.decode(errors="replace")
    program = None
    for line in printed.splitlines():
        start = line.find('{"')
        if start >= 0:
            try:
                program = json.loads(line[start:])
            except ValueError:
                continue
    if need_program and program is None:
        raise Failed(f"exit code {done.returncode}: {printed}")
    return Run(done.returncode, printed, wall, program)


def guarded(figure: Figure, tool: str, action: Callable[[], None]) -> None:
    """Do a measurement; a tool that fails gets a note and the others go on."""
    try:
        action()
    except (Failed, OSError, LookupError, ValueError, subprocess.SubprocessError) as error:
        figure.fail(tool, f"{type(error).__name__}: {error}")


def markdown(figures: Sequence[Figure], columns: Sequence[str], about: str) -> str:
    """The table, and what must be said beside it."""
    lines = ["# pyrometer and its rivals, side by side", "", about, ""]
    lines.append("| figure | to reach | " + " | ".join(columns) + " |")
    lines.append("|---" * (len(columns) + 2) + "|")
    for figure in figures:
        cells = [figure.values.get(column, "") for column in columns]
        lines.append(f"| {figure.title}, {figure.unit} | {figure.wanted} | " + " | ".join(cells) + " |")
    lines.append("")
    for figure in figures:
        lines += [f"- {figure.title}: {note}".replace("\n", " ") for note in figure.notes]
    return "\n".join(lines) + "\n"


def as_json(figures: Sequence[Figure], about: str) -> str:
    """Everything, with each repetition's value."""
    return json.dumps({"about": about, "figures": [asdict(figure) for figure in figures]}, indent=1)
