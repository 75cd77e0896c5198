"""Serve the parcel tracker on loopback for a bounded time; print the port, and at the end the number of answers.

With uvicorn installed the same application runs as `uvicorn application:application`.
"""

from __future__ import annotations

import argparse
import asyncio
import signal

from application import application
from http1 import Server


async def serve(port: int, seconds: float) -> None:
    """Serve until SIGTERM, SIGINT or the end of the time."""
    server = Server(application)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    print(f"port {await server.start(port)}", flush=True)
    try:
        await asyncio.wait_for(stopped.wait(), seconds)
    except asyncio.TimeoutError:
        pass
    await server.close()
    print(f"answered {server.answered}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the parcel tracker on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--seconds", type=float, default=60.0, help="stop by itself after this time")
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.port, arguments.seconds))


if __name__ == "__main__":
    main()
