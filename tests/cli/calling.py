"""What the tests of the command line share."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path
from typing import Callable

import pyte

PROJECT = Path(__file__).resolve().parents[2]
Call = Callable[..., "subprocess.CompletedProcess[str]"]


class Screen:
    """A program on a terminal of its own, whose screen can be read."""

    def __init__(self, command: list[str], columns: int = 110, rows: int = 30) -> None:
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.master, slave = pty.openpty()
        self.resize(columns, rows)
        environment = {**os.environ, "TERM": "xterm-256color"}
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
        )
        os.close(slave)

    def __enter__(self) -> "Screen":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)
        if hasattr(self, "process"):
            self.process.send_signal(signal.SIGWINCH)

    def text(self) -> str:
        return "\n".join(self.screen.display)

    def wait_for(self, words: str, seconds: float = 30) -> str:
        """Reads until the screen has `words`."""
        end = time.monotonic() + seconds
        while words not in self.text():
            assert time.monotonic() < end, f"{words!r} did not come up:\n{self.text()}"
            if select.select([self.master], [], [], 0.2)[0]:
                self.take()
        return self.text()

    def take(self) -> bool:
        try:
            part = os.read(self.master, 65536)
        except OSError:
            return False
        self.raw += part
        self.stream.feed(part)
        return bool(part)

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def end(self) -> int:
        while self.take():
            pass
        return self.process.wait(timeout=30)
