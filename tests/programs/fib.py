"""Recursion and nothing else: `fib.py [--rounds N]` computes fib(24) N times. Prints {"wall", "cpu", "result"}."""

import argparse
import json
import time


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def main(rounds):
    wall, cpu = time.perf_counter(), time.process_time()
    result = 0
    for _ in range(rounds):
        result += fib(24)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps({"wall": wall, "cpu": cpu, "result": result}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=100)
    main(parser.parse_args().rounds)
