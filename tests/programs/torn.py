"""An adversary for samplers that do not stop their target: `torn.py [--seconds S] [--families N]`.

Families of functions `f_007` -> `g_007` -> `h_007` call each other in about a microsecond. All have equally large
frames, so every family's frames lie at the same addresses of the interpreter's stack, one family after another. A
stack that was really there has one number in all of its f, g and h; `f_007` -> `g_012` never was. The call stands on
the body's second line, so a caller that is not there is wrong as well. Prints {"calls", "cpu"}.
"""

import argparse
import json
import random
import time

FAMILY = """
def h_{n:03d}(a, b, c):
    x = a + b
    return x - c

def g_{n:03d}(a, b, c):
    x = a + c
    return h_{n:03d}(x, b, c) if a & 1 else x

def f_{n:03d}(a, b, c):
    x = b + c
    return g_{n:03d}(a, x, c) if a & 6 else x
"""


def make_families(count):
    namespace = {"__name__": "families"}
    for number in range(count):
        exec(compile(FAMILY.format(n=number), f"families/family_{number:03d}.py", "exec"), namespace)
    return [namespace[f"f_{number:03d}"] for number in range(count)]


def drive(functions, order, until):
    calls = 0
    while time.perf_counter() < until:
        for index in order:
            functions[index](index, 2, 3)
        calls += len(order)
    return calls


def main(seconds, families):
    functions = make_families(families)
    rng = random.Random(9)
    order = [rng.randrange(families) for _ in range(2000)]
    cpu = time.process_time()
    calls = drive(functions, order, time.perf_counter() + seconds)
    print(json.dumps({"calls": calls, "cpu": time.process_time() - cpu}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--families", type=int, default=64)
    arguments = parser.parse_args()
    main(arguments.seconds, arguments.families)
