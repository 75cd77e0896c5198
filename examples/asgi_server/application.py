"""A parcel tracker: three routes, one of which (`/label`) blocks the event loop with CPU work."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Any, Awaitable, Callable, Dict, Tuple
from urllib.parse import parse_qs

from http1 import Receive, Send

_DEPOTS = ("Antwerp", "Basel", "Cork", "Dresden", "Eindhoven", "Florence", "Ghent")
Handler = Callable[[Dict[str, str]], Awaitable[Tuple[int, Any]]]


async def status(query: Dict[str, str]) -> Tuple[int, Any]:
    """Where a parcel is: cheap."""
    parcel = query.get("parcel", "")
    digest = hashlib.sha256(parcel.encode()).digest()
    events = [{"depot": _DEPOTS[byte % len(_DEPOTS)], "hour": index * 7} for index, byte in enumerate(digest[:6])]
    return 200, {"parcel": parcel, "events": events}


async def quote(query: Dict[str, str]) -> Tuple[int, Any]:
    """What a parcel costs: waits for a price list, as for a database."""
    await asyncio.sleep(0.005)
    grams = int(query.get("grams", "500"))
    return 200, {"grams": grams, "cents": 450 + grams // 10}


def label_checksum(parcel: str) -> str:
    """The label's check digits, in pure Python: the hot spot of this application."""
    value = 7
    for round_number in range(60):
        for character in parcel:
            value = (value * 31 + ord(character) + round_number) % 9_999_991
    return f"{value:07d}"


async def label(query: Dict[str, str]) -> Tuple[int, Any]:
    """A printable label: never awaits, so nobody else is served meanwhile."""
    parcel = query.get("parcel", "")
    return 200, {"parcel": parcel, "check": label_checksum(parcel * 4)}


ROUTES: Dict[str, Handler] = {"/status": status, "/quote": quote, "/label": label}


async def application(scope: Dict[str, Any], receive: Receive, send: Send) -> None:
    """The ASGI application."""
    await receive()
    handler = ROUTES.get(scope["path"])
    query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
    code, document = await handler(query) if handler else (404, {"error": "no such page"})
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": code, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(document).encode()})
