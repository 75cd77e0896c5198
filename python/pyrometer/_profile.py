"""Profiles: what a program starts, stops and asks."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time

from . import _errors, _executable, _recorder
from ._errors import Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Any, Literal, TextIO, TypedDict, TypeVar, overload

    from typing_extensions import Self, Unpack

    from ._findings import Function, Line

    AnyFunction = TypeVar("AnyFunction", bound=Callable[..., object])
    AnyThread = threading.Thread | str | int
    StrPath = str | os.PathLike[str]

    class Choice(TypedDict, total=False):
        """Which samples to look at. Each is the flag of that name of `pyrometer report`."""

        view: Literal["wall", "cpu", "gil"]
        thread: AnyThread | Sequence[AnyThread]
        process: int | Sequence[int]
        since: float
        until: float
        idle: bool

    class Question(Choice, total=False):
        """What to report. Each is the flag of that name of `pyrometer report`."""

        sort: Literal["own", "total", "calls", "name"]
        limit: int
        function: str
        callers: str
        callees: str
        lines: str
        tree: bool
        threads: bool
        processes: bool

    class Looks(Question, total=False):
        """How a report in text looks. Each is the flag of that name of `pyrometer report`."""

        color: Literal["auto", "always", "never"]
        width: int


class Profile:
    """A stretch of this program's life, sampled.

    Use it as a block (`with` or `async with`), as a decorator, or by `start` and `stop`. All threads of the process are
    sampled; the option `thread` narrows what is reported. Everything may be called from any thread.
    """

    def __init__(
        self,
        *,
        rate: float | str | None = None,
        subprocesses: bool = False,
        budget: float | str | None = None,
        thread: AnyThread | Sequence[AnyThread] | None = None,
        output: StrPath | None = None,
        report_on_exit: bool | None = None,
        on_exit: Callable[[Profile], object] | None = None,
        required: bool = False,
    ) -> None:
        """
        rate: samples a second, as a number or `"10khz"`; by default 1000.
        subprocesses: whether to sample the processes that this one starts, too.
        budget: the most of one core that the recorder may use, as `"1%"` or 0.01; it lowers the rate to keep to it.
        thread: report this thread only: `"current"` for the one that starts the profile, a `threading.Thread`, a native
            id, or the name that the system knows; or several of these.
        output: a file to save to at the end; its ending chooses the format.
        report_on_exit: whether to report on standard error at the end. By default a decorated function does, unless it
            has an `output` or `on_exit`, and so does a profile that still runs when the program ends.
        on_exit: called with this profile at the end.
        required: whether to raise `Error` when the program cannot be sampled. By default that is a `PyrometerWarning`,
            and the program runs as if it were not profiled.
        """
        self._options = _recorder.Options(rate, subprocesses, budget)
        self._thread = thread
        self._output = output
        self._report_on_exit = report_on_exit
        self._on_exit = on_exit
        self._required = required
        self._lock = threading.RLock()
        self._recorder: _recorder.Recorder | None = None
        self._running = False
        self._owner = 0
        self._native_id = 0
        self._began = self._ended = 0.0
        self._shared = False
        self._saved = ""
        self._failure = Error(
            "nothing was recorded: the profile was never started", "use it as a block, or call start()"
        )

    # --- From start to stop.

    @property
    def running(self) -> bool:
        """Whether it was started and not stopped, in this process."""
        return self._running and self._owner == os.getpid()

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return (time.monotonic() if self.running else self._ended) - self._began

    def start(self) -> Self:
        """Begins, and returns when the first sample is taken. What an earlier run found is let go."""
        self._begin()
        return self._join()

    def stop(self) -> Self:
        """Ends. Stopping a profile that does not run does nothing, in a forked child, too: it is the parent's."""
        with self._lock:
            if not self.running:
                return self
            self._running = False
            self._ended = time.monotonic()
            _active.discard(self)
            recorder = self._recorder
            if recorder is not None:
                # Others may have joined it in the meantime, or go on with it: then only a part of the capture is ours.
                self._shared |= recorder.users > 1
                _recorder.release(recorder)
        return self

    def _begin(self) -> None:
        """Has a recorder started, and does not wait for it."""
        with self._lock:
            if self.running:
                raise Error("this profile runs already", "stop it first, or make another one")
            self._owner = os.getpid()
            self._native_id = threading.get_native_id()
            self._recorder = None
            self._saved = ""
            try:
                self._recorder = _recorder.acquire(self._options)
            except (Error, OSError) as error:
                self._failure = error if isinstance(error, Error) else Error(f"cannot start the recorder: {error}")
            self._began = time.monotonic()
            self._running = True
            _active.add(self)
            _register_at_exit()

    def _join(self) -> Self:
        """Waits until the recorder samples; the profile begins there."""
        try:
            if self._recorder is None:
                raise self._failure
            self._recorder.wait_ready()
        except Error as error:
            self._give_up(error)
        except BaseException:
            self.stop()
            raise
        else:
            self._began = time.monotonic()
            self._shared = self._recorder.users > 1
        return self

    def _give_up(self, error: Error) -> None:
        recorder, self._recorder = self._recorder, None
        self._failure = error
        if recorder is not None:
            _recorder.release(recorder)
        if self._required:
            self.stop()
            raise error
        _errors.warn(f"not profiled: {error}")

    # --- As a block, as a decorator.

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        ours = self.running
        self.stop()
        if ours:
            self._deliver()

    async def __aenter__(self) -> Self:
        self._begin()
        try:
            while not (self._recorder is None or self._recorder.poll_ready()) and (wait := _event_loop_wait()):
                await wait
        except BaseException:
            self.stop()
            raise
        return self._join()

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        ours = self.running
        self.stop()
        if ours and self._delivers():
            loop = _event_loop()
            if loop is None:
                self._deliver()
            else:
                await loop.run_in_executor(None, self._deliver)

    def __call__(self, function: AnyFunction) -> AnyFunction:
        """Decorates a function: each outermost call of it is a profile of its own with these options."""
        from . import _decorate

        decorated: AnyFunction = _decorate.decorate(function, self._copy)
        return decorated

    def _copy(self) -> Profile:
        report = self._report_on_exit
        if report is None:
            report = self._output is None and self._on_exit is None
        return Profile(
            rate=self._options.rate,
            subprocesses=self._options.subprocesses,
            budget=self._options.budget,
            thread=self._thread,
            output=self._output,
            report_on_exit=report,
            on_exit=self._on_exit,
            required=self._required,
        )

    def _delivers(self) -> bool:
        return bool(self._output is not None or self._report_on_exit or self._on_exit is not None)

    def _deliver(self) -> None:
        """Does what was asked for at the end. The program's own result counts more than any trouble with that."""
        if self._recorder is not None:
            try:
                if self._output is not None:
                    self.save(self._output)
                if self._report_on_exit:
                    self.report()
            except (Error, OSError) as error:
                _errors.warn(f"the profile was made, but not shown or saved: {error}")
        if self._on_exit is not None:
            self._on_exit(self)

    # --- Questions. While it runs, they are about what has been sampled until now.

    if TYPE_CHECKING:

        @overload
        def report(self, *, json: Literal[True], file: None = None, **question: Unpack[Looks]) -> dict[str, Any]: ...
        @overload
        def report(
            self, *, json: Literal[False] = False, file: TextIO | None = None, **question: Unpack[Looks]
        ) -> None: ...

    def report(
        self, *, json: bool = False, file: TextIO | None = None, **question: Unpack[Looks]
    ) -> dict[str, Any] | None:
        """Prints what is slow and what to do about it, to `file` or standard error; with `json`, returns it as values.

        The keywords are the flags of `pyrometer report`: `report(view="cpu", sort="total", limit=20)`,
        `report(lines="module:function")`, `report(tree=True)`.
        """
        if json:
            return self._json(question)
        stream = sys.stderr if file is None else file
        if self._recorder is None and self.seconds and not self._required:
            # The program was promised to run as if it were not profiled, and so this must not raise.
            print(f"not profiled: {self._failure}", file=stream)
            return None
        if stream is not None:
            stream.write(self.text(**{**_looks_for(stream), **question}))
            stream.flush()
        return None

    def text(self, **question: Unpack[Looks]) -> str:
        """The report as text, without colours unless `color="always"`."""
        capture = self._capture()
        text = _executable.run(["report", capture, *self._flags(question)])
        if capture not in text:
            return text
        from . import _advice

        return _advice.for_program(text, capture, self._saved)

    def to_dict(self, **question: Unpack[Question]) -> dict[str, Any]:
        """The report as values: what `pyrometer report --json` prints, whose schema is in its `schema`."""
        return self._json(question)

    def functions(self, **question: Unpack[Question]) -> list[Function]:
        """The functions, the most own time first unless `sort` says otherwise."""
        from ._findings import Function

        return [Function.from_json(row) for row in self._json({"sort": "own", "limit": 1 << 31, **question})["rows"]]

    def lines(self, function: str, **choice: Unpack[Choice]) -> list[Line]:
        """The lines of `function` (a name, `module:name`, `file:line` or regular expression), in the file's order."""
        from ._findings import Line

        return [Line.from_json(row) for row in self._json({"lines": function, **choice})["rows"]]

    def save(
        self,
        path: StrPath,
        format: str | None = None,
        *,
        title: str | None = None,
        **choice: Unpack[Choice],
    ) -> str:
        """Writes it to `path` and returns that. `format`, or else the ending, chooses what is written.

        `.pyro` is the capture as it was recorded, which `pyrometer report` and every other format can be made from; of
        the rest see `pyrometer export --help`. Raises `Error` or `OSError`.
        """
        path = os.fspath(path)
        capture = self._capture()
        if format == "pyro" or (format is None and path.endswith(".pyro")):
            if choice:
                raise Error(
                    "a .pyro file holds the whole capture", "choose when you report it: pyrometer report --view …"
                )
            import shutil

            shutil.copyfile(capture, path)
            self._saved = path
            return path
        flags = ["--format", format] if format is not None else []
        flags += ["--title", title] if title is not None else []
        _executable.run(["export", capture, "--output", path, *flags, *self._flags(choice)])
        return path

    def _json(self, question: object) -> dict[str, Any]:
        import json

        value = json.loads(_executable.run(["report", self._capture(), "--json", *self._flags(question)]))
        assert isinstance(value, dict)
        return value

    def _capture(self) -> str:
        """The capture's path, complete up to now or up to the end."""
        if self._recorder is None:
            raise self._failure
        if self._owner != os.getpid():
            raise Error(f"this profile belongs to process {self._owner}", "ask there, or start one in this process")
        if self._running:
            self._shared = True
        self._recorder.settle()
        return self._recorder.path

    def _flags(self, question: Any) -> list[str]:
        """The keywords as flags, with this profile's window and thread in them."""
        question = dict(question)
        if self._thread is not None:
            question.setdefault("thread", self._thread)
        if self._shared and self._recorder is not None:
            # The capture's zero is when the recorder began; ours, and that of `since` and `until`, when we did.
            offset = max(0.0, self._began - self._recorder.origin)
            length = self.seconds
            question["since"] = offset + question.get("since", 0.0)
            question["until"] = offset + min(question.get("until", length), length)
        flags = []
        for name, value in question.items():
            if name not in _FLAGS:
                raise TypeError(f"no such option: {name!r} (there are {', '.join(sorted(_FLAGS))})")
            flag = f"--{name}"
            if value is True:
                flags.append(flag)
            elif isinstance(value, (list, tuple)):
                flags += [word for item in value for word in (flag, self._word(item))]
            elif value is not None and value is not False:
                flags += [flag, self._word(value)]
        return flags

    def _word(self, value: object) -> str:
        if value == "current":
            return str(self._native_id)
        if isinstance(value, threading.Thread):
            # Its name is known in here only: before 3.14 threads have no name of their own for the system.
            return str(value.native_id)
        return f"{value:.9f}" if isinstance(value, float) else str(value)


_FLAGS = frozenset(
    (
        *("view", "thread", "process", "since", "until", "idle"),
        *("sort", "limit", "function", "callers", "callees", "lines", "tree", "threads", "processes"),
        *("color", "width"),
    )
)


def _looks_for(stream: TextIO) -> dict[str, Any]:
    """What the executable, which prints into a pipe, cannot see of where its text goes."""
    try:
        width = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError, AttributeError):
        return {}
    color = "never" if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else "always"
    return {"color": color, "width": width} if width else {"color": color}


def _event_loop() -> Any:
    """The asyncio loop that runs in this thread, if one does."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return None
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _event_loop_wait() -> Any:
    """Something to await for a millisecond, in which other tasks run; nothing where asyncio does not run."""
    # Not a reader on the pipe, of which a loop allows one: profiles that share a recorder wait for it together. Not an
    # executor's thread, which would be in the profile.
    return sys.modules["asyncio"].sleep(0.001) if _event_loop() is not None else None


# --- What the package offers.

if TYPE_CHECKING:

    @overload
    def profile(function: AnyFunction, /) -> AnyFunction: ...
    @overload
    def profile(
        function: None = None,
        /,
        *,
        rate: float | str | None = None,
        subprocesses: bool = False,
        budget: float | str | None = None,
        thread: AnyThread | Sequence[AnyThread] | None = None,
        output: StrPath | None = None,
        report_on_exit: bool | None = None,
        on_exit: Callable[[Profile], object] | None = None,
        required: bool = False,
    ) -> Profile: ...


def profile(function: Any = None, /, **options: Any) -> Any:
    """A new `Profile`, for a block or as a decorator with options; or, given a function, that function decorated.

    with pyrometer.profile(rate="10khz") as p: ...
    async with pyrometer.profile() as p: ...

    @pyrometer.profile
    def work(): ...

    @pyrometer.profile(output="work.svg")
    async def work(): ...
    """
    new = Profile(**options)
    return new if function is None else new(function)


# The profiles that run now, so that none is lost when the program ends; the one that `start` started.
_active: set[Profile] = set()
_started: list[Profile] = []


def start(
    *,
    rate: float | str | None = None,
    subprocesses: bool = False,
    budget: float | str | None = None,
    thread: AnyThread | Sequence[AnyThread] | None = None,
    output: StrPath | None = None,
    report_on_exit: bool | None = None,
    on_exit: Callable[[Profile], object] | None = None,
    required: bool = False,
) -> Profile:
    """Starts a profile that `stop` stops, from anywhere in the program. The options are those of `profile`."""
    if _started and _started[0].running:
        raise Error("pyrometer.start() was called before", "call pyrometer.stop() first, or use pyrometer.profile()")
    new = Profile(
        rate=rate,
        subprocesses=subprocesses,
        budget=budget,
        thread=thread,
        output=output,
        report_on_exit=report_on_exit,
        on_exit=on_exit,
        required=required,
    )
    _started[:] = [new]
    return new.start()


def stop() -> Profile:
    """Stops what `start` started, does what that asked for at the end, and returns the profile."""
    if not (_started and _started[0].running):
        raise Error("pyrometer.start() was not called", "call it before pyrometer.stop()")
    running = _started.pop()
    running.__exit__(None, None, None)
    return running


_registered = False


def _register_at_exit() -> None:
    """Once, and after the first recorder was made: what is registered last runs first, and must run before the captures
    are removed."""
    global _registered
    if not _registered:
        _registered = True
        atexit.register(_at_exit)


def _at_exit() -> None:
    for running in sorted((profile for profile in _active if profile.running), key=lambda profile: profile._began):
        running.stop()
        if running._report_on_exit is None and not running._delivers():
            # Nobody has asked and nobody can any more: better shown than lost.
            running._report_on_exit = True
        running._deliver()


def _after_fork_in_child() -> None:
    _active.clear()
    _started.clear()


os.register_at_fork(after_in_child=_after_fork_in_child)
