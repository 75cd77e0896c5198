"""Letting the recorder read this process where Yama would refuse it.

With /proc/sys/kernel/yama/ptrace_scope at 1 (Debian, Ubuntu), a process may read its children and no others, unless the
other one has named it with `prctl(PR_SET_PTRACER, pid)`: then `pid` and its descendants may
(Documentation/admin-guide/LSM/Yama.rst). The recorder is our child, so it is we who must name it. Without Yama, and at
scope 0, nothing need be done; at 2 and 3 nothing here can help, and the executable's own message says what can.
"""

from __future__ import annotations

SCOPE_FILE = "/proc/sys/kernel/yama/ptrace_scope"

# include/uapi/linux/prctl.h
_PR_SET_PTRACER = 0x59616D61


def needed() -> bool:
    """Whether the system refuses the recorder unless we name it."""
    try:
        with open(SCOPE_FILE, "rb") as file:
            return file.read().strip() == b"1"
    except OSError:
        return False


def allow(pid: int) -> None:
    """Lets `pid` and its descendants read this process, in place of whom was allowed before; 0 lets nobody."""
    try:
        import ctypes

        prctl = ctypes.CDLL(None, use_errno=True).prctl
        # The C function takes variadic arguments, of which the kernel reads whole words.
        prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
        prctl(_PR_SET_PTRACER, pid, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        # A Python without ctypes, or a C library without prctl: the recorder is then refused, and says why.
        pass
