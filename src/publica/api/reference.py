"""The API's own description: OpenAPI 3.1, complete, and a page made from it that needs no script."""

from __future__ import annotations

import json
from threading import Lock
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi

from publica.api import access, documents
from publica.api.common import problem_answers
from publica.api.described import COMPONENTS, DESCRIPTION, SECURITY, TAGS
from publica.api.page import STYLE_POLICY, page
from publica.api.strict import StrictRoute
from publica.http.headers import POLICY

router = APIRouter(tags=["reference"], route_class=StrictRoute)

ALWAYS = (400, 406, 422, 429, 431)
"""Statuses that every route can give."""
ASKED = (401, 403, 503)
"""Those of routes that look who calls."""
WITH_BODY = (408, 413, 415)
_MAKING = Lock()


@router.get(
    "/openapi.json",
    response_class=Response,
    responses={
        200: {"description": "OpenAPI 3.1.", "content": {"application/json": {"schema": {"type": "object"}}}}
    },
)
def openapi(request: Request) -> Response:
    """This API, described for programs."""
    body = json.dumps(document(request.app), ensure_ascii=False).encode()
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-cache"})


@router.get(
    "/docs",
    response_class=Response,
    responses={200: {"description": "A page.", "content": {"text/html": {"schema": {"type": "string"}}}}},
)
def docs(request: Request) -> Response:
    """This API, described for people."""
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": f"{POLICY}; style-src {STYLE_POLICY}"}
    return Response(page(document(request.app)), media_type="text/html", headers=headers)


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of an application, made when first asked for: it takes longer than the rest."""
    with _MAKING:  # once: it takes seconds, and as many may ask at first as there are threads
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema


def _document(app: FastAPI) -> dict[str, Any]:
    """What the framework finds out, with what every route has in common."""
    made = get_openapi(
        title=app.title, version=app.version, routes=app.routes, description=DESCRIPTION, tags=TAGS
    )
    components = made.setdefault("components", {})
    components.setdefault("schemas", {}).update({**COMPONENTS, **documents.components()})
    components["securitySchemes"] = SECURITY
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    for path, operations in made["paths"].items():
        for method, operation in operations.items():
            _complete((method.upper(), path), operation)
    return made


def _complete(route: access.Route, operation: dict[str, Any]) -> None:
    """Add to one operation what every route of its kind answers, and who may call it."""
    pattern = _pattern(route)
    allowed = access.TABLE[pattern]
    statuses = [*ALWAYS, *(() if pattern in access.UNASKED else ASKED)]
    statuses += WITH_BODY if "requestBody" in operation else ()
    answers = operation["responses"]
    if "application/problem+json" not in answers.get("422", {}).get("content", {}):
        answers.pop("422", None)
    for status, answer in problem_answers(*statuses).items():
        answers.setdefault(str(status), answer)
    operation["responses"] = dict(sorted(answers.items()))
    operation["x-roles"] = [name for name in access.CLASSES if name in allowed]
    if pattern in access.UNASKED:
        operation["security"] = []
    else:
        schemes: list[dict[str, list[str]]] = [{name: []} for name in SECURITY]
        operation["security"] = [{}, *schemes] if access.ANONYMOUS in allowed else schemes


def _pattern(route: access.Route) -> access.Route:
    """The route as the table of access has it: OpenAPI leaves out that a part may hold slashes."""
    for known in access.TABLE:
        if (known[0], known[1].replace(":path}", "}")) == route:
            return known
    return route
