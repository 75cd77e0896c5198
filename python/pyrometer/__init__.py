"""Where does a Python program spend its time, on which line, how sure is that, and what should be done about it?

    import pyrometer

    with pyrometer.profile() as p:
        work()
    p.report()            # the triage report, on standard error
    p.save("work.svg")    # a flame graph; the ending chooses the format

    @pyrometer.profile    # also on coroutines, generators and asynchronous generators
    def work(): ...

    pyrometer.start()
    work()
    pyrometer.stop().report()

The samples are taken by another process, the `pyrometer` executable, which reads this one's memory and never stops it.
`docs/python.md` is the manual.
"""

# Importing this package must cost next to nothing, because programs import it and then do not profile: what is behind
# these names is loaded when they are first used (PEP 562). Type checkers take the branch, the interpreter never does,
# and `typing` itself is not loaded.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._errors import Error as Error
    from ._errors import PyrometerWarning as PyrometerWarning
    from ._findings import Function as Function
    from ._findings import Line as Line
    from ._findings import Share as Share
    from ._profile import Profile as Profile
    from ._profile import profile as profile
    from ._profile import start as start
    from ._profile import stop as stop

    __version__: str

__all__ = [
    "Error",
    "Function",
    "Line",
    "Profile",
    "PyrometerWarning",
    "Share",
    "profile",
    "start",
    "stop",
]

_HOMES = {
    "Error": "_errors",
    "Function": "_findings",
    "Line": "_findings",
    "Profile": "_profile",
    "PyrometerWarning": "_errors",
    "Share": "_findings",
    "profile": "_profile",
    "start": "_profile",
    "stop": "_profile",
}


# Hidden from type checkers, for which every misspelt name would otherwise be an attribute.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name == "__version__":
            from . import _executable

            value: object = _executable.package_version()
        elif name in _HOMES:
            from importlib import import_module

            value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = value
        return value


def __dir__() -> "list[str]":
    return sorted({*globals(), *__all__, "__version__"})
