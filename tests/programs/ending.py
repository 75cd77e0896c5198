"""Ends in a chosen way after a little work: `ending.py exit CODE | signal NUMBER | raise | echo`.

`echo` copies standard input to standard output and writes its arguments and `sys.path[0]` to standard error first.
"""

import json
import os
import signal
import sys
import time


def work(seconds):
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


def main(how, *arguments):
    work(0.1)
    if how == "exit":
        sys.exit(int(arguments[0]))
    if how == "signal":
        # Python itself ignores or handles some signals; SIGKILL cannot be set and need not be.
        if int(arguments[0]) != signal.SIGKILL:
            signal.signal(int(arguments[0]), signal.SIG_DFL)
        os.kill(os.getpid(), int(arguments[0]))
        time.sleep(5)
    if how == "raise":
        raise ValueError("as asked")
    if how == "echo":
        print(json.dumps({"argv": sys.argv, "path0": sys.path[0], "file": __file__, "name": __name__}), file=sys.stderr)
        sys.stderr.flush()
        sys.stdout.write(sys.stdin.read())


if __name__ == "__main__":
    main(*sys.argv[1:])
