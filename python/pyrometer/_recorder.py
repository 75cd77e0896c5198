"""The recorder: a `pyrometer record --pid <this process>` that runs beside this process and writes a capture.

It is told what to do through two pipes, so that nothing about it depends on signals or on this process ending well:

* the *ready* pipe, which it writes to, is also its standard error: `ready` when the first sample is taken (followed by
  the capture's start on CLOCK_MONOTONIC in nanoseconds), `flushed` when all that was sampled is in the file, anything
  else is an error's message; it ends when the process does;
* the *stop* pipe, which it reads from: `f` asks for a flush; `s`, or the end, ends the recording.

All profiles of this process that can live with the same options share one recorder, and each has its own window of the
capture: a decorated function that calls itself a thousand times starts one process, not a thousand.
"""

from __future__ import annotations

import fcntl
import os
import select
import threading
import time
import weakref

from . import _errors, _executable, _ptracer
from ._errors import Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# The recorder takes some milliseconds to start. When it has said nothing for this long, it never will.
READY_TIMEOUT = 20.0
# Ending means compressing the last block and writing tables; a capture of hours may take its time over that.
FINISH_TIMEOUT = 60.0

# Where the recorder finds its ends of the pipes. The parent's descriptors are first moved above these.
_READY_FD, _STOP_FD, _FIRST_FREE_FD = 3, 4, 16


class Options:
    """What a recorder is started with. `None` is whatever there is."""

    __slots__ = ("budget", "rate", "subprocesses")

    def __init__(self, rate: float | str | None, subprocesses: bool, budget: float | str | None) -> None:
        self.rate = rate
        self.subprocesses = subprocesses
        self.budget = budget

    def arguments(self) -> list[str]:
        arguments = []
        if self.rate is not None:
            arguments += ["--rate", str(self.rate)]
        if self.budget is not None:
            arguments += ["--budget", str(self.budget)]
        if self.subprocesses:
            arguments.append("--subprocesses")
        return arguments

    def satisfied_by(self, other: Options) -> bool:
        """Whether a recorder with the options `other` gives what these ask for."""
        return (
            self.rate in (None, other.rate)
            and self.budget in (None, other.budget)
            and (other.subprocesses or not self.subprocesses)
        )


class Recorder:
    """One recorder process and its capture, which lives as long as this object does."""

    def __init__(self, options: Options) -> None:
        """Starts it. `wait_ready` says when it samples."""
        self.options = options
        self.users = 0
        # Where zero of the capture's time is, on this process's `time.monotonic`.
        self.origin = 0.0
        self._lock = threading.RLock()
        self._ready = False
        self._notes: list[str] = []
        self._failure: Error | None = None
        self._finished = False
        self._process = _Process(options)
        self.path = self._process.capture
        self._discard = weakref.finalize(self, self._process.discard)

    def wait_ready(self) -> None:
        """Returns when the first sample is taken. Raises `Error` with the recorder's own words when it cannot be."""
        with self._lock:
            if self._failure is None and not self._ready:
                self._begin()
            if self._failure is not None:
                raise self._failure

    def poll_ready(self) -> bool:
        """Whether `wait_ready` would return or raise at once."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            return self._ready or self._failure is not None or self._process.has_output()
        finally:
            self._lock.release()

    def _begin(self) -> None:
        deadline = time.monotonic() + READY_TIMEOUT
        said: list[str] = []
        while True:
            line = self._process.read_line(deadline - time.monotonic())
            words = (line or "").split()
            if words[:1] == ["ready"]:
                self.origin = int(words[1]) / 1e9 if len(words) > 1 else time.monotonic()
                self._ready = True
                self._notes = said
                return
            if not line:
                break
            said.append(line)
        if line is None:
            self._failure = Error(f"the recorder did not begin within {READY_TIMEOUT:.0f} s", "\n".join(said))
        else:
            self._failure = Error.from_output("\n".join(said), "the recorder ended before it began")
        self._finished = True
        self._discard()

    @property
    def pid(self) -> int:
        return self._process.pid

    def alive(self) -> bool:
        """Whether it is (still) recording, as far as can be seen without waiting."""
        return self._failure is None and not self._finished and not self._process.hung_up()

    def stop(self) -> None:
        """Asks it to end the recording, and does not wait."""
        self._process.ask(b"s", last=True)

    def settle(self) -> None:
        """Returns when the capture can be read up to now: at its end when it was stopped, else after a flush.

        Warns, once, when the recorder did not end well; what it had written stays readable.
        """
        with self._lock:
            if self._finished or not self._ready:
                return
            if not self._process.stopping and self._flush():
                return
            status = self._finish()
        if status:
            _errors.warn(status)

    def _flush(self) -> bool:
        """Whether it could be brought to write what it has; not when it is gone."""
        self._process.ask(b"f")
        while line := self._process.read_line(FINISH_TIMEOUT):
            if line == "flushed":
                return True
            self._notes.append(line)
        return False

    def _finish(self) -> str:
        message = "\n".join([*self._notes, self._process.read_rest(FINISH_TIMEOUT)]).strip()
        self._finished = True
        status = self._process.reap()
        if status == 0 and not message:
            return ""
        how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        if status == 0:
            return message
        return f"the recorder {how}; what it had recorded until then is kept" + (f": {message}" if message else "")

    def forget(self) -> None:
        """In a forked child: lets go of what belongs to the parent, and touches nothing of the parent's."""
        self._lock = threading.RLock()
        self._finished = True
        self._discard.detach()
        self._process.close()


class _Process:
    """The recorder's process, the pipes to it and the folder with its capture. Knows nothing of profiles."""

    def __init__(self, options: Options) -> None:
        executable = _executable.find()
        self._folder = _make_folder()
        self.capture = os.path.join(self._folder, "capture.pyro")
        self.stopping = False
        self._stop_lock = threading.RLock()
        self._reaped = False
        self._buffer = b""
        self._owner = os.getpid()
        self._fds: list[int] = []
        try:
            self._pid = self._spawn(executable, options)
        except BaseException:
            self.close()
            self._remove_folder()
            raise

    def _spawn(self, executable: str, options: Options) -> int:
        self._ready, ready = self._pipe(child_end=1)
        stop, self._stop = self._pipe(child_end=0)
        arguments = [executable, "record", "--pid", str(self._owner), "--output", self.capture, "--quiet"]
        arguments += ["--ready-fd", str(_READY_FD), "--stop-fd", str(_STOP_FD), *options.arguments()]
        null = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            null,
            (os.POSIX_SPAWN_DUP2, ready, 2),
            (os.POSIX_SPAWN_DUP2, ready, _READY_FD),
            (os.POSIX_SPAWN_DUP2, stop, _STOP_FD),
        ]
        # Not `subprocess`: loading it takes as long as all of this, and before 3.10 it copies the page tables of a
        # large program. A group of its own keeps the terminal's ^C, which is meant for the program, away from it.
        pid = os.posix_spawn(executable, arguments, os.environ, file_actions=actions, setpgroup=0, setsigmask=())
        os.close(ready)
        self._fds.remove(ready)
        # Our copy of the end that it reads from stays open: writing to it can then never raise SIGPIPE, which would end
        # a program that has put the signal back to its default.
        return pid

    def _pipe(self, child_end: int) -> tuple[int, int]:
        """A pipe none of whose ends is inherited by accident, and whose `child_end` is out of the way of `_STOP_FD`."""
        ends = list(os.pipe())
        moved = fcntl.fcntl(ends[child_end], fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE_FD)
        os.close(ends[child_end])
        ends[child_end] = moved
        self._fds += ends
        return ends[0], ends[1]

    @property
    def pid(self) -> int:
        return self._pid

    def ask(self, what: bytes, last: bool = False) -> None:
        """Writes a byte for the recorder to read, unless it was asked for the last time."""
        with self._stop_lock:
            if not self.stopping:
                os.write(self._stop, what)
            self.stopping |= last

    def has_output(self) -> bool:
        """Whether a read would return at once."""
        return bool(self._buffer) or self._wait(0.0) != 0

    def hung_up(self) -> bool:
        """Whether the process is gone."""
        return self._reaped or not self._fds or bool(self._wait(0.0) & select.POLLHUP)

    def _wait(self, timeout: float) -> int:
        """What poll(2) says of the pipe that we read from, waiting up to `timeout` seconds."""
        poll = select.poll()
        poll.register(self._ready, select.POLLIN)
        events = poll.poll(timeout * 1000)
        return events[0][1] if events else 0

    def _read(self, until: Callable[[bytes], bool], timeout: float) -> bool:
        """Reads into the buffer until it satisfies `until` (true) or the pipe ends or time is up (false)."""
        deadline = time.monotonic() + timeout
        while not until(self._buffer):
            if not self._wait(max(0.0, deadline - time.monotonic())):
                return False
            data = os.read(self._ready, 65536)
            if not data:
                return False
            self._buffer += data
        return True

    def read_line(self, timeout: float) -> str | None:
        """The next line, without its end; what is left, or "", where the pipe ended; `None` when time was up."""
        if not self._read(lambda buffer: b"\n" in buffer, timeout) and not self.hung_up():
            return None
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.decode("utf-8", "replace")

    def read_rest(self, timeout: float) -> str:
        """All that comes before the process ends."""
        self._read(lambda _: False, timeout)
        rest, self._buffer = self._buffer, b""
        return rest.decode("utf-8", "replace")

    def kill(self) -> None:
        """Ends it by force."""
        if not self._reaped:
            try:
                os.kill(self._pid, 9)
            except ProcessLookupError:
                pass

    def reap(self) -> int:
        """Its exit status, as `subprocess` counts: negative for a signal. 0 where the program has waited for it itself.

        Ends it by force when it has not hung up by itself.
        """
        if self._reaped:
            return 0
        if not self.hung_up():
            self.kill()
        self._reaped = True
        self.close()
        try:
            _, status = os.waitpid(self._pid, 0)
        except ChildProcessError:
            return 0
        return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)

    def close(self) -> None:
        """Closes what is still open of the pipes."""
        with self._stop_lock:
            self.stopping = True
            for fd in self._fds:
                os.close(fd)
            self._fds = []

    def discard(self) -> None:
        """When nobody can ask for the capture any more: ends the process and removes the folder."""
        if os.getpid() == self._owner:
            if not self._reaped:
                self.reap()
            self._remove_folder()

    def _remove_folder(self) -> None:
        for remove, path in ((os.unlink, self.capture), (os.rmdir, self._folder)):
            try:
                remove(path)
            except OSError:
                # It was never written, or is no longer ours after a change of user; there is nobody to tell.
                pass


def _make_folder() -> str:
    """A new folder that only this user can enter, where temporary files go.

    What `tempfile.mkdtemp` does, without the twenty modules that it loads.
    """
    folders = [os.environ.get(name, "") for name in ("TMPDIR", "TEMP", "TMP")] + ["/tmp", "/var/tmp", "/usr/tmp"]
    reason: OSError | None = None
    for folder in filter(None, folders):
        path = os.path.join(os.path.abspath(folder), f"pyrometer-{os.getpid()}-{os.urandom(8).hex()}")
        try:
            os.mkdir(path, 0o700)
        except OSError as error:
            reason = reason or error
        else:
            return path
    raise Error(f"no folder for the capture: {reason}", "set TMPDIR to a folder that can be written to")


# The recorders that run, and what guards the list and each one's count of users. Never held while waiting for one, and
# re-entrant, because a signal handler may use profiles as well as what it interrupts.
_lock = threading.RLock()
_running: list[Recorder] = []


def acquire(options: Options) -> Recorder:
    """A recorder with these options, which may have been running before. It may not be ready yet."""
    with _lock:
        for recorder in _running:
            if options.satisfied_by(recorder.options) and recorder.alive():
                recorder.users += 1
                return recorder
        yama = _ptracer.needed()
        if yama:
            # First all our descendants, because it may be attaching before we could name it; then only itself.
            _ptracer.allow(os.getpid())
        recorder = Recorder(options)
        if yama and not _running:
            _ptracer.allow(recorder.pid)
        recorder.users = 1
        _running.append(recorder)
        return recorder


def release(recorder: Recorder) -> None:
    """Gives up what `acquire` gave. The last one to do so ends the recording."""
    with _lock:
        recorder.users -= 1
        if recorder.users == 0 and recorder in _running:
            _running.remove(recorder)
            recorder.stop()
            if not _running and _ptracer.needed():
                _ptracer.allow(0)


def _after_fork_in_child() -> None:
    # The recorders are the parent's children and go on recording the parent.
    followed = next((recorder for recorder in _running if recorder.options.subprocesses), None)
    for recorder in _running:
        recorder.forget()
    _running.clear()
    if followed is not None and _ptracer.needed():
        # Yama's permission is not inherited, and the recorder is to follow us.
        _ptracer.allow(followed.pid)
    _lock.release()


# While a recorder is being started nobody forks: a child would keep an end of its pipes open for as long as it lives.
os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_after_fork_in_child)
