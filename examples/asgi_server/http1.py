"""A small HTTP/1.1 server for one ASGI application: asyncio streams, keep-alive, no TLS, loopback only."""

from __future__ import annotations

import asyncio
from typing import Any, Awaitable, Callable, Dict, List, MutableMapping, Optional, Tuple

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Dict[str, Any], Receive, Send], Awaitable[None]]

_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 500: "Internal Server Error"}
_LARGEST_BODY = 1 << 20


class BadRequest(Exception):
    """The peer sent something that is not HTTP/1.1 as this server understands it."""


async def read_request(reader: asyncio.StreamReader) -> Optional[Tuple[Dict[str, Any], bytes]]:
    """Return the next request's ASGI scope and body, or None when the peer has closed."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    request_line, *header_lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    try:
        method, target, version = request_line.split(" ")
        headers: List[Tuple[bytes, bytes]] = []
        for line in header_lines:
            name, value = line.split(":", 1)
            headers.append((name.strip().lower().encode("latin-1"), value.strip().encode("latin-1")))
        length = int(dict(headers).get(b"content-length", b"0"))
    except ValueError as error:
        raise BadRequest(str(error)) from error
    if version != "HTTP/1.1" or not 0 <= length <= _LARGEST_BODY:
        raise BadRequest(request_line)
    path, _, query = target.partition("?")
    scope: Dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "query_string": query.encode("latin-1"),
        "headers": headers,
    }
    return scope, await reader.readexactly(length)


class _Exchange:
    """One request and its response, as ASGI's receive and send."""

    def __init__(self, body: bytes, writer: asyncio.StreamWriter) -> None:
        self._body = body
        self._writer = writer
        self._status = 500
        self._headers: List[Tuple[bytes, bytes]] = []
        self._chunks: List[bytes] = []

    async def receive(self) -> Message:
        return {"type": "http.request", "body": self._body, "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], list(message.get("headers", []))
            return
        self._chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            await self._write()

    async def _write(self) -> None:
        body = b"".join(self._chunks)
        lines = [f"HTTP/1.1 {self._status} {_REASONS.get(self._status, 'Unknown')}".encode("latin-1")]
        lines += [name + b": " + value for name, value in self._headers]
        lines += [b"content-length: %d" % len(body), b"", b""]
        self._writer.write(b"\r\n".join(lines) + body)
        await self._writer.drain()


class Server:
    """Serves an application until closed, and counts what it answered."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._server: Optional[asyncio.AbstractServer] = None
        self.answered = 0

    async def start(self, port: int = 0) -> int:
        """Listen on 127.0.0.1 and return the port (a free one when ``port`` is 0)."""
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", port)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = await read_request(reader)
                if request is None:
                    break
                scope, body = request
                exchange = _Exchange(body, writer)
                await self._application(scope, exchange.receive, exchange.send)
                self.answered += 1
        except (BadRequest, ConnectionError):
            pass
        finally:
            writer.close()
