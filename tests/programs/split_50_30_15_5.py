"""Four functions that use 50, 30, 15 and 5 % of the thread's CPU time: `split_50_30_15_5.py [--seconds S]`.

Each round is 20 ms of CPU time in a new random order of the functions, so nothing is periodic. A function burns until
the kernel says that its part is used. Prints {"shares": {function: measured share of their sum}, "cpu": seconds}.
"""

import argparse
import json
import random
import time

ROUND = 20_000_000
PARTS = {"half": 0.50, "third": 0.30, "seventh": 0.15, "twentieth": 0.05}


def half(until):
    value = 0
    while time.thread_time_ns() < until:
        for step in range(400):
            value = (value * 31 + step) % 65_521
    return value


def third(until):
    value = 0
    while time.thread_time_ns() < until:
        for step in range(400):
            value = (value * 33 + step) % 65_521
    return value


def seventh(until):
    value = 0
    while time.thread_time_ns() < until:
        for step in range(400):
            value = (value * 35 + step) % 65_521
    return value


def twentieth(until):
    value = 0
    while time.thread_time_ns() < until:
        for step in range(400):
            value = (value * 37 + step) % 65_521
    return value


def main(seconds):
    functions = [half, third, seventh, twentieth]
    used = {function.__name__: 0 for function in functions}
    rng = random.Random(3)
    begun = time.thread_time_ns()
    while time.thread_time_ns() - begun < seconds * 1e9:
        rng.shuffle(functions)
        for function in functions:
            before = time.thread_time_ns()
            function(before + int(PARTS[function.__name__] * ROUND))
            used[function.__name__] += time.thread_time_ns() - before
    total = sum(used.values())
    shares = {name: value / total for name, value in used.items()}
    print(json.dumps({"shares": shares, "cpu": total / 1e9}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=5.0)
    main(parser.parse_args().seconds)
