"""A small HTTP server and its load in one: `http_server.py [--requests N] [--connections C]`.

The server (asyncio, loopback, this process) answers `/` by building a page in `render`; the load comes from a child
process with a fixed number of requests. Prints {"wall", "cpu", "result"}: the server's own times for all requests.
"""

import argparse
import asyncio
import html
import json
import os
import sys
import time


def render(number):
    names = (html.escape(f"item <{number + index}>") for index in range(40))
    rows = "".join(f"<tr><td>{index}</td><td>{name}</td></tr>" for index, name in enumerate(names))
    return f"<html><body><table>{rows}</table></body></html>"


async def answer(reader, writer, state):
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            number = int(head.split(b" ", 2)[1].rpartition(b"/")[2] or 0)
            body = render(number).encode()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()
            state["answered"] += 1
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def load(port, requests, connections):
    async def one(count):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in range(count):
            writer.write(b"GET /%d HTTP/1.1\r\nhost: localhost\r\n\r\n" % number)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
        writer.close()

    await asyncio.gather(*(one(requests // connections) for _ in range(connections)))


async def main(requests, connections):
    state = {"answered": 0}
    server = await asyncio.start_server(lambda reader, writer: answer(reader, writer, state), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    command = ["--load", str(port), "--requests", str(requests), "--connections", str(connections)]
    wall, cpu = time.perf_counter(), time.process_time()
    child = await asyncio.create_subprocess_exec(sys.executable, os.path.abspath(__file__), *command)
    await child.wait()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    server.close()
    print(json.dumps({"wall": wall, "cpu": cpu, "result": state["answered"]}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--load", type=int, metavar="PORT", help="be the load of the server at this port")
    arguments = parser.parse_args()
    if arguments.load:
        asyncio.run(load(arguments.load, arguments.requests, arguments.connections))
    else:
        asyncio.run(main(arguments.requests, arguments.connections))
