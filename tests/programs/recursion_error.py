"""Runs into the recursion limit again and again and carries on: `recursion_error.py [--seconds S]`.

Prints {"errors"}.
"""

import argparse
import json
import time


def endless(level):
    return endless(level + 1) + 1


def main(seconds):
    until = time.perf_counter() + seconds
    errors = 0
    while time.perf_counter() < until:
        try:
            endless(0)
        except RecursionError:
            errors += 1
    print(json.dumps({"errors": errors}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=1.5)
    main(parser.parse_args().seconds)
