"""Put a bounded load on the parcel tracker: loopback only, a fixed number of requests over few connections.

Prints requests a second and latency percentiles. `--serve` starts the server itself and stops it afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import time
from typing import List

PATHS = ("/status?parcel=PX{n}", "/quote?grams={n}", "/label?parcel=PX{n}", "/status?parcel=QX{n}")


async def connection(port: int, requests: int, latencies: List[float]) -> None:
    """Send requests one after another over one kept-alive connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in range(requests):
        path = PATHS[number % len(PATHS)].format(n=number)
        started = time.perf_counter()
        writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        latencies.append(time.perf_counter() - started)
    writer.close()


async def load(port: int, connections: int, requests: int) -> None:
    """Run all connections and print what they saw."""
    latencies: List[float] = []
    started = time.perf_counter()
    share = requests // connections
    await asyncio.gather(*(connection(port, share, latencies) for _ in range(connections)))
    seconds = time.perf_counter() - started
    latencies.sort()
    at = {percent: latencies[len(latencies) * percent // 100] * 1e3 for percent in (50, 95, 99)}
    shown = ", ".join(f"p{percent} {value:.2f} ms" for percent, value in at.items())
    print(f"{len(latencies)} requests in {seconds:.2f} s: {len(latencies) / seconds:.0f} a second; {shown}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Load the parcel tracker on 127.0.0.1.")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--port", type=int, help="the port that serve.py printed")
    where.add_argument("--serve", action="store_true", help="start serve.py for the length of the load")
    parser.add_argument("--connections", type=int, default=8, choices=range(1, 65), metavar="1..64")
    parser.add_argument("--requests", type=int, default=8000, help="in all, at most 200000")
    arguments = parser.parse_args()
    requests = min(arguments.requests, 200_000)
    if arguments.port is not None:
        asyncio.run(load(arguments.port, arguments.connections, requests))
        return
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "serve.py")
    with subprocess.Popen([sys.executable, script, "--seconds", "120"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline().split()[1])
        asyncio.run(load(port, arguments.connections, requests))
        server.terminate()
        print(f"server: {server.stdout.read().strip()}")


if __name__ == "__main__":
    main()
