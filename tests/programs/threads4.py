"""Four named threads that use very different amounts of CPU time: `threads4.py [--seconds S]`.

`steady` computes in Python all the time, `bursty` computes in Python in bursts, `hasher` computes in C without the GIL,
`idler` mostly sleeps. Prints {"threads": {name: {"native_id", "cpu"}}}, CPU seconds as the kernel accounted them.
"""

import argparse
import hashlib
import json
import random
import threading
import time

results = {}


def compute(milliseconds):
    until = time.thread_time_ns() + int(milliseconds * 1e6)
    value = 0
    while time.thread_time_ns() < until:
        for step in range(300):
            value = (value * 31 + step) % 65_521
    return value


def steady(deadline):
    while time.monotonic() < deadline:
        compute(5)


def bursty(deadline):
    rng = random.Random(1)
    while time.monotonic() < deadline:
        compute(rng.uniform(2, 12))
        time.sleep(rng.uniform(0.01, 0.04))


def hasher(deadline):
    block = bytes(16 << 20)
    rng = random.Random(2)
    while time.monotonic() < deadline:
        hashlib.sha256(block).digest()
        time.sleep(rng.uniform(0, 0.002))


def idler(deadline):
    rng = random.Random(3)
    while time.monotonic() < deadline:
        compute(0.4)
        time.sleep(rng.uniform(0.005, 0.02))


def measured(duty, deadline):
    before = time.thread_time_ns()
    duty(deadline)
    used = time.thread_time_ns() - before
    results[duty.__name__] = {"native_id": threading.get_native_id(), "cpu": used / 1e9}


def main(seconds):
    deadline = time.monotonic() + seconds
    threads = [
        threading.Thread(target=measured, args=(duty, deadline), name=duty.__name__)
        for duty in (steady, bursty, hasher, idler)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({"threads": results}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=6.0)
    main(parser.parse_args().seconds)
