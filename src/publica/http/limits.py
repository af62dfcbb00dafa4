"""Limits of what anybody may ask: how often, from where, and how large and slow a request's body may be."""

from __future__ import annotations

import asyncio
import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from publica.http import problems
from publica.http.headers import request_id
from publica.http.problems import HttpProblem

MOST_KEPT = 100_000
"""Buckets kept at once: those used longest ago are forgotten, which are full again as a rule."""
SIX = 64
"""Bits of an IPv6 address that count: whoever has a network has all of its addresses."""
UNKNOWN = "unknown"


class Limiter:
    """Token buckets, one per key: `per_minute` at once, filled again over a minute."""

    def __init__(self, most: int = MOST_KEPT, now: Callable[[], float] = time.monotonic) -> None:
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()  # what is left, as of when
        self._most, self._now, self._lock = most, now, threading.Lock()

    def take(self, key: Hashable, per_minute: int) -> int | None:
        """Take one. None when there was one, else the seconds (1 or more) until there is."""
        with self._lock:
            now = self._now()
            left, at = self._buckets.pop(key, (float(per_minute), now))
            left = min(float(per_minute), left + (now - at) * per_minute / 60)
            enough = left >= 1
            self._buckets[key] = (left - 1 if enough else left, now)
            while len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        return None if enough else max(1, math.ceil((1 - left) * 60 / per_minute))

    def require(self, key: Hashable, per_minute: int) -> None:
        """Take one. Raises HttpProblem (429) when there is none."""
        after = self.take(key, per_minute)
        if after is not None:
            raise too_many(after)

    def __len__(self) -> int:
        return len(self._buckets)


def too_many(after: int) -> HttpProblem:
    """The problem of asking too often; there is room again after some seconds."""
    return HttpProblem(
        "too-many",
        "Too many requests.",
        do=f"Wait {after} seconds.",
        headers={"Retry-After": str(after)},
    )


def address(scope: Scope, trusted: Sequence[str]) -> str:
    """Where a request comes from, as far as that can be known: text that is the same for the same client.

    `X-Forwarded-For` is read from the right, as far as trusted proxies wrote it.
    """
    client = scope.get("client")
    at = _parsed(client[0]) if client else None
    networks = [ipaddress.ip_network(name) for name in trusted]
    if at is not None and _within(at, networks):
        for named in reversed(_forwarded(scope)):
            found = _parsed(named)
            if found is None:
                break
            at = found
            if not _within(at, networks):
                break
    if at is None:
        return UNKNOWN
    if at.version == 6:
        return str(ipaddress.ip_network((at, SIX), strict=False))
    return str(at)


class Rates:
    """Refuses an address that asks too often, before anything else is done."""

    def __init__(self, app: ASGIApp, *, limiter: Limiter, per_minute: int, trusted: Sequence[str]) -> None:
        self.app, self.limiter, self.per_minute, self.trusted = app, limiter, per_minute, trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            came_from = scope.setdefault("state", {})["address"] = address(scope, self.trusted)
            after = self.limiter.take(("address", came_from), self.per_minute)
            if after is not None:
                await _answer(too_many(after), scope, receive, send)
                return
        await self.app(scope, receive, send)


class Bodies:
    """Refuses bodies that are too large (413), or that take too long to arrive (408).

    `most`: how many bytes a request may have, by where it goes.
    """

    def __init__(self, app: ASGIApp, *, most: Callable[[Scope], int], seconds: float) -> None:
        self.app, self.most, self.seconds = app, most, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most = self.most(scope)
        if _announced(scope) > most:
            await _answer(too_large(most), scope, receive, send)
            return
        body = _Body(receive, send, most, self.seconds)
        try:
            await self.app(scope, body.receive, body.send)
        except Exception:
            if body.cut is None or body.started:
                raise
        if body.cut is not None and not body.started:
            await _answer(body.cut, scope, receive, send)


def too_large(most: int) -> HttpProblem:
    """The problem of a body of more than `most` bytes."""
    return HttpProblem(
        "too-large",
        f"The body is larger than {most} bytes.",
        do="Send less at once.",
        headers={"Connection": "close"},
    )


def too_slow(seconds: float) -> HttpProblem:
    """The problem of a body that took longer to arrive."""
    return HttpProblem(
        "too-slow",
        f"The body did not arrive within {seconds:g} seconds.",
        do="Send it again.",
        headers={"Connection": "close"},
    )


class _Body:
    """One request's body as it comes in. Once it is `cut`, whatever the handler answers is left out."""

    def __init__(self, receive: Receive, send: Send, most: int, seconds: float) -> None:
        self._receive, self._send, self._most, self._seconds = receive, send, most, seconds
        self._size, self._whole = 0, False
        self._deadline = time.monotonic() + seconds
        self.cut: HttpProblem | None = None
        self.started = False

    async def receive(self) -> Message:
        """The next part. Raises HttpProblem past a limit."""
        if self._whole:
            return await self._receive()
        try:
            left = self._deadline - time.monotonic()
            message = await asyncio.wait_for(self._receive(), max(left, 0.001))
        except TimeoutError:
            self.cut = too_slow(self._seconds)
            raise self.cut from None
        self._size += len(message.get("body", b""))
        if self._size > self._most:
            self.cut = too_large(self._most)
            raise self.cut
        self._whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if self.cut is not None and not self.started:
            return
        self.started = True
        await self._send(message)


async def _answer(problem: HttpProblem, scope: Scope, receive: Receive, send: Send) -> None:
    await problems.of(problem).response(request_id(scope))(scope, receive, send)


def _announced(scope: Scope) -> int:
    length = HTTPConnection(scope).headers.get("content-length", "0")
    return int(length) if length.isascii() and length.isdigit() else 0


def _forwarded(scope: Scope) -> list[str]:
    given = HTTPConnection(scope).headers.getlist("x-forwarded-for")
    return [part.strip() for line in given for part in line.split(",")]


def _parsed(text: str) -> Any:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _within(at: Any, networks: Iterable[Any]) -> bool:
    return any(at.version == network.version and at in network for network in networks)
