"""Which stacks a program can have: learned by tracing it once without a profiler, or known from its names."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Callable, FrozenSet, List, Tuple

from machine import Interpreter
from tools import Frame, Sample

Names = Tuple[str, ...]

TRACER = r'''
import json, runpy, sys
program, arguments = sys.argv[1], sys.argv[2:]
seen, stack = set(), []
def profile(frame, event, argument):
    if frame.f_code.co_filename != program:
        return
    if event == "call":
        stack.append(frame.f_code.co_name)
        seen.add(tuple(stack))
    elif event == "return" and stack:
        stack.pop()
sys.argv = [program, *arguments]
real = sys.stdout
sys.stdout = sys.stderr
sys.setprofile(profile)
try:
    runpy.run_path(program, run_name="__main__")
finally:
    sys.setprofile(None)
json.dump(sorted(seen), real)
'''


def traced_stacks(interpreter: Interpreter, name: str, arguments: List[str]) -> FrozenSet[Names]:
    """Every stack of the program's own functions, by name, outermost first."""
    program = interpreter.seen(interpreter.program(name))
    tracer = interpreter.folder() / "tracer.py"
    tracer.write_text(TRACER)
    command = interpreter.command(interpreter.seen(tracer), program, *arguments)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return frozenset(tuple(stack) for stack in json.loads(done.stdout))


def of_program(sample: Sample, file: str) -> bool:
    """Whether the program itself was running: not importing, not the standard library's start-up."""
    return bool(sample.stack) and all(frame[1] == file for frame in sample.stack)


def short(name: str) -> str:
    """The last part of a qualified name."""
    return name.rpartition(".")[2]


def by_trace(legal: FrozenSet[Names]) -> Callable[[Tuple[Frame, ...]], bool]:
    """A check against traced stacks."""
    return lambda stack: tuple(short(frame[0]) for frame in stack) in legal


FAMILY_NAME = re.compile(r"^([fgh])_(\d{3})$")
CALL_LINES = {"f": 12, "g": 8}
"""Where f calls g and g calls h in a family's file, see torn.py."""


def torn_is_legal(stack: Tuple[Frame, ...]) -> bool:
    """Whether the stack of torn.py could really be there: one family, from f on inwards, called from the call's line."""
    names = [short(frame[0]) for frame in stack]
    if names[:3] != ["<module>", "main", "drive"]:
        return False
    family = [FAMILY_NAME.match(name) for name in names[3:]]
    if not all(family):
        return False
    letters = "".join(match[1] for match in family if match)
    numbers = {match[2] for match in family if match}
    if not "fgh".startswith(letters) or len(numbers) > 1:
        return False
    callers = stack[3:-1]
    return all(frame[2] in (0, CALL_LINES[letter]) for frame, letter in zip(callers, letters))


def torn_of_program(sample: Sample) -> bool:
    """Whether the driving loop was running."""
    return any(FAMILY_NAME.match(short(frame[0])) or short(frame[0]) == "drive" for frame in sample.stack)


