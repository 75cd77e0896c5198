"""Computes in `steady_work` until it is told to stop or the time is over: `steady.py [--seconds S]`.

Says its pid first.
"""

import argparse
import os
import signal
import sys
import time


def steady_work(deadline):
    value = 0
    while time.monotonic() < deadline:
        for step in range(1000):
            value = (value * 31 + step) % 65_521
    return value


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=30.0)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(os.getpid(), flush=True)
    steady_work(time.monotonic() + arguments.seconds)
