"""Waits to be interrupted: says "ready", computes in `work_until_interrupted`, and says "interrupted" when ^C comes.

`interrupted.py [--ignore]`: with --ignore it takes no notice and ends by itself after 20 s.
"""

import signal
import sys
import time


def work_until_interrupted(deadline):
    value = 0
    while time.monotonic() < deadline:
        for step in range(1000):
            value = (value * 31 + step) % 65_521
    return value


if __name__ == "__main__":
    if "--ignore" in sys.argv:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    print("ready", flush=True)
    try:
        work_until_interrupted(time.monotonic() + 20)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        sys.exit(3)
