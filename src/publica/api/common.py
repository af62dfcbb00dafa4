"""What every router needs: the instance, the problems that a route can answer with, and ETags."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request

from publica.http.problems import KINDS, MEDIA_TYPE, TYPE
from publica.instance import Instance


async def _opened(request: Request) -> Instance:  # not async, it would go through a thread for each request
    found: Instance = request.app.state.instance
    return found


Opened = Annotated[Instance, Depends(_opened)]
"""The instance that is served."""


def problem_answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route for these statuses: every kind of problem of each, with an example."""
    return {status: _answer(status) for status in statuses}


def _answer(status: int) -> dict[str, Any]:
    kinds = [kind for kind in KINDS.values() if kind.status == status]
    examples = {
        kind.slug: {
            "summary": kind.when,
            "value": {"type": TYPE + kind.slug, "title": kind.title, "status": status, "detail": kind.when},
        }
        for kind in kinds
    }
    schema = {
        "type": "object",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string", "enum": [kind.uri for kind in kinds]},
            "title": {"type": "string"},
            "status": {"type": "integer", "const": status},
            "detail": {"type": "string"},
        },
    }
    title = "; ".join(kind.title for kind in kinds)
    return {"description": title, "content": {MEDIA_TYPE: {"schema": schema, "examples": examples}}}


def etag_matches(if_none_match: str | None, tag: str) -> bool:
    """Whether a request's `If-None-Match` names this ETag, or any (RFC 9110, section 13.1.2)."""
    if if_none_match is None:
        return False
    given = [each.strip().removeprefix("W/") for each in if_none_match.split(",")]
    return "*" in given or tag in given
