"""A photo archive's import: threads read, fingerprint and index pictures that pass through queues.

Readers wait for a (simulated) network drive, fingerprinters burn CPU under the GIL, and everybody meets at the
catalogue's lock. Standard library only.
"""

from __future__ import annotations

import argparse
import queue
import random
import threading
import time
import zlib
from dataclasses import dataclass
from typing import Dict, List, Optional

SIDE = 48
"""Pictures are SIDE by SIDE grey pixels."""


@dataclass(frozen=True)
class Picture:
    """A grey picture, one byte a pixel, row by row."""

    name: str
    pixels: bytes


def read_picture(number: int) -> Picture:
    """Return a picture as the network drive would: after a wait."""
    time.sleep(0.002)
    pixels = random.Random(number).getrandbits(8 * SIDE * SIDE).to_bytes(SIDE * SIDE, "little")
    return Picture(f"IMG_{number:05d}", pixels)


def difference_hash(picture: Picture) -> int:
    """Return a 64-bit fingerprint that survives rescaling: pure Python, the hot spot."""
    step = SIDE // 8
    fingerprint = 0
    for row in range(8):
        previous = 0
        for column in range(8):
            total = 0
            for y in range(row * step, (row + 1) * step):
                start = y * SIDE + column * step
                total += sum(picture.pixels[start : start + step])
            fingerprint = fingerprint << 1 | (total > previous)
            previous = total
    return fingerprint


class Catalogue:
    """What was imported. One lock guards everything, and is held while an entry is compressed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: Dict[str, bytes] = {}
        self.fingerprints: List[int] = []

    def add(self, picture: Picture, fingerprint: int) -> None:
        """Store a picture. The compression under the lock is the mistake that the profile shows."""
        with self._lock:
            self._entries[picture.name] = zlib.compress(picture.pixels * 8, 9)
            self.fingerprints.append(fingerprint)

    def __len__(self) -> int:
        return len(self._entries)


def reader(numbers: "queue.Queue[int]", pictures: "queue.Queue[Optional[Picture]]") -> None:
    """Read pictures until no number is left."""
    while True:
        try:
            number = numbers.get_nowait()
        except queue.Empty:
            return
        pictures.put(read_picture(number))


def fingerprinter(pictures: "queue.Queue[Optional[Picture]]", catalogue: Catalogue) -> None:
    """Fingerprint pictures until the end marker."""
    while True:
        picture = pictures.get()
        if picture is None:
            return
        catalogue.add(picture, difference_hash(picture))


def main(count: int, readers: int, fingerprinters: int) -> None:
    numbers: "queue.Queue[int]" = queue.Queue()
    for number in range(count):
        numbers.put(number)
    pictures: "queue.Queue[Optional[Picture]]" = queue.Queue(maxsize=16)
    catalogue = Catalogue()
    started = time.perf_counter()
    reading = [
        threading.Thread(target=reader, args=(numbers, pictures), name=f"reader-{index}") for index in range(readers)
    ]
    working = [
        threading.Thread(target=fingerprinter, args=(pictures, catalogue), name=f"fingerprint-{index}")
        for index in range(fingerprinters)
    ]
    for thread in reading + working:
        thread.start()
    for thread in reading:
        thread.join()
    for _ in working:
        pictures.put(None)
    for thread in working:
        thread.join()
    seconds = time.perf_counter() - started
    print(f"{len(catalogue)} pictures in {seconds:.2f} s; checksum {sum(catalogue.fingerprints) % 2**32:08x}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Import pictures with threads.")
    parser.add_argument("--pictures", type=int, default=6000)
    parser.add_argument("--readers", type=int, default=4, choices=range(1, 33), metavar="1..32")
    parser.add_argument("--fingerprinters", type=int, default=3, choices=range(1, 33), metavar="1..32")
    arguments = parser.parse_args()
    main(arguments.pictures, arguments.readers, arguments.fingerprinters)
