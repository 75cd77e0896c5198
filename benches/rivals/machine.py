"""Where things are: interpreters, the executable, the rivals' virtual environment, and what processes cost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
PROGRAMS = PROJECT / "tests" / "programs"
TRUTH = PROJECT / "tests" / "truth"
"""The tests' own reader of captures and judge of stacks, which the benches share."""
VENV = HERE / ".venv"
OWN_VERSION = "3.13"
"""The interpreter that pyrometer, py-spy, austin and pyinstrument measure."""
SAMPLING_VERSION = "3.15"
"""The interpreter that brings profiling.sampling, which measures only its own version."""
PACKAGES = ("py-spy==0.4.3", "austin-dist==4.0.0", "austin-python==2.4.0", "pyinstrument==5.1.3")


@dataclass(frozen=True)
class Interpreter:
    """An interpreter, and the folder that it sees as its root (None: the machine's own)."""

    version: str
    path: str
    root: Optional[Path]

    def command(self, *arguments: str) -> List[str]:
        """The command that runs it."""
        inside = ["chroot", str(self.root)] if self.root else []
        return [*inside, self.path, *arguments]

    def folder(self) -> Path:
        """A folder for programs and outputs that both we and the interpreter can write, as we see it."""
        folder = (self.root or Path("/")) / "tmp" / "pyrometer-rivals"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def seen(self, path: Path) -> str:
        """The path as the interpreter sees it."""
        return "/" + str(path.relative_to(self.root)) if self.root else str(path)

    def program(self, name: str) -> Path:
        """A program of tests/programs, copied to where the interpreter can see it."""
        copied = self.folder() / name
        shutil.copyfile(PROGRAMS / name, copied)
        return copied


def interpreters() -> Dict[str, Interpreter]:
    """All interpreters that scripts/interpreters finds, by version such as 3.13."""
    lines = subprocess.run(
        [str(PROJECT / "scripts" / "interpreters")], stdout=subprocess.PIPE, text=True, check=True
    ).stdout.splitlines()
    found = {}
    for line in lines:
        version, path, root = line.split()
        found[version] = Interpreter(version, path, None if root == "-" else Path(root))
    return found


def executable() -> Path:
    """The pyrometer executable: PYROMETER_BIN, or built now in release mode."""
    given = os.environ.get("PYROMETER_BIN")
    if given:
        return Path(given)
    subprocess.run(["cargo", "build", "--release", "-q", "-p", "pyrometer"], cwd=PROJECT, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", PROJECT / "target"))
    return target / "release" / "pyrometer"


def rivals_environment(interpreter: Interpreter) -> Path:
    """The folder of the rivals' commands, installed on first use."""
    stamp = VENV / "installed"
    if not stamp.exists() or stamp.read_text() != repr(PACKAGES):
        print("installing the rivals into", VENV, file=sys.stderr)
        subprocess.run(interpreter.command("-m", "venv", "--clear", str(VENV)), check=True)
        subprocess.run([str(VENV / "bin" / "pip"), "install", "-q", *PACKAGES], check=True)
        stamp.write_text(repr(PACKAGES))
    return VENV / "bin"


def cpu_seconds(pid: int) -> float:
    """CPU time that a process's live threads have used, by the scheduler's nanosecond account."""
    total = 0
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except FileNotFoundError:
        return 0.0
    for task in tasks:
        try:
            with open(f"/proc/{pid}/task/{task}/schedstat") as file:
                total += int(file.read().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total / 1e9


def memory(pid: int) -> Dict[str, int]:
    """VmRSS and VmHWM of a process in bytes; empty when it is gone."""
    found = {}
    try:
        with open(f"/proc/{pid}/status") as file:
            for line in file:
                if line.startswith(("VmRSS", "VmHWM")):
                    name, value, _ = line.split()
                    found[name.rstrip(":")] = int(value) * 1024
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def describe() -> str:
    """The machine in a line."""
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    system = os.uname()
    load = os.getloadavg()[0]
    return f"{system.sysname} {system.release} {system.machine}, {os.cpu_count()} processors ({model}), load {load:.1f}"


def stop(process: "subprocess.Popen[str]") -> None:
    """End a process that this program started, kindly and then not."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until(moment: float) -> None:
    """Sleep until `time.monotonic()` says `moment`."""
    left = moment - time.monotonic()
    if left > 0:
        time.sleep(left)
