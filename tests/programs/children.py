"""Starts child processes in one of several ways: `children.py HOW [--count N] [--seconds S]`.

HOW is fork (os.fork), spawn and pool (multiprocessing), subprocess (a new interpreter), exec (this process replaces
itself), many (children that end at once). Each lasting child burns S seconds of CPU time in `child_work`; with `many`
nobody works but the parent, in `parent_work`. Prints {"parent": pid, "children": [pids]}, with
`many` the number of children.
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import time


def child_work(seconds):
    until = time.process_time() + seconds
    value = 0
    while time.process_time() < until:
        for step in range(1000):
            value = (value * 31 + step) % 65_521
    return os.getpid()


def parent_work(seconds):
    until = time.process_time() + seconds
    value = 0
    while time.process_time() < until:
        for step in range(1000):
            value = (value * 37 + step) % 65_521
    return value


def by_fork(count, seconds):
    children = []
    for _ in range(count):
        child = os.fork()
        if child == 0:
            child_work(seconds)
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    return children


def by_spawn(count, seconds):
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=child_work, args=(seconds,)) for _ in range(count)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    return [child.pid for child in children]


def by_pool(count, seconds):
    with multiprocessing.get_context("fork").Pool(count) as pool:
        # Twice as many pieces of work as workers; a worker may take more than its part.
        return sorted(set(pool.map(child_work, [seconds / 2] * (2 * count), chunksize=1)))


def by_subprocess(count, seconds):
    command = [sys.executable, os.path.abspath(__file__), "child", "--seconds", str(seconds)]
    children = [subprocess.Popen(command) for _ in range(count)]
    for child in children:
        child.wait()
    return [child.pid for child in children]


def by_exec(count, seconds):
    parent_work(seconds)
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, os.path.abspath(__file__), "child", "--seconds", str(seconds), "--print"])


def by_many(count, seconds):
    children = []
    for _ in range(count):
        child = os.fork()
        if child == 0:
            os._exit(0)
        children.append(child)
        os.waitpid(child, 0)
        if len(children) % 50 == 0:
            parent_work(seconds / 20)
    return children


HOW = {
    "fork": by_fork,
    "spawn": by_spawn,
    "pool": by_pool,
    "subprocess": by_subprocess,
    "exec": by_exec,
    "many": by_many,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("how", choices=[*HOW, "child"])
    parser.add_argument("--count", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--print", action="store_true", help="a child that reports for its replaced parent")
    arguments = parser.parse_args()
    if arguments.how == "child":
        child_work(arguments.seconds)
        if arguments.print:
            print(json.dumps({"parent": os.getpid(), "children": []}))
    else:
        children = HOW[arguments.how](arguments.count, arguments.seconds)
        shown = len(children) if arguments.how == "many" else children
        print(json.dumps({"parent": os.getpid(), "children": shown}))
