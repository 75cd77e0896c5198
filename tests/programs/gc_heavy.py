"""Reference cycles that only the garbage collector frees; prints {"wall", "cpu", "collections", "result"}."""

import argparse
import gc
import json
import time


class Node:
    def __init__(self, value):
        self.value = value
        self.neighbour = self
        self.payload = [value] * 4


def make_cycles(count):
    previous = Node(0)
    total = 0
    for value in range(count):
        node = Node(value)
        node.neighbour, previous.neighbour = previous, node
        previous = node
        if value % 50 == 0:
            previous = Node(0)
        total += node.payload[0]
    return total


def collect_now(rounds):
    for _ in range(rounds):
        gc.collect()


def main(rounds):
    wall, cpu = time.perf_counter(), time.process_time()
    kept = [Node(value) for value in range(100_000)]
    result = len(kept)
    for _ in range(rounds):
        result += make_cycles(20_000)
        collect_now(1)
    collections = sum(generation["collections"] for generation in gc.get_stats())
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps({"wall": wall, "cpu": cpu, "collections": collections, "result": result}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=60)
    main(parser.parse_args().rounds)
