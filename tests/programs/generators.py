"""Generators of several kinds, with known frames under the leaf `spin`:

`consume_pipeline` -> `doubled` (generator expression inside) -> `numbers` -> `spin`
`consume_delegated` -> `outer_generator` -> `inner_generator` (yield from) -> `spin`
`consume_sent` -> `accumulator` (send) -> `spin`

Prints {"wall", "cpu", "result"}.
"""

import argparse
import json
import time


def spin(value):
    for step in range(60):
        value = (value * 33 + step) % 65_521
    return value


def numbers(count):
    for value in range(count):
        yield spin(value)


def doubled(source):
    yield from (value * 2 for value in source)


def consume_pipeline(count):
    return sum(doubled(numbers(count)))


def inner_generator(count):
    for value in range(count):
        yield spin(value)
    return count


def outer_generator(count):
    done = yield from inner_generator(count)
    yield done


def consume_delegated(count):
    return sum(outer_generator(count))


def accumulator():
    total = 0
    while True:
        received = yield total
        total += spin(received)


def consume_sent(count):
    running = accumulator()
    next(running)
    last = 0
    for value in range(count):
        last = running.send(value)
    running.close()
    return last


def main(rounds):
    wall, cpu = time.perf_counter(), time.process_time()
    result = 0
    for _ in range(rounds):
        result += consume_pipeline(2000) + consume_delegated(2000) + consume_sent(2000)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps({"wall": wall, "cpu": cpu, "result": result}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=60)
    main(parser.parse_args().rounds)
