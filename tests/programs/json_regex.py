"""C functions called from Python: json and re over generated records. Prints {"wall", "cpu", "result"}."""

import argparse
import json
import random
import re
import time
import zlib

DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
HOST = re.compile(r"(?:[a-z]+\.)+(?:example|test)\b")


def make_records(count):
    rng = random.Random(5)
    return [
        {
            "id": index,
            "host": f"node{rng.randrange(40)}.rack{rng.randrange(9)}.dc.example".replace("0", "a"),
            "at": f"2026-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}",
            "tags": rng.sample(["red", "blue", "slow", "fast", "old"], 3),
            "load": rng.random(),
        }
        for index in range(count)
    ]


def write(records):
    return [json.dumps(record, sort_keys=True) for record in records]


def scan(lines):
    found = 0
    for line in lines:
        year, month, day = DATE.search(line).groups()
        found += int(day) * int(month) + len(HOST.findall(line)) + int(year)
    return found


def read(lines):
    return sum(len(json.loads(line)["tags"]) for line in lines)


def main(rounds):
    wall, cpu = time.perf_counter(), time.process_time()
    records = make_records(500)
    result = 0
    for _ in range(rounds):
        lines = write(records)
        result += scan(lines) + read(lines) + zlib.crc32("".join(lines).encode()) % 97
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps({"wall": wall, "cpu": cpu, "result": result}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=200)
    main(parser.parse_args().rounds)
