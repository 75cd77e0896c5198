"""What a profiler itself uses: CPU at 100 Hz, cost of a hundred threads, latency of a dump, memory over time."""

from __future__ import annotations

import subprocess
import time
from contextlib import contextmanager
from typing import Dict, Iterator, List

from machine import Interpreter, cpu_seconds, memory, stop, wait_until
from measure import Failed, Figure, guarded, run
from suite import Suite
from tools import Tool


@contextmanager
def target(interpreter: Interpreter, name: str, arguments: List[str]) -> Iterator[int]:
    """A program that runs for as long as the block, with half a second to get going."""
    command = interpreter.command(interpreter.seen(interpreter.program(name)), *arguments)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.7)
        yield process.pid
    finally:
        stop(process)  # type: ignore[arg-type]


def attached_cpu(tool: Tool, pid: int, rate: int, seconds: float) -> float:
    """CPU seconds a second of an attached profiler, from its second second on, so that its start does not count."""
    output = tool.output()
    command = tool.attach(pid, rate, seconds + 2, output)
    if command is None:
        raise Failed("cannot attach")
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        begun = time.monotonic()
        wait_until(begun + 1.2)
        before, start = cpu_seconds(process.pid), time.monotonic()
        wait_until(begun + 1.2 + seconds)
        after, end = cpu_seconds(process.pid), time.monotonic()
        if process.poll() is not None:
            said = process.stderr.read().decode(errors="replace") if process.stderr else ""
            raise Failed(f"ended early with {process.returncode}: {said}")
        return (after - before) / (end - start)
    finally:
        stop(process)  # type: ignore[arg-type]


def attachers(suite: Suite) -> List[Tool]:
    """The profilers that are processes of their own."""
    return [tool for tool in suite.tools if not tool.in_process]


def own_cpu(suite: Suite) -> List[Figure]:
    """A profiler's CPU at 100 Hz on a 200-deep stack, in percent of a core."""
    figure = Figure("the profiler's CPU at 100 Hz, 200-deep", "% of a core", "≤ 1.5")
    shares: Dict[str, List[float]] = {}

    def once(tool: Tool) -> None:
        with target(tool.interpreter, "deep.py", ["--rounds", "2000000000"]) as pid:
            share = attached_cpu(tool, pid, 100, suite.scaled(10, 3))
        shares.setdefault(tool.name, []).append(100 * share)

    for _ in range(suite.scaled(3, 2)):
        for tool in attachers(suite):
            guarded(figure, tool.name, lambda: once(tool))
    for name, values in shares.items():
        figure.put(name, values, "{:.2f}")
    return [figure]


def hundred_threads(suite: Suite) -> List[Figure]:
    """CPU time of a profiler with 101 threads over that with one, at the same 100 Hz."""
    figure = Figure("a sample of a hundred threads against one thread", "times the CPU", "≤ 10")
    ratios: Dict[str, List[float]] = {}

    def once(tool: Tool) -> None:
        seconds = suite.scaled(6, 3)
        with target(tool.interpreter, "shallow.py", ["--rounds", "2000000000"]) as pid:
            one = attached_cpu(tool, pid, 100, seconds)
        with target(tool.interpreter, "many_threads.py", ["--threads", "100", "--seconds", "60"]) as pid:
            hundred = attached_cpu(tool, pid, 100, seconds)
        ratios.setdefault(tool.name, []).append(hundred / one)

    for _ in range(suite.scaled(3, 2)):
        for tool in attachers(suite):
            guarded(figure, tool.name, lambda: once(tool))
    for name, values in ratios.items():
        figure.put(name, values, "{:.1f}")
    return [figure]


def dump_latency(suite: Suite) -> List[Figure]:
    """Wall time of a dump from start to exit, of a process with one thread."""
    figure = Figure("dump", "ms", "≤ 5")
    times: Dict[str, List[float]] = {}
    for tool in attachers(suite):
        with target(tool.interpreter, "shallow.py", ["--rounds", "2000000000"]) as pid:
            command = tool.dump(pid)
            if command is None:
                continue

            def once() -> None:
                done = run(command, limit=20, need_program=False)
                if done.code != 0 or "work" not in done.printed:
                    raise Failed(done.printed)
                times.setdefault(tool.name, []).append(done.wall * 1e3)

            for _ in range(suite.scaled(30, 8)):
                guarded(figure, tool.name, once)
    for name, values in times.items():
        figure.put(name, values, "{:.1f}")
    return [figure]


def bytes_a_sample(suite: Suite) -> List[Figure]:
    """Size of the recording over the samples in it, for profilers that keep samples in the order they were taken."""
    programs = {
        "richards": ("richards.py", ["--rounds", str(suite.scaled(600, 120))]),
        "asyncio tasks": ("tasks.py", ["--rounds", str(suite.scaled(80_000, 16_000))]),
        "four threads": ("threads4.py", ["--seconds", str(suite.scaled(20, 5))]),
    }
    figures = []
    for title, (name, arguments) in programs.items():
        figure = Figure(f"size of the recording at 1 kHz, {title}", "bytes a sample", "≤ 3")

        def once(tool: Tool) -> None:
            output = tool.output()
            run(tool.launch(name, arguments, 1000, output), limit=180)
            samples = sum(sample.number for sample in tool.samples(output))
            figure.put(tool.name, [output.stat().st_size / samples], "{:.1f}")

        for tool in attachers(suite):
            if tool.keeps_order:
                guarded(figure, tool.name, lambda: once(tool))
        figures.append(figure)
    return figures


def memory_over_time(suite: Suite) -> List[Figure]:
    """Peak resident memory of a profiler at 1 kHz, and its growth from a fifth of the time to the end. All at once."""
    seconds = suite.memory_seconds
    peak = Figure(f"the profiler's memory, {seconds} s at 1 kHz", "MB at most", "≤ 12")
    growth = Figure(f"its growth from {seconds // 5} s to {seconds} s", "MB", "flat")
    rounds = ["--rounds", "100000000"]
    running: Dict[str, "subprocess.Popen[bytes]"] = {}
    series: Dict[str, List[Dict[str, int]]] = {}
    targets = []
    for tool in attachers(suite):
        holder = target(tool.interpreter, "richards.py", rounds)
        targets.append(holder)
        command = tool.attach(holder.__enter__(), 1000, seconds + 5, tool.output())
        if command:
            running[tool.name] = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            series[tool.name] = []
    begun = time.monotonic()
    try:
        for tick in range(seconds):
            wait_until(begun + tick + 1)
            for name, process in running.items():
                series[name].append(memory(process.pid))
    finally:
        for process in running.values():
            stop(process)  # type: ignore[arg-type]
        for holder in targets:
            holder.__exit__(None, None, None)
    for name, seen in series.items():
        if not all(seen):
            peak.fail(name, "ended early")
            continue
        peak.put(name, [max(now["VmHWM"] for now in seen) / 1e6], "{:.1f}")
        growth.put(name, [(seen[-1]["VmRSS"] - seen[len(seen) // 5]["VmRSS"]) / 1e6], "{:.2f}")
    return [peak, growth]
