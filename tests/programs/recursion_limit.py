"""Recursion down to a chosen depth on a thread with a large stack, then work at the leaf:
`recursion_limit.py [--depth N] [--seconds S]`; prints {"depth", "cpu"}.
"""

import argparse
import json
import sys
import threading
import time


def work(seconds):
    until = time.thread_time() + seconds
    value = 0
    while time.thread_time() < until:
        for step in range(1000):
            value = (value * 31 + step) % 65_521
    return value


def descend(levels, seconds):
    if levels == 0:
        return work(seconds)
    return descend(levels - 1, seconds)


def main(depth, seconds):
    sys.setrecursionlimit(depth + 200)
    threading.stack_size(1 << 29)
    cpu = time.process_time()
    thread = threading.Thread(target=descend, args=(depth, seconds), name="deep")
    thread.start()
    thread.join()
    print(json.dumps({"depth": depth, "cpu": time.process_time() - cpu}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--depth", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=1.0)
    arguments = parser.parse_args()
    main(arguments.depth, arguments.seconds)
