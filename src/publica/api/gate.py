"""The gate: which route a request is for, and whether its caller gets that far, before its body is read.

Routes are resolved here from one list, in the framework's own order. What is not in it does not exist (404);
a method that a route lacks is refused with those it has (405). HEAD is GET without the body, OPTIONS says
which methods there are. Then the table of access decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.routing import iter_route_contexts
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from publica.api import access
from publica.api.access import Route
from publica.http.csrf import is_form
from publica.http.logs import note_route
from publica.http.problems import HttpProblem
from publica.http.who import caller
from publica.kernel.documents import MAX_BYTES
from publica.kernel.errors import IntegrityBroken

KIB = 1024
USUAL_BYTES, STATEMENT_BYTES = 64 * KIB, 256 * KIB
LARGER: dict[Route, int] = {
    ("POST", f"{access.V1}/uses"): STATEMENT_BYTES,
    ("POST", f"{access.V1}/uses/explain"): STATEMENT_BYTES,
    ("POST", "/workbench"): STATEMENT_BYTES,
    ("POST", "/workbench/download"): STATEMENT_BYTES,
    ("POST", f"{access.V1}/records/diff"): MAX_BYTES,
    ("POST", f"{access.V1}/records/proposals"): MAX_BYTES,
}
"""Routes that take more than the usual bytes of a body. What is small is read where all requests pass, in
milliseconds; what is not (documents) is read aside."""


@dataclass(frozen=True)
class Known:
    """One route as the framework has it."""

    pattern: str
    regex: re.Pattern[str]
    methods: frozenset[str]
    endpoint: Callable[..., Any]


class Routes:
    """Every route of an application, in the order in which they are tried."""

    def __init__(self, app: FastAPI) -> None:
        self.known = tuple(_known(context) for context in iter_route_contexts(app.routes))

    @property
    def all(self) -> set[Route]:
        """Method and pattern of every route."""
        return {(method, route.pattern) for route in self.known for method in route.methods}

    def find(self, method: str, path: str) -> Known | None:
        """The route that a request takes; None when there is none for that method."""
        return next((r for r in self.known if method in r.methods and r.regex.match(path)), None)

    def methods(self, path: str) -> list[str]:
        """The methods that there are for a path; none where there is nothing."""
        found = {method for route in self.known if route.regex.match(path) for method in route.methods}
        return sorted({*found, "OPTIONS", *(["HEAD"] if "GET" in found else [])}) if found else []


def _known(context: Any) -> Known:
    path_regex = getattr(context, "path_regex", None)
    if context.path is None or path_regex is None or context.endpoint is None:
        raise RuntimeError(f"{context.path or context} is no route that the gate could guard.")
    return Known(context.path, path_regex, frozenset(context.methods or ()), context.endpoint)


def most_bytes(most: int) -> Callable[[Scope], int]:
    """How many bytes the body of a request may have, by its route; never more than `most`."""

    def of(scope: Scope) -> int:
        return min(most, LARGER.get((scope["method"], scope["path"]), USUAL_BYTES))

    return of


def require_access(found: Iterable[Route]) -> None:
    """Raises RuntimeError for a route that the table of access does not have."""
    unknown = sorted(set(found) - set(access.TABLE))
    if unknown:
        raise RuntimeError(f"These routes are not in the table of access: {unknown}.")


class Gate:
    """Lets a request through to the route that it is for."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method, routes = scope["method"], _routes(scope)
        found = routes.find("GET" if method == "HEAD" else method, scope["path"])
        if found is None:
            await _otherwise(method, routes.methods(scope["path"]), send)
            return
        asked = {**scope, "method": "GET"} if method == "HEAD" else scope
        note_route(scope, found.pattern)
        scope["state"]["endpoint"] = found.endpoint
        if not is_form(
            Request(scope)
        ):  # the form may hold what shows that it is a page of ours; the handler has it
            await admit(Request(asked, receive))
        await self.app(asked, receive, _without_body(send) if method == "HEAD" else send)


async def admitted(request: Request) -> None:
    """Before every handler, once more: that it is the one that the gate let the caller through to."""
    if request.scope.get("endpoint") is not request.scope["state"].get("endpoint"):
        raise IntegrityBroken("A request came to another handler than it was let through to.")
    await admit(request)


async def admit(request: Request) -> None:
    """Raises HttpProblem unless the caller may take the route that the request was found to be for."""
    route = request.method, request.scope["state"]["route"]
    if route not in access.UNASKED:
        access.require(await caller(request), route)


def nothing_here() -> HttpProblem:
    """What is said of an address without a route."""
    return HttpProblem("not-found", "There is no such address.", do="See /docs for those there are.")


async def _otherwise(method: str, methods: list[str], send: Send) -> None:
    """OPTIONS is answered; anything else is a problem."""
    if not methods:
        raise nothing_here()
    allow = ", ".join(methods)
    if method != "OPTIONS":
        raise HttpProblem(
            "method-not-allowed",
            "This address does not take that method.",
            do=f"It takes: {allow}.",
            headers={"Allow": allow},
        )
    await send({"type": "http.response.start", "status": 204, "headers": [(b"allow", allow.encode())]})
    await send({"type": "http.response.body", "body": b""})


def _without_body(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] != "http.response.body":
            await send(message)
        elif not message.get("more_body", False):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return sending


def _routes(scope: Scope) -> Routes:
    found: Routes = scope["app"].state.routes
    return found
