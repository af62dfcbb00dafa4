"""One name: a browser that comes by another name of this machine is led to the one that pages go by."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from publica.instance.serving import is_loopback

NAMES = ("localhost", "127.0.0.1", "[::1]")
"""What browsers call the machine that they are on."""


class OneName:
    """Leads browsers that ask for a page at another name of this machine to the server's `origin`.

    Cookies, and where a form may come from, go by the origin: elsewhere pages would show, and their forms be
    refused. Programs, which take no HTML, are left alone.
    """

    def __init__(self, app: ASGIApp, *, origin: str) -> None:
        self.app, self.origin, self.others = app, origin, others(origin)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.others and scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            headers = Headers(scope=scope)
            if headers.get("host", "") in self.others and "text/html" in headers.get("accept", ""):
                await RedirectResponse(self.origin + _target(scope))(scope, receive, send)
                return
        await self.app(scope, receive, send)


def others(origin: str) -> frozenset[str]:
    """The other names, with the port, of an origin on this machine; none of any other origin."""
    parts = urlsplit(origin)
    if not is_loopback(origin):
        return frozenset()
    port = "" if parts.port is None else f":{parts.port}"
    return frozenset(name + port for name in NAMES) - {parts.netloc}


def _target(scope: Scope) -> str:
    """Path and query, as they were sent."""
    query = scope.get("query_string", b"").decode("latin-1")
    path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    return f"{path}?{query}" if query else path
