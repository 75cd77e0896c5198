"""Crawl the museum's site with a few asyncio workers and count its words. Loopback only; stops after all pages."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections import Counter
from html.parser import HTMLParser
from typing import Counter as Counts
from typing import List, Optional, Set, Tuple

from museum import Site


class PageParser(HTMLParser):
    """Collects a page's links and words."""

    def __init__(self) -> None:
        super().__init__()
        self.links: List[str] = []
        self.words: Counts[str] = Counter()

    def handle_starttag(self, tag: str, attributes: List[Tuple[str, Optional[str]]]) -> None:
        if tag == "a":
            self.links.extend(value for name, value in attributes if name == "href" and value)

    def handle_data(self, data: str) -> None:
        self.words.update(data.split())


async def fetch(port: int, path: str) -> str:
    """Return the page at ``path``."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
    response = await reader.read()
    writer.close()
    return response.partition(b"\r\n\r\n")[2].decode()


class Crawler:
    """Visits every page that can be reached, each once."""

    def __init__(self, port: int, workers: int) -> None:
        self._port = port
        self._workers = workers
        self._seen: Set[str] = set()
        self._waiting: "asyncio.Queue[str]"
        self.words: Counts[str] = Counter()
        self.visited = 0

    async def crawl(self, start: str) -> None:
        """Visit ``start`` and all that it leads to."""
        self._waiting = asyncio.Queue()
        self._enqueue(start)
        workers = [asyncio.ensure_future(self._work()) for _ in range(self._workers)]
        await self._waiting.join()
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    def _enqueue(self, path: str) -> None:
        if path not in self._seen:
            self._seen.add(path)
            self._waiting.put_nowait(path)

    async def _work(self) -> None:
        while True:
            path = await self._waiting.get()
            try:
                self._read(await fetch(self._port, path))
            finally:
                self._waiting.task_done()

    def _read(self, html: str) -> None:
        parser = PageParser()
        parser.feed(html)
        for link in parser.links:
            self._enqueue(link)
        self.words.update(parser.words)
        self.visited += 1


async def main(pages: int, workers: int) -> None:
    server, port = await Site(pages).start()
    crawler = Crawler(port, workers)
    started = time.perf_counter()
    await crawler.crawl("/object/0")
    seconds = time.perf_counter() - started
    server.close()
    print(f"{crawler.visited} pages in {seconds:.2f} s; commonest words: {crawler.words.most_common(3)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Crawl a generated site on 127.0.0.1.")
    parser.add_argument("--pages", type=int, default=2500, help="at most 20000")
    parser.add_argument("--workers", type=int, default=6, choices=range(1, 33), metavar="1..32")
    arguments = parser.parse_args()
    asyncio.run(main(min(arguments.pages, 20_000), arguments.workers))
