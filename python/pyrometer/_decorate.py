"""Functions of every kind, profiled while they run."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator
    from typing import Any

    from ._profile import Profile


def decorate(function: Any, new_profile: Callable[[], Profile]) -> Any:
    """`function` with each outermost call of it in a profile that `new_profile` makes.

    A generator's profile lasts from its first item to its end, and a coroutine's from its first step to its end, with
    whatever else the process does meanwhile.
    """
    if isinstance(function, (staticmethod, classmethod)):
        return type(function)(decorate(function.__func__, new_profile))
    if isinstance(function, type) or not callable(function):
        raise TypeError(f"pyrometer.profile decorates functions, not {function!r}")
    outermost = _Outermost()
    if inspect.isasyncgenfunction(function):
        return _async_generator(function, new_profile, outermost)
    if inspect.iscoroutinefunction(function):
        return _coroutine(function, new_profile, outermost)
    if inspect.isgeneratorfunction(function):
        return _generator(function, new_profile, outermost)

    @functools.wraps(function)
    def call(*arguments: Any, **keywords: Any) -> Any:
        with outermost.enter() as first:
            if not first:
                return function(*arguments, **keywords)
            with new_profile():
                return function(*arguments, **keywords)

    return call


def _coroutine(function: Any, new_profile: Callable[[], Profile], outermost: _Outermost) -> Any:
    @functools.wraps(function)
    async def call(*arguments: Any, **keywords: Any) -> Any:
        with outermost.enter() as first:
            if not first:
                return await function(*arguments, **keywords)
            async with new_profile():
                return await function(*arguments, **keywords)

    return call


def _generator(function: Any, new_profile: Callable[[], Profile], outermost: _Outermost) -> Any:
    @functools.wraps(function)
    def call(*arguments: Any, **keywords: Any) -> Generator[Any, Any, Any]:
        with outermost.enter() as first:
            if not first:
                return (yield from function(*arguments, **keywords))
            with new_profile():
                return (yield from function(*arguments, **keywords))

    return call


def _async_generator(function: Any, new_profile: Callable[[], Profile], outermost: _Outermost) -> Any:
    @functools.wraps(function)
    async def call(*arguments: Any, **keywords: Any) -> AsyncGenerator[Any, Any]:
        with outermost.enter() as first:
            async with new_profile() if first else _Nothing():
                # What `yield from` does for generators, which asynchronous ones have no statement for (PEP 525).
                items = function(*arguments, **keywords)
                step = items.__anext__()
                while True:
                    try:
                        item = await step
                    except StopAsyncIteration:
                        return
                    try:
                        sent = yield item
                    except GeneratorExit:
                        await items.aclose()
                        raise
                    except BaseException as error:
                        step = items.athrow(error)
                    else:
                        step = items.asend(sent)

    return call


class _Nothing:
    """An asynchronous block that does nothing (`contextlib.nullcontext` is one from 3.10 on only)."""

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, *exception: object) -> None:
        return None


class _Outermost:
    """Tells the outermost call of a function from those that it makes of itself, by thread and by task.

    Not a context variable: a generator runs in its consumer's context, and what it set there would be seen by others.
    """

    def __init__(self) -> None:
        self._inside: set[tuple[int, int]] = set()

    @contextlib.contextmanager
    def enter(self) -> Generator[bool, None, None]:
        """A block that is a call; whether it is an outermost one."""
        caller = (threading.get_ident(), _task())
        if caller in self._inside:
            yield False
            return
        self._inside.add(caller)
        try:
            yield True
        finally:
            self._inside.discard(caller)


def _task() -> int:
    """The asyncio task that runs, by identity; 0 outside of any."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return 0
    try:
        return id(asyncio.current_task())
    except RuntimeError:
        return 0
