"""asyncio tasks that take turns: a chain of awaits three deep, an async generator and an async context manager.

While `spin` runs under a coroutine, `handle` -> `parse` -> `spin` or `drain` -> `ticks` -> `spin` stand on the stack.
Prints {"wall", "cpu", "result"}.
"""

import argparse
import asyncio
import json
import time


def spin(value):
    for step in range(200):
        value = (value * 33 + step) % 65_521
    return value


async def parse(value):
    await asyncio.sleep(0)
    return spin(value)


async def handle(task, count):
    total = 0
    for value in range(count):
        total += await parse(value + task)
    return total


async def ticks(count):
    for value in range(count):
        await asyncio.sleep(0)
        yield spin(value)


class Session:
    async def __aenter__(self):
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *exception):
        await asyncio.sleep(0)


async def drain(count):
    total = 0
    async with Session():
        async for value in ticks(count):
            total += value
    return total


async def run(rounds):
    results = await asyncio.gather(*(handle(task, rounds) for task in range(8)), drain(rounds), drain(rounds))
    return sum(results)


def main(rounds):
    wall, cpu = time.perf_counter(), time.process_time()
    result = asyncio.run(run(rounds))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps({"wall": wall, "cpu": cpu, "result": result}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=8000)
    main(parser.parse_args().rounds)
