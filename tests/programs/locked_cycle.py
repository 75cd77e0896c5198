"""Work locked to a 10 ms cycle of the clock: `locked_cycle.py [--seconds S] [--period-ms 10]`.

In each cycle `first` is active for 30 %, `second` for 15 %, and the rest is slept, so a sampler whose interval divides
the cycle always looks at the same part of it. Prints {"wall": {"first", "second", "rest": measured share of the wall
time}, "seconds"}.
"""

import argparse
import json
import time

FIRST, SECOND = 0.30, 0.15


def first(until):
    while time.perf_counter() < until:
        pass


def second(until):
    while time.perf_counter() < until:
        pass


def rest(until):
    left = until - time.perf_counter()
    if left > 0:
        time.sleep(left)


def main(seconds, period):
    used = {"first": 0.0, "second": 0.0, "rest": 0.0}
    begun = time.perf_counter()
    # Cycles begin at whole multiples of the period on the clock, whatever was late before.
    cycle = begun - begun % period + period
    rest(cycle)
    begun = cycle
    while cycle - begun < seconds:
        start = time.perf_counter()
        first(cycle + FIRST * period)
        middle = time.perf_counter()
        second(cycle + (FIRST + SECOND) * period)
        end = time.perf_counter()
        cycle += period
        rest(cycle)
        used["first"] += middle - start
        used["second"] += end - middle
        used["rest"] += time.perf_counter() - end
    total = sum(used.values())
    print(json.dumps({"wall": {name: value / total for name, value in used.items()}, "seconds": total}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--period-ms", type=float, default=10.0)
    arguments = parser.parse_args()
    main(arguments.seconds, arguments.period_ms / 1e3)
