#!/usr/bin/env python3
"""Measure pyrometer and the profilers that users have now, side by side in one run.

    benches/rivals/run.py                     every row, about 40 minutes
    benches/rivals/run.py --quick             every row, shortened, about 8 minutes
    benches/rivals/run.py torn dump           some rows
    benches/rivals/run.py --only pyrometer torn

Needs root (chroot for Python 3.15), the interpreters of scripts/interpreters, and pip once. Writes table.md and
results.json into --output (default: benches/rivals/results). Everything is bounded and stays on this machine.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Callable, Dict, List, Tuple

import cost
import machine
import speed
import truth
from measure import Figure, as_json, markdown
from suite import Suite
from tools import Austin, ProfilingSampling, Pyinstrument, Pyrometer, PySpy, Tool

ROWS: Dict[str, Callable[[Suite], List[Figure]]] = {
    "slowdown": speed.slowdown,
    "cpu": cost.own_cpu,
    "kept": truth.kept,
    "lost": truth.lost_or_wrong,
    "torn": truth.torn,
    "cycle": truth.locked_cycle,
    "threads": truth.four_threads,
    "hundred": cost.hundred_threads,
    "dump": cost.dump_latency,
    "empty": speed.empty_script,
    "size": cost.bytes_a_sample,
    "memory": cost.memory_over_time,
}


def all_tools() -> Tuple[List[Tool], List[Tool]]:
    """Every profiler that there is an interpreter for, and variants of them."""
    interpreters = machine.interpreters()
    own, sampling = interpreters[machine.OWN_VERSION], interpreters.get(machine.SAMPLING_VERSION)
    commands = machine.rivals_environment(own)
    pyrometer = machine.executable()
    newer = sampling.root if sampling else None
    tools: List[Tool] = [Pyrometer(own, pyrometer), PySpy(own, commands), Austin(own, commands, newer)]
    tools.append(Pyinstrument(own, commands))
    if sampling:
        tools += [ProfilingSampling(sampling), Pyrometer(sampling, pyrometer)]
    return tools, [PySpy(own, commands, nonblocking=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of: {', '.join(ROWS)}")
    parser.add_argument("--quick", action="store_true", help="shorter and less exact")
    parser.add_argument("--only", action="append", metavar="TOOL", help="only this profiler (may be repeated)")
    parser.add_argument("--memory-seconds", type=int, help="length of the memory row (600, or 30 with --quick)")
    parser.add_argument("--output", type=Path, default=machine.HERE / "results")
    arguments = parser.parse_args()
    unknown = set(arguments.rows) - set(ROWS)
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    tools, variants = [
        [tool for tool in group if not arguments.only or tool.name in arguments.only] for group in all_tools()
    ]
    if not tools + variants:
        parser.error("no such tool")
    seconds = arguments.memory_seconds or (30 if arguments.quick else 600)
    suite = Suite(tools, variants, arguments.quick, seconds)
    columns = [tool.name for tool in tools + variants]
    about = f"{machine.describe()}; {'quick ' if arguments.quick else ''}run of {time.strftime('%Y-%m-%d %H:%M')} UTC"
    figures: List[Figure] = []
    arguments.output.mkdir(parents=True, exist_ok=True)
    for row in arguments.rows or ROWS:
        print(f"{time.strftime('%H:%M:%S')} {row}", file=sys.stderr, flush=True)
        figures += ROWS[row](suite)
        # Written after each row, so that a run that is stopped leaves what it had.
        (arguments.output / "table.md").write_text(markdown(figures, columns, about))
        (arguments.output / "results.json").write_text(as_json(figures, about))
    print((arguments.output / "table.md").read_text())


if __name__ == "__main__":
    main()
