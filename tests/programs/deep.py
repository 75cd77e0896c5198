"""A stack of known depth whose leaf does all the work: `deep.py [--depth 200] [--rounds N]`.

Every level is the same function, `descend`; the leaf is `work`. Prints {"wall", "cpu", "result"}.
"""

import argparse
import json
import sys
import time


def work(rounds):
    total = 0
    for value in range(rounds):
        total = (total * 31 + value) % 1_000_003
    return total


def descend(levels, rounds):
    if levels == 0:
        return work(rounds)
    return descend(levels - 1, rounds)


def main(depth, rounds):
    sys.setrecursionlimit(depth + 1000)
    wall, cpu = time.perf_counter(), time.process_time()
    # `main`, `descend` (depth - 4 times), `descend` at level 0, `work` and `<module>` make `depth` frames.
    result = descend(depth - 4, rounds)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps({"wall": wall, "cpu": cpu, "result": result}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--depth", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=20_000_000)
    arguments = parser.parse_args()
    main(arguments.depth, arguments.rounds)
