"""Which stacks a program can have: learned by tracing it once without a profiler, or known from its names."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Callable, FrozenSet, List, Sequence, Tuple

Names = Tuple[str, ...]

TRACER = r"""
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
"""


def traced_stacks(command: Callable[..., List[str]], program: str, folder: Path, *arguments: str) -> FrozenSet[Names]:
    """Every stack of the program's own functions, by bare name, outermost first.

    `command(script, *arguments)` is how the interpreter runs a script that lies in `folder`; `program` is the program's
    path as the interpreter sees it.
    """
    tracer = folder / "tracer.py"
    tracer.write_text(TRACER)
    done = subprocess.run(
        command(tracer, program, *arguments), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
    )
    return frozenset(tuple(stack) for stack in json.loads(done.stdout))


def short(name: str) -> str:
    """The last part of a qualified name."""
    return name.rpartition(".")[2]


FAMILY_NAME = re.compile(r"^([fgh])_(\d{3})$")
CALL_LINES = {"f": 12, "g": 8}
"""Where f calls g and g calls h in a family's file, see torn.py."""


def in_torn_drive(names: Sequence[str]) -> bool:
    """Whether the driving loop of torn.py, or one of its families, stands on the stack."""
    return any(name == "drive" or FAMILY_NAME.match(name) for name in names)


def torn_is_legal(names: Sequence[str], lines: Sequence[int]) -> bool:
    """Whether a stack of torn.py in its driving loop could really be there, by bare names and lines, outermost first:
    one family, from f on inwards, each called from the line of the call. A line of 0 is unknown."""
    if list(names[:3]) != ["<module>", "main", "drive"]:
        return False
    family = [FAMILY_NAME.match(name) for name in names[3:]]
    if not all(family):
        return False
    letters = "".join(match[1] for match in family if match)
    numbers = {match[2] for match in family if match}
    if not "fgh".startswith(letters) or len(numbers) > 1:
        return False
    return all(line in (0, CALL_LINES[letter]) for letter, line in zip(letters, lines[3:-1]))
