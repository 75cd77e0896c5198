"""Four frames, a loop at the top: the cheapest stack to read. `shallow.py [--rounds N]`.

Prints {"wall", "cpu", "result"}.
"""

import argparse
import json
import time


def work(rounds):
    total = 0
    for value in range(rounds):
        total = (total * 31 + value) % 1_000_003
    return total


def middle(rounds):
    return work(rounds)


def main(rounds):
    wall, cpu = time.perf_counter(), time.process_time()
    result = middle(rounds)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps({"wall": wall, "cpu": cpu, "result": result}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20_000_000)
    main(parser.parse_args().rounds)
