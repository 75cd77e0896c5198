"""Many threads, one of which works: `many_threads.py [--threads N] [--seconds S] [--busy K]`.

Idle threads wait in `parked`, K busy ones compute in `busy`. Prints {"threads", "cpu"}.
"""

import argparse
import json
import threading
import time


def parked(gate):
    gate.wait()


def busy(deadline):
    value = 0
    while time.monotonic() < deadline:
        for step in range(1000):
            value = (value * 31 + step) % 65_521
    return value


def main(count, seconds, working):
    threading.stack_size(256 * 1024)
    gate = threading.Event()
    threads = [
        threading.Thread(target=parked, args=(gate,), name=f"parked-{number}") for number in range(count - working)
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds
    workers = [threading.Thread(target=busy, args=(deadline,), name=f"busy-{number}") for number in range(working)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    gate.set()
    for thread in threads:
        thread.join()
    print(json.dumps({"threads": count, "cpu": time.process_time()}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--busy", type=int, default=1)
    arguments = parser.parse_args()
    main(arguments.threads, arguments.seconds, arguments.busy)
