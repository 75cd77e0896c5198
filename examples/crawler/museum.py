"""A generated web site, served on loopback for the crawler: pages of a museum's catalogue that link to each other."""

from __future__ import annotations

import asyncio
import random
from typing import Tuple

_WORDS = "amphora bronze canvas drawing etching fresco gouache icon jade kiln linen mosaic niello ochre plinth".split()


def page(number: int, pages: int) -> str:
    """Return page ``number``'s HTML; the same for the same number."""
    rng = random.Random(number)
    links = "".join(f'<li><a href="/object/{rng.randrange(pages)}">related</a></li>\n' for _ in range(6))
    paragraphs = "".join(f"<p>{' '.join(rng.choices(_WORDS, k=60))}</p>\n" for _ in range(12))
    following = (number + 1) % pages
    return (
        f"<html><head><title>Object {number}</title></head><body><h1>Object {number}</h1>\n{paragraphs}"
        f'<ul>{links}</ul><a href="/object/{following}">next</a></body></html>'
    )


class Site:
    """Serves ``pages`` pages; each answer takes a few milliseconds, as a distant server's would."""

    def __init__(self, pages: int) -> None:
        self._pages = pages

    async def start(self) -> Tuple[asyncio.AbstractServer, int]:
        """Listen on a free port of 127.0.0.1 and return the server and the port."""
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        return server, int(server.sockets[0].getsockname()[1])

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        number = int(head.split(" ")[1].rsplit("/", 1)[1])
        await asyncio.sleep(0.003 + 0.004 * (number % 3))
        body = page(number, self._pages).encode()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()
