"""Every error of a request as a problem document; what nobody foresaw is a fault, told only to the log."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from publica.api.gate import nothing_here
from publica.http import logs, problems
from publica.http.fair import ClientGone
from publica.http.headers import request_id
from publica.http.problems import HttpProblem, Problem
from publica.kernel.errors import MOST_LISTED, IntegrityBroken, PublicaError

ErrorPage = Callable[[Scope, Problem], Response | None]
"""Makes a page of a problem, for a client that wants one."""
_MESSAGE = re.compile(r"[^\n]{1,300}")


def install(app: FastAPI, page: ErrorPage | None = None) -> None:
    """Answer every error of `app` with a problem; with a page where `page` makes one of it."""
    app.state.error_page = page
    app.add_exception_handler(PublicaError, _known)
    app.add_exception_handler(RequestValidationError, _unfit)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(ClientGone, _gone)


async def _known(request: Request, error: Exception) -> Response:
    if not isinstance(error, PublicaError):
        raise error
    return _answer(request.scope, problem_of(error))


async def _unfit(request: Request, error: Exception) -> Response:
    details = error.errors() if isinstance(error, RequestValidationError) else []
    shown = details[:MOST_LISTED]
    return _answer(request.scope, problems.unfit((_where(each["loc"]), _what(each)) for each in shown))


async def _plain(request: Request, error: Exception) -> Response:
    """What the framework itself raises, such as for an unreadable body."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    known = {
        400: HttpProblem("malformed", "The body cannot be read.", do="Correct it and send it again."),
        404: nothing_here(),
        413: HttpProblem("too-large", "The body is too large.", do="Send less at once."),
        415: HttpProblem("unsupported-media-type", "The body's Content-Type is not taken."),
    }
    return _answer(request.scope, problem_of(known[status]) if status in known else problems.fault())


async def _gone(_request: Request, _error: Exception) -> Response:
    return Response(status_code=logs.GONE)


def problem_of(error: PublicaError) -> Problem:
    """The problem of an error; one that somebody must look into is logged."""
    if isinstance(error, IntegrityBroken):
        logs.fault("integrity")
    return problems.of(error)


def _answer(scope: Scope, problem: Problem) -> Response:
    """The problem's document; a page, for a browser, where the application has pages."""
    page: ErrorPage | None = getattr(scope["app"].state, "error_page", None)
    made = None if page is None else page(scope, problem)
    return problem.response(request_id(scope)) if made is None else made


def _where(loc: tuple[Any, ...]) -> str:
    """Where in a request something is wrong: our names and positions, never what was sent as a name."""
    names = [str(part) if isinstance(part, int) else part[:60] for part in loc if part is not None]
    return ".".join(name if name.isprintable() else "…" for name in names) or "request"


def _what(detail: dict[str, Any]) -> str:
    """What is wrong, in the validator's words, which do not repeat what was sent."""
    found = _MESSAGE.match(str(detail.get("msg", "")))
    return (found.group() if found else "it does not fit").rstrip(".")


class Answered:
    """The last net: what comes out of the application leaves as a problem; no exception goes further."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except ClientGone:
            return
        except PublicaError as error:
            problem = problem_of(error)
        except Exception:  # noqa: BLE001 (no traceback may reach a client, or a log as it is)
            logs.fault("fault", request=request_id(scope), route=logs.route_of(scope))
            problem = problems.fault()
        else:
            return
        if not started and scope["type"] == "http":
            await _answer(scope, problem)(scope, receive, send)
