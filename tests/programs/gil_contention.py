"""Two Python threads that both always want the GIL and one C thread that never does: `gil_contention.py [--seconds S]`.

Prints {"threads": {name: {"native_id", "cpu", "wall"}}}. `left` and `right` hold the GIL half of the time each.
"""

import argparse
import hashlib
import json
import threading
import time

results = {}


def spin(deadline):
    value = 0
    while time.monotonic() < deadline:
        for step in range(1000):
            value = (value * 31 + step) % 65_521
    return value


def left(deadline):
    return spin(deadline)


def right(deadline):
    return spin(deadline)


def outside(deadline):
    block = bytes(8 << 20)
    while time.monotonic() < deadline:
        hashlib.sha256(block).digest()


def measured(duty, deadline):
    cpu, wall = time.thread_time(), time.monotonic()
    duty(deadline)
    results[duty.__name__] = {
        "native_id": threading.get_native_id(),
        "cpu": time.thread_time() - cpu,
        "wall": time.monotonic() - wall,
    }


def main(seconds):
    deadline = time.monotonic() + seconds
    threads = [
        threading.Thread(target=measured, args=(duty, deadline), name=duty.__name__) for duty in (left, right, outside)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({"threads": results}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=4.0)
    main(parser.parse_args().seconds)
