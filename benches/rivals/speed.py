"""What a profiler costs the program: slowdown, and time added to an empty script."""

from __future__ import annotations

from typing import Dict, List

from machine import Interpreter
from measure import Failed, Figure, guarded, run
from suite import Suite
from tools import Tool


def _baseline(interpreter: Interpreter, name: str, arguments: List[str]) -> Dict[str, float]:
    program = interpreter.seen(interpreter.program(name))
    return run(interpreter.command(program, *arguments)).program or {}


def slowdown(suite: Suite) -> List[Figure]:
    """Wall time of fixed work under each profiler at 1 kHz over the mean of a bare run before and one after it."""
    programs = {
        "fib": ("fib.py", ["--rounds", str(suite.scaled(600, 150))]),
        "richards": ("richards.py", ["--rounds", str(suite.scaled(120, 30))]),
        "200-deep": ("deep.py", ["--rounds", str(suite.scaled(48_000_000, 12_000_000))]),
        "HTTP server": ("http_server.py", ["--requests", str(suite.scaled(40_000, 10_000))]),
    }
    figures = []
    for title, (name, arguments) in programs.items():
        figure = Figure(f"slowdown at 1 kHz, {title}", "wall time over bare", "≤ 1.01")
        cpu = Figure(f"the same by the target's CPU time, {title}", "CPU time over bare", "")
        ratios: Dict[str, List[float]] = {}
        cpu_ratios: Dict[str, List[float]] = {}
        for _ in range(suite.scaled(7, 3)):
            for tool in suite.tools:
                guarded(figure, tool.name, lambda: _one_ratio(tool, name, arguments, ratios, cpu_ratios))
        for tool_name, values in ratios.items():
            figure.put(tool_name, values, "{:.3f}")
            cpu.put(tool_name, cpu_ratios[tool_name], "{:.3f}")
        figures += [figure, cpu]
    return figures


def _one_ratio(
    tool: Tool, name: str, arguments: List[str], ratios: Dict[str, List[float]], cpu_ratios: Dict[str, List[float]]
) -> None:
    before = _baseline(tool.interpreter, name, arguments)
    under = run(tool.launch(name, arguments, 1000, tool.output()), limit=120).program or {}
    after = _baseline(tool.interpreter, name, arguments)
    if under["result"] != before["result"]:
        raise Failed(f"the program's result changed: {under['result']} for {before['result']}")
    ratios.setdefault(tool.name, []).append(under["wall"] / ((before["wall"] + after["wall"]) / 2))
    cpu_ratios.setdefault(tool.name, []).append(under["cpu"] / ((before["cpu"] + after["cpu"]) / 2))


def empty_script(suite: Suite) -> List[Figure]:
    """Wall time from start to exit of an empty script under each profiler, less that of the bare one beside it."""
    figure = Figure("added to an empty script", "ms", "≤ 12")
    added: Dict[str, List[float]] = {}

    def once(tool: Tool) -> None:
        bare = run(tool.program("empty.py", []), need_program=False).wall
        under = run(tool.launch("empty.py", [], 1000, tool.output()), need_program=False).wall
        added.setdefault(tool.name, []).append((under - bare) * 1e3)

    for _ in range(suite.scaled(30, 8)):
        for tool in suite.tools:
            guarded(figure, tool.name, lambda: once(tool))
    for name, values in added.items():
        figure.put(name, values, "{:.1f}")
    return [figure]
