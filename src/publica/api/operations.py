"""For those who run the server: is it alive, is it ready, what does it do."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from publica.api.common import problem_answers
from publica.api.serving import Served, Serving
from publica.api.strict import StrictRoute
from publica.http import metrics
from publica.http.problems import HttpProblem
from publica.http.who import Who
from publica.instance.readiness import missing

router = APIRouter(tags=["operations"], route_class=StrictRoute)

LOOPBACK = frozenset({"127.0.0.1", "::1"})
NAMES = LOOPBACK | {"localhost"}
"""What this machine calls itself; a page elsewhere whose name leads here (DNS rebinding) says its own."""
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
"""What a proxy adds: a request with any of these is not the machine's own."""
SCOPE = "metrics"
KEPT_SECONDS = 1.0


class Health(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Readiness(BaseModel):
    """The server can do its work."""

    status: Literal["ready"] = "ready"


class Checked:
    """What was missing a moment ago: looking again at every question would itself be a load."""

    def __init__(self) -> None:
        self._at, self._missing = float("-inf"), list[str]()

    def missing(self, serving: Serving) -> list[str]:
        if not serving.ready:
            return ["stopping"]
        if time.monotonic() - self._at > KEPT_SECONDS:
            self._missing, self._at = missing(serving.instance), time.monotonic()
        return self._missing


async def _checked(request: Request) -> Checked:
    found: Checked = request.app.state.checked
    return found


@router.get("/health")
async def health() -> Health:
    """Whether the process is alive. Looks at nothing else."""
    return Health()


@router.get("/ready", responses=problem_answers(503))
async def ready(serving: Served, checked: Annotated[Checked, Depends(_checked)]) -> Readiness:
    """Whether the server should be sent requests: state, keys and disk work, and it is not stopping."""
    found = await asyncio.get_running_loop().run_in_executor(serving.watch, checked.missing, serving)
    if found:
        raise HttpProblem("unavailable", f"Not ready: {', '.join(found)}.")
    return Readiness()


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {
            "description": "Prometheus text format.",
            "content": {
                "text/plain": {"schema": {"type": "string"}, "example": "publica_uses_running 2.0\n"}
            },
        }
    },
)
def read_metrics(request: Request, caller: Who, serving: Served) -> Response:
    """Metrics, for the machine itself and for tokens with the scope `metrics`."""
    if SCOPE not in caller.scopes and not _is_local(request):
        slug = "forbidden" if caller.signed_in else "sign-in-needed"
        raise HttpProblem(slug, "Metrics are for the machine itself.", do=f"Use a token of scope {SCOPE}.")
    return Response(serving.metrics.text(), media_type=metrics.MEDIA_TYPE)


def _is_local(request: Request) -> bool:
    """Whether it came from this machine, and through no proxy on it."""
    came_from = request.client.host if request.client else ""
    if request.url.hostname not in NAMES:
        return False
    return came_from in LOOPBACK and not any(name in request.headers for name in FORWARDED)
