"""Threads that wait, each in another way, for the whole run: `waits.py [--seconds S]`.

Threads `sleep`, `lock`, `socket`, `queue` and `select` wait in `wait_for_<name>`; none uses the CPU. Prints {"cpu"}.
"""

import argparse
import json
import queue
import select
import socket
import threading
import time


def wait_for_sleep(seconds):
    time.sleep(seconds)


def wait_for_lock(lock):
    with lock:
        pass


def wait_for_socket(receiver):
    receiver.recv(1)


def wait_for_queue(waiting):
    waiting.get()


def wait_for_select(receiver):
    select.select([receiver], [], [])


def main(seconds):
    cpu = time.process_time()
    lock = threading.Lock()
    waiting = queue.Queue()
    receiver, sender = socket.socketpair()
    polled, poker = socket.socketpair()
    lock.acquire()
    duties = {
        "sleep": (wait_for_sleep, seconds),
        "lock": (wait_for_lock, lock),
        "socket": (wait_for_socket, receiver),
        "queue": (wait_for_queue, waiting),
        "select": (wait_for_select, polled),
    }
    threads = [threading.Thread(target=duty, args=(what,), name=name) for name, (duty, what) in duties.items()]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    lock.release()
    sender.send(b"x")
    waiting.put(None)
    poker.send(b"x")
    for thread in threads:
        thread.join()
    print(json.dumps({"cpu": time.process_time() - cpu}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=2.0)
    main(parser.parse_args().seconds)
