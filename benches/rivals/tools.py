"""The profilers, each with how it is started and how its output is read."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

from machine import TRUTH, Interpreter

sys.path.insert(0, str(TRUTH))

import capture  # noqa: E402

Frame = Tuple[str, str, int]
"""Function, file's base name, line (0 where the tool does not say)."""


class Sample(NamedTuple):
    """Equal samples in one: outermost frame first."""

    stack: Tuple[Frame, ...]
    number: int
    weight: float
    """What the tool would show for them: seconds, or the count where it knows no time."""
    whole: bool
    """Whether the tool presents the stack as complete."""


@dataclass(frozen=True)
class Reported:
    """What a tool says about its own samples."""

    tried: Optional[int]
    lost: Optional[int]


class Tool:
    """A profiler on one interpreter."""

    name = ""
    suffix = ".out"
    in_process = False
    keeps_order = False
    """Whether the output holds samples in the order they were taken, so that its size can be compared."""

    def __init__(self, interpreter: Interpreter) -> None:
        self.interpreter = interpreter

    def program(self, name: str, arguments: List[str]) -> List[str]:
        """The program's command without a profiler."""
        return self.interpreter.command(self.interpreter.seen(self.interpreter.program(name)), *arguments)

    def launch(self, name: str, arguments: List[str], rate: int, output: Path, mode: str = "wall") -> List[str]:
        """The command that starts a program under the profiler. Mode is wall (idle included) or cpu."""
        raise NotImplementedError

    def attach(self, pid: int, rate: int, seconds: float, output: Path) -> Optional[List[str]]:
        """The command that samples a running process for a while; None where the tool cannot."""
        return None

    def dump(self, pid: int) -> Optional[List[str]]:
        """The command that prints a process's stacks once; None where the tool cannot."""
        return None

    def samples(self, output: Path) -> Iterator[Sample]:
        """What the output holds."""
        raise NotImplementedError

    def reported(self, output: Path, printed: str) -> Reported:
        """What the tool says about its samples, from its output and what it printed."""
        return Reported(None, None)

    def output(self) -> Path:
        """A fresh path for an output, as we see it."""
        path = self.interpreter.folder() / f"{self.name.replace(' ', '-')}{self.suffix}"
        if path.exists():
            path.unlink()
        return path


class Pyrometer(Tool):
    name = "pyrometer"
    suffix = ".pyro"
    keeps_order = True

    def __init__(self, interpreter: Interpreter, executable: Path) -> None:
        super().__init__(interpreter)
        self.executable = str(executable)
        self.mode = "wall"
        if interpreter.root:
            self.name = f"pyrometer on {interpreter.version}"

    def launch(self, name: str, arguments: List[str], rate: int, output: Path, mode: str = "wall") -> List[str]:
        # One capture holds both times: the mode chooses which one is read from it.
        self.mode = mode
        command = self.program(name, arguments)
        return [self.executable, "run", "-q", "--rate", self._rate(rate), "-o", str(output), "--", *command]

    def attach(self, pid: int, rate: int, seconds: float, output: Path) -> Optional[List[str]]:
        times = ["--rate", self._rate(rate), "--duration", f"{seconds}s"]
        return [self.executable, "record", "--pid", str(pid), *times, "-o", str(output)]

    def dump(self, pid: int) -> Optional[List[str]]:
        return [self.executable, "dump", str(pid)]

    @staticmethod
    def _rate(rate: int) -> str:
        return "max" if rate >= 1_000_000 else str(rate)

    def samples(self, output: Path) -> Iterator[Sample]:
        taken = capture.read(self.executable, output)
        stacks: Dict[int, Tuple[Frame, ...]] = {}
        for run in taken.runs:
            stack = stacks.get(run.stack)
            if stack is None:
                frames = taken.python_frames(run.stack)
                stack = stacks[run.stack] = tuple((frame.name, Path(frame.file).name, frame.line) for frame in frames)
            nanoseconds = run.cpu_ns if self.mode == "cpu" else run.wall_ns
            yield Sample(stack, run.samples, nanoseconds / 1e9, run.whole)

    def reported(self, output: Path, printed: str) -> Reported:
        audit = capture.read(self.executable, output).audit
        return Reported(audit["tried"], audit["lost"] + audit["partial"])


class PySpy(Tool):
    name = "py-spy"
    suffix = ".raw"
    LINE = re.compile(r"^(?P<name>.*) \((?P<file>[^()]*?)(?::(?P<line>\d+))?\)$")

    def __init__(self, interpreter: Interpreter, commands: Path, nonblocking: bool = False) -> None:
        super().__init__(interpreter)
        self.executable = str(commands / "py-spy")
        self.blocking = ["--nonblocking"] if nonblocking else []
        if nonblocking:
            self.name = "py-spy --nonblocking"

    def _record(self, rate: int, output: Path, mode: str) -> List[str]:
        idle = [*self.blocking, *(["--idle"] if mode == "wall" else [])]
        return [self.executable, "record", "--rate", str(min(rate, 100_000)), "-f", "raw", "-o", str(output), *idle]

    def launch(self, name: str, arguments: List[str], rate: int, output: Path, mode: str = "wall") -> List[str]:
        return [*self._record(rate, output, mode), "--", *self.program(name, arguments)]

    def attach(self, pid: int, rate: int, seconds: float, output: Path) -> Optional[List[str]]:
        return [*self._record(rate, output, "wall"), "--duration", str(int(seconds)), "--pid", str(pid)]

    def dump(self, pid: int) -> Optional[List[str]]:
        return [self.executable, "dump", "--pid", str(pid)]

    def samples(self, output: Path) -> Iterator[Sample]:
        for line in output.read_text().splitlines():
            frames, _, count = line.rpartition(" ")
            stack = []
            for frame in frames.split(";"):
                found = self.LINE.match(frame)
                if found:
                    stack.append((found["name"], Path(found["file"]).name, int(found["line"] or 0)))
            yield Sample(tuple(stack), int(count), float(count), True)

    def reported(self, output: Path, printed: str) -> Reported:
        found = re.search(r"Samples: (\d+) Errors: (\d+)", printed)
        if not found:
            return Reported(None, None)
        return Reported(int(found[1]) + int(found[2]), int(found[2]))


class Austin(Tool):
    name = "austin"
    suffix = ".mojo"
    keeps_order = True

    def __init__(self, interpreter: Interpreter, commands: Path, loader_root: Optional[Path]) -> None:
        super().__init__(interpreter)
        self.commands = commands
        self.prefix = [str(commands / "austin")]
        if loader_root and subprocess.run([*self.prefix, "--version"], capture_output=True).returncode != 0:
            # The wheel wants a newer C library than this machine has: start it by that of the newer root.
            libraries = f"{loader_root}/lib/x86_64-linux-gnu:{loader_root}/usr/lib/x86_64-linux-gnu"
            loader = [f"{loader_root}/lib64/ld-linux-x86-64.so.2", "--library-path", libraries]
            self.prefix = [*loader, *self.prefix]

    def _record(self, rate: int, output: Path) -> List[str]:
        return [*self.prefix, "-i", f"{max(1, 1_000_000 // rate)}us", "-o", str(output)]

    def launch(self, name: str, arguments: List[str], rate: int, output: Path, mode: str = "wall") -> List[str]:
        cpu = ["-c"] if mode == "cpu" else []
        return [*self._record(rate, output), *cpu, *self.program(name, arguments)]

    def attach(self, pid: int, rate: int, seconds: float, output: Path) -> Optional[List[str]]:
        return [*self._record(rate, output), "-x", str(int(seconds)), "-p", str(pid)]

    def dump(self, pid: int) -> Optional[List[str]]:
        return [*self.prefix, "-w", str(pid)]

    def _text(self, output: Path) -> str:
        text = output.with_suffix(".austin")
        subprocess.run([str(self.commands / "mojo2austin"), str(output), str(text)], check=True, capture_output=True)
        return text.read_text()

    def samples(self, output: Path) -> Iterator[Sample]:
        for line in self._text(output).splitlines():
            if not line or line.startswith("#"):
                continue
            frames, _, microseconds = line.rpartition(" ")
            stack = []
            for frame in frames.split(";")[2:]:
                if frame.startswith(":"):
                    continue  # markers such as :GC:
                file, _, rest = frame.partition(":")
                name, _, number = rest.rpartition(":")
                stack.append((name, Path(file).name, int(number) if number.isdigit() else 0))
            yield Sample(tuple(stack), 1, int(microseconds) / 1e6, True)

    def reported(self, output: Path, printed: str) -> Reported:
        found = re.search(r"# errors: (\d+)/(\d+)", self._text(output))
        return Reported(int(found[2]), int(found[1])) if found else Reported(None, None)


class ProfilingSampling(Tool):
    name = "profiling.sampling"
    suffix = ".collapsed"

    def _options(self, rate: int, output: Path, mode: str) -> List[str]:
        return ["-a", "-r", str(rate), "--mode", mode, "--no-gc", "--collapsed", "-o", self.interpreter.seen(output)]

    def launch(self, name: str, arguments: List[str], rate: int, output: Path, mode: str = "wall") -> List[str]:
        program = self.interpreter.seen(self.interpreter.program(name))
        options = self._options(rate, output, mode)
        return self.interpreter.command("-m", "profiling.sampling", "run", *options, program, *arguments)

    def attach(self, pid: int, rate: int, seconds: float, output: Path) -> Optional[List[str]]:
        options = [*self._options(rate, output, "wall"), "-d", str(int(seconds))]
        return self.interpreter.command("-m", "profiling.sampling", "attach", *options, str(pid))

    def dump(self, pid: int) -> Optional[List[str]]:
        return self.interpreter.command("-m", "profiling.sampling", "dump", str(pid))

    def samples(self, output: Path) -> Iterator[Sample]:
        for line in output.read_text().splitlines():
            frames, _, count = line.rpartition(" ")
            stack = []
            for frame in frames.split(";")[1:]:
                file, name, number = frame.rsplit(":", 2)
                # runpy's own frames stand outside the program's.
                if file != "<frozen runpy>":
                    stack.append((name, Path(file).name, int(number)))
            yield Sample(tuple(stack), int(count), float(count), True)

    def reported(self, output: Path, printed: str) -> Reported:
        captured = re.search(r"Captured ([\d,]+) samples", printed)
        rate = re.search(r"Error rate: ([\d.]+)", printed)
        if not captured:
            return Reported(None, None)
        tried = int(captured[1].replace(",", ""))
        return Reported(tried, round(tried * float(rate[1]) / 100) if rate else 0)


class Pyinstrument(Tool):
    name = "pyinstrument"
    suffix = ".json"
    in_process = True

    def __init__(self, interpreter: Interpreter, commands: Path) -> None:
        super().__init__(interpreter)
        self.commands = commands

    def launch(self, name: str, arguments: List[str], rate: int, output: Path, mode: str = "wall") -> List[str]:
        program = str(self.interpreter.program(name))
        options = ["-i", str(1 / rate), "-r", "json", "-o", str(output), "--show-all"]
        return [str(self.commands / "python"), "-m", "pyinstrument", *options, program, *arguments]

    def samples(self, output: Path) -> Iterator[Sample]:
        waiting: List[Tuple[Tuple[Frame, ...], Dict]] = [((), json.loads(output.read_text())["root_frame"])]
        while waiting:
            outer, frame = waiting.pop()
            file = Path(frame["file_path"] or "").name
            stack = (*outer, (frame["function"], file, frame.get("line_no") or 0))
            inside = sum(child["time"] for child in frame["children"])
            own = max(0.0, frame["time"] - inside)
            if own:
                yield Sample(stack, 1, own, True)
            waiting.extend((stack, child) for child in frame["children"])
