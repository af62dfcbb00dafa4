"""Structured logs: one JSON object a line, and no personal value in any.

What is logged of a request is its route (the pattern, not the address), its outcome and its cost. Never
logged: statements, keys, query strings, bodies, ids of persons or officials; an address only as a keyed
digest, which tells requests of one client apart for as long as the process runs.
"""

from __future__ import annotations

import hmac
import json
import logging
import secrets
import sys
import time
from typing import Any, TextIO

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from publica.http.headers import request_id
from publica.kernel import clock

LOGGER = logging.getLogger("publica")
GONE = 499
"""Logged as the status of a request whose client went away before an answer."""
METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"})
_SALT = secrets.token_bytes(32)


class Lines(logging.Formatter):
    """A log record as one line of JSON; of an exception its kind and its place, never its words."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {"at": clock.text(clock.now()), "level": record.levelname.lower()}
        told = getattr(record, "fields", None)
        fields |= {"event": record.getMessage()} if told is None else {"event": record.msg, **told}
        if record.exc_info and record.exc_info[0] is not None:
            fields |= {"error": record.exc_info[0].__name__, "place": _place(record.exc_info[2])}
        return json.dumps(fields, ensure_ascii=False, default=str)


def _place(trace: Any) -> str:
    """Where an exception was raised: the last of our own functions."""
    found = ""
    while trace is not None:
        code = trace.tb_frame.f_code
        module = trace.tb_frame.f_globals.get("__name__", "")
        if not found or module.startswith("publica."):
            found = f"{module}:{code.co_name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found


def start(to: TextIO | None = None) -> None:
    """Send our lines, and the server's own, to standard error (or to another stream)."""
    handler = logging.StreamHandler(to or sys.stderr)
    handler.setFormatter(Lines())
    for name, level in (("publica", logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)


def event(what: str, *, level: int = logging.INFO, **fields: object) -> None:
    """Log something that happened. No field may hold a personal value."""
    LOGGER.log(level, what, extra={"fields": fields})


def fault(what: str, **fields: object) -> None:
    """Log the exception being handled: its kind and its place, whoever formats the lines."""
    kind, _, trace = sys.exc_info()
    event(what, level=logging.ERROR, error=kind and kind.__name__, place=_place(trace), **fields)


def client_tag(scope: Scope) -> str | None:
    """A digest of the client's address under a key that ends with the process."""
    client = scope.get("client")
    return hmac.digest(_SALT, str(client[0]).encode(), "sha256")[:6].hex() if client else None


def note_route(scope: Scope, pattern: str) -> None:
    """Keep which route a request takes: by this it is logged and counted."""
    scope.setdefault("state", {})["route"] = pattern


def route_of(scope: Scope) -> str:
    """The pattern of the route that a request took, `/api/v1/uses/{receipt}`; "none" when there was none."""
    return str(scope.get("state", {}).get("route", "none"))


def method_of(scope: Scope) -> str:
    """The method, if it is one that has a meaning: what is written down must not be anybody's text."""
    return scope["method"] if scope["method"] in METHODS else "other"


class Logged:
    """One line for every request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, told = time.perf_counter(), {"status": GONE, "bytes": 0}
        method = method_of(scope)

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                told["status"] = message["status"]
            else:
                told["bytes"] += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, sending)
        finally:
            milliseconds = round((time.perf_counter() - started) * 1000, 1)
            identity, client = request_id(scope), client_tag(scope)
            event(
                "request", request=identity, method=method, route=route_of(scope), **told,
                ms=milliseconds, client=client,
            )  # fmt: skip
