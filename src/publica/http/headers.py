"""Request ids, and the headers of every answer: no sniffing, no framing, no script, no caching."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from publica.http.problems import HttpProblem
from publica.kernel import ids

REQUEST_ID = "X-Request-Id"
MOST_BYTES = 32 * 1024
"""Most bytes of a request's address and headers."""
POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""The content security policy of whatever names no wider one: nothing is loaded, run, sent or framed."""

ALWAYS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
UNLESS_SAID = {"Cache-Control": "no-store", "Content-Security-Policy": POLICY}
"""What a route may say otherwise."""
TLS_ONLY = "max-age=31536000"
"""Strict-Transport-Security, where the server's own address is https."""


def request_id(scope: Scope) -> str:
    """The id of a request, drawn when it is first asked for. One that a client sends is not believed."""
    state = scope.setdefault("state", {})
    if "request_id" not in state:
        state["request_id"] = ids.draw("req")
    return str(state["request_id"])


class Headers:
    """Gives every answer its request id and its security headers."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self.app, self.secure = app, secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        identity = request_id(scope)

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._complete(MutableHeaders(scope=message), identity)
            await send(message)

        await self.app(scope, receive, sending)

    def _complete(self, headers: MutableHeaders, identity: str) -> None:
        headers[REQUEST_ID] = identity
        for name, value in ALWAYS.items():
            headers[name] = value
        for name, value in UNLESS_SAID.items():
            headers.setdefault(name, value)
        if self.secure:
            headers["Strict-Transport-Security"] = TLS_ONLY


class Readable:
    """Refuses addresses that are not UTF-8 or hold control characters, and headers beyond measure."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            require_small(scope)
            require_one_length(scope)
            require_text((scope.get("raw_path") or b"", scope.get("query_string") or b""))
        await self.app(scope, receive, send)


def require_small(scope: Scope) -> None:
    """Raises HttpProblem (431) for an address and headers of more than `MOST_BYTES` together."""
    size = len(scope.get("raw_path") or b"") + len(scope.get("query_string") or b"")
    size += sum(len(name) + len(value) for name, value in scope["headers"])
    if size > MOST_BYTES:
        raise HttpProblem(
            "header-too-large", "The address and headers are too large.", do="Send less in them."
        )


def require_one_length(scope: Scope) -> None:
    """Raises HttpProblem for a body whose length is said twice: a proxy may have read the other one."""
    names = {name for name, _ in scope["headers"]}
    if {b"content-length", b"transfer-encoding"} <= names:
        raise HttpProblem(
            "malformed",
            "The body's length is said twice.",
            do="Send Content-Length or Transfer-Encoding.",
            headers={"Connection": "close"},
        )


def require_text(parts: Iterable[bytes]) -> None:
    """Raises HttpProblem unless each part, once unquoted, is UTF-8 without control characters."""
    for part in parts:
        if b"%" not in part and part.decode("latin-1").isprintable() and part.isascii():
            continue
        try:
            text = unquote_to_bytes(part.replace(b"+", b" ")).decode()
        except UnicodeDecodeError:
            raise HttpProblem("malformed", "The address is not UTF-8.", do="Encode it as UTF-8.") from None
        if any(letter < " " or letter == "\x7f" for letter in text):
            raise HttpProblem("malformed", "The address holds a control character.", do="Leave it out.")
