"""The application: every route, what stands before them, and nothing that is not in the table of access."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from starlette.middleware import Middleware

from publica import __version__
from publica.api import (
    access,
    datasets,
    errors,
    ledger,
    me,
    operations,
    oversight,
    proposals,
    records,
    reference,
    requests,
    rights,
    signin,
    tokens,
    tracker,
    uses,
)
from publica.api.gate import Gate, Routes, admitted, most_bytes, require_access
from publica.api.operations import Checked
from publica.api.serving import Serving
from publica.http.headers import Headers, Readable
from publica.http.limits import Bodies, Rates
from publica.http.logs import Logged
from publica.http.metrics import Measured
from publica.http.names import OneName
from publica.http.who import Identity
from publica.instance import Instance

V1 = (
    uses.router,
    requests.router,
    rights.router,
    oversight.router,
    proposals.router,
    records.router,
    datasets.router,
    me.router,
    ledger.router,
    signin.router,
    tokens.router,
)
"""Routers under /api/v1."""
ROOT = (signin.pages, tracker.router, operations.router, reference.router)
"""Routers that stand at the root."""


def create_app(
    instance: Instance,
    *,
    identity: Identity | None = None,
    serving: Serving | None = None,
    routers: Sequence[APIRouter] = (),
    error_page: errors.ErrorPage | None = None,
) -> FastAPI:
    """The application that serves an instance.

    `identity` tells who calls; by the settings alone when left out. `routers`: further ones, such as pages;
    what they serve must be in the table of access, too. Raises RuntimeError for a route that is not.
    `error_page` makes pages of problems for browsers.
    """
    identity, serving = identity or Identity(instance), serving or Serving(instance)
    app = _bare(_before(instance, identity, serving))
    app.state.instance, app.state.identity, app.state.serving = instance, identity, serving
    app.state.checked = Checked()
    _include(app, routers)
    errors.install(app, error_page)
    app.state.routes = Routes(app)
    require_access(app.state.routes.all)
    return app


def document() -> dict[str, Any]:
    """The OpenAPI document of the API, of no instance in particular."""
    app = _bare([])
    _include(app, ())
    return reference.document(app)


def _bare(before: Sequence[Middleware]) -> FastAPI:
    return FastAPI(
        title="Publica",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        middleware=before,
    )


def _include(app: FastAPI, routers: Sequence[APIRouter]) -> None:
    for router in V1:
        app.include_router(router, prefix=access.V1, dependencies=[Depends(admitted)])
    for router in (*ROOT, *routers):
        app.include_router(router, dependencies=[Depends(admitted)])


def _before(instance: Instance, identity: Identity, serving: Serving) -> list[Middleware]:
    """What a request passes on its way in, the outermost first."""
    rates, serve = instance.settings.rates, instance.settings.serve
    return [
        Middleware(Headers, secure=identity.origin.startswith("https://")),
        Middleware(Logged),
        Middleware(Measured, metrics=serving.metrics),
        Middleware(errors.Answered),
        Middleware(
            Rates,
            limiter=identity.limiter,
            per_minute=rates.address_per_minute,
            trusted=serve.trusted_proxies,
        ),
        Middleware(Readable),
        Middleware(OneName, origin=identity.origin),
        Middleware(Bodies, most=most_bytes(serve.body_bytes), seconds=serve.body_seconds),
        Middleware(Gate),
    ]
