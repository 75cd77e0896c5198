"""Is what a profiler shows true: lost and wrong samples, torn stacks, aliasing, threads; and how many does it keep."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Dict, FrozenSet, List, Tuple

from legality import in_torn_drive, short, torn_is_legal, traced_stacks
from measure import Figure, guarded, run
from suite import Suite
from tools import Sample, Tool

FASTEST = 1_000_000
"""As many samples a second as the tool can."""


def kept(suite: Suite) -> List[Figure]:
    """Whole samples of the working leaf for each second of the program, at the highest rate."""
    figures = []
    for title, name, depth, wanted in (
        ("200-deep", "deep.py", 200, "≥ 50 000"),
        ("shallow", "shallow.py", 4, "≥ 100 000"),
    ):
        figure = Figure(f"samples a second kept, {title}", "1/s", wanted)
        rates: Dict[str, List[float]] = {}

        def once(tool: Tool) -> None:
            output = tool.output()
            arguments = ["--rounds", str(suite.scaled(60_000_000, 24_000_000))]
            done = run(tool.launch(name, arguments, FASTEST, output), limit=180)
            whole = sum(
                sample.number
                for sample in tool.samples(output)
                if sample.whole and len(sample.stack) == depth and short(sample.stack[-1][0]) == "work"
            )
            rates.setdefault(tool.name, []).append(whole / done.program["wall"])  # type: ignore[index]

        for _ in range(suite.scaled(3, 1)):
            for tool in suite.tools:
                if not tool.in_process:
                    guarded(figure, tool.name, lambda: once(tool))
        for tool_name, values in rates.items():
            figure.put(tool_name, values, "{:.0f}")
        figures.append(figure)
    return figures


def lost_or_wrong(suite: Suite) -> List[Figure]:
    """Of the samples tried at 1 kHz: those that the tool says it lost, and those that it shows but that cannot be."""
    figures = []
    for title, name, short_arguments, arguments in (
        ("fib", "fib.py", ["--rounds", "1"], ["--rounds", str(suite.scaled(1500, 400))]),
        ("richards", "richards.py", ["--rounds", "1"], ["--rounds", str(suite.scaled(300, 80))]),
    ):
        lost = Figure(f"samples lost, {title}", "%", "≤ 0.1")
        wrong = Figure(f"samples shown whole that cannot be, {title}", "%", "0")
        missing = Figure(f"samples not kept, {title}", "% of rate × time", "")

        def once(tool: Tool) -> None:
            legal = _legal_stacks(tool, name, short_arguments)
            output = tool.output()
            done = run(tool.launch(name, arguments, 1000, output), limit=180)
            reported = tool.reported(output, done.printed)
            if reported.tried:
                lost.put(tool.name, [100 * (reported.lost or 0) / reported.tried], "{:.2f}")
            bad, total = _wrong(tool, output, name, legal)
            wrong.put(tool.name, [100 * bad / total], "{:.2f}")
            wanted = 1000 * done.program["wall"]  # type: ignore[index]
            missing.put(tool.name, [100 * (1 - (total - bad) / wanted)], "{:.1f}")

        for tool in suite.outside():
            guarded(lost, tool.name, lambda: once(tool))
        figures += [lost, wrong, missing]
    return figures


def _names(sample: Sample) -> Tuple[str, ...]:
    return tuple(short(frame[0]) for frame in sample.stack)


def _legal_stacks(tool: Tool, name: str, arguments: List[str]) -> FrozenSet[Tuple[str, ...]]:
    interpreter = tool.interpreter
    program = interpreter.seen(interpreter.program(name))

    def command(script: Path, *rest: str) -> List[str]:
        return interpreter.command(interpreter.seen(script), *rest)

    return traced_stacks(command, program, interpreter.folder(), *arguments)


def _wrong(tool: Tool, output: Path, name: str, legal: FrozenSet[Tuple[str, ...]]) -> Tuple[int, int]:
    """Samples of the program that are shown as whole: those that cannot be, and all."""
    bad = total = 0
    for sample in tool.samples(output):
        # Only while the program itself runs: what it imports is not traced.
        if not sample.whole or not sample.stack or any(frame[1] != name for frame in sample.stack):
            continue
        total += sample.number
        if _names(sample) not in legal:
            bad += sample.number
    return bad, total


def torn(suite: Suite) -> List[Figure]:
    """Stacks that mix two families of torn.py, among those that the tool shows as whole."""
    share = Figure("torn stacks shown as whole, calls of 1 µs, 1 kHz", "%", "0")
    fast = Figure("the same at the highest rate", "torn of all", "0 of 10⁶")

    def once(tool: Tool, figure: Figure, rate: int, seconds: int) -> None:
        output = tool.output()
        run(tool.launch("torn.py", ["--seconds", str(seconds)], rate, output), limit=seconds + 120)
        bad = total = 0
        for sample in tool.samples(output):
            names = _names(sample)
            if sample.whole and in_torn_drive(names):
                total += sample.number
                bad += 0 if torn_is_legal(names, [frame[2] for frame in sample.stack]) else sample.number
        if figure is share:
            figure.put(tool.name, [100 * bad / total], "{:.2f}")
        else:
            figure.raw[tool.name] = [bad, total]
            figure.values[tool.name] = f"{bad} of {total}"
            figure.notes.append(f"{tool.name}: {bad} torn of {total} whole in {seconds} s")

    for tool in suite.outside():
        guarded(share, tool.name, lambda: once(tool, share, 1000, suite.scaled(10, 4)))
        guarded(fast, tool.name, lambda: once(tool, fast, FASTEST, suite.scaled(20, 5)))
    return [share, fast]


def _shares(samples: List[Tuple[str, float]]) -> Dict[str, float]:
    totals: Dict[str, float] = defaultdict(float)
    for name, weight in samples:
        totals[name] += weight
    everything = sum(totals.values()) or 1.0
    return {name: value / everything for name, value in totals.items()}


def _by_function(tool: Tool, output: Path, functions: List[str]) -> Dict[str, float]:
    """Shares of functions, wherever they stand on a stack, among the samples in which one of them does."""
    found = []
    for sample in tool.samples(output):
        names = {short(frame[0]) for frame in sample.stack}
        for name in functions:
            if name in names:
                found.append((name, sample.weight))
                break
    return _shares(found)


def _points(shown: Dict[str, float], true: Dict[str, float]) -> float:
    return 100 * max(abs(shown.get(name, 0.0) - share) for name, share in true.items())


def locked_cycle(suite: Suite) -> List[Figure]:
    """Error of the wall shares of work that is locked to a 10 ms cycle, at 1 kHz and at 100 Hz."""
    figures = []
    seconds = suite.scaled(20, 6)
    for rate in (1000, 100):
        figure = Figure(f"work locked to a 10 ms cycle, {seconds} s at {rate} Hz", "points of error", "≤ 2")

        def once(tool: Tool) -> None:
            output = tool.output()
            done = run(tool.launch("locked_cycle.py", ["--seconds", str(seconds)], rate, output), limit=seconds + 60)
            true = done.program["wall"]  # type: ignore[index]
            figure.put(tool.name, [_points(_by_function(tool, output, list(true)), true)], "{:.1f}")

        for tool in suite.tools:
            guarded(figure, tool.name, lambda: once(tool))
        figures.append(figure)
    return figures


def four_threads(suite: Suite) -> List[Figure]:
    """Error of the threads' CPU shares against the kernel's accounts."""
    figure = Figure("four threads against kernel CPU time", "points of error", "≤ 2")

    def once(tool: Tool) -> None:
        output = tool.output()
        seconds = suite.scaled(15, 5)
        command = tool.launch("threads4.py", ["--seconds", str(seconds)], 1000, output, mode="cpu")
        done = run(command, limit=seconds + 60)
        cpu = {name: thread["cpu"] for name, thread in done.program["threads"].items()}  # type: ignore[index]
        true = {name: used / sum(cpu.values()) for name, used in cpu.items()}
        figure.put(tool.name, [_points(_by_function(tool, output, list(true)), true)], "{:.1f}")

    for tool in suite.tools:
        if not tool.in_process:
            guarded(figure, tool.name, lambda: once(tool))
    return [figure]
