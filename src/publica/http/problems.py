"""Problems (RFC 9457): the one form of every error over HTTP, made from the one error tree.

Every kind of problem has a stable type URI, `urn:publica:problem:<slug>`, a status and a title.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from publica.kernel.decision import Clause
from publica.kernel.errors import (
    MOST_LISTED,
    BadInput,
    IntegrityBroken,
    PublicaError,
    Refused,
    TimedOut,
    Unavailable,
)
from publica.wording import sentence

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:publica:problem:"
INSTANCE = "urn:publica:request:"
RETRY_SECONDS = 5
"""What `Retry-After` says unless something better is known."""


@dataclass(frozen=True)
class Kind:
    """One kind of problem: its stable slug, its status, its title, and when it comes."""

    slug: str
    status: int
    title: str
    when: str

    @property
    def uri(self) -> str:
        return TYPE + self.slug


_ALL = (
    Kind("malformed", 400, "The request cannot be read", "It is not what HTTP, UTF-8, JSON or YAML ask for."),
    Kind(
        "sign-in-needed", 401, "Sign in first", "Nobody is signed in, or the token or session is not valid."
    ),
    Kind("refused", 403, "The use is refused", "A decision said no; `clauses` say what is missing."),
    Kind("forbidden", 403, "Not yours to do", "Your roles, or the token's scope, do not allow it."),
    Kind("not-found", 404, "There is nothing here", "It is not there, or you may not know that it is."),
    Kind("method-not-allowed", 405, "Not done this way", "The route has other methods; see `Allow`."),
    Kind("not-acceptable", 406, "Not available in that form", "None of the forms that `Accept` names."),
    Kind("too-slow", 408, "The request took too long to arrive", "The body came in too slowly."),
    Kind("conflict", 409, "It is not so any more", "The state moved on; look again, then decide."),
    Kind("too-large", 413, "The request is too large", "The body is larger than the limit."),
    Kind(
        "unsupported-media-type", 415, "Not readable in that form", "The body's `Content-Type` is not taken."
    ),
    Kind(
        "bad-input", 422, "The request cannot be done", "It was understood, and what it says does not hold."
    ),
    Kind(
        "limit-reached",
        422,
        "The answer takes more than one use may",
        "A limit of time, memory, rows or bytes.",
    ),
    Kind(
        "key-reused", 422, "The key was used for another request", "`Idempotency-Key` came with another body."
    ),
    Kind(
        "too-many", 429, "Too many requests", "More than one caller may make; wait for `Retry-After` seconds."
    ),
    Kind("header-too-large", 431, "The request's headers are too large", "Headers beyond the limit."),
    Kind("fault", 500, "A fault inside Publica", "Please report it, with the request's id."),
    Kind(
        "integrity", 500, "What is stored contradicts the ledger", "Nothing leaves until somebody has looked."
    ),
    Kind(
        "unavailable", 503, "Not now", "Something is missing for the moment; wait for `Retry-After` seconds."
    ),
)

KINDS: dict[str, Kind] = {kind.slug: kind for kind in _ALL}
"""Every kind of problem by its slug."""


class HttpProblem(PublicaError):
    """A problem of the request itself, by the slug of its kind."""

    def __init__(
        self, slug: str, what: str, *, do: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        self.kind, self.headers = KINDS[slug], dict(headers or {})
        super().__init__(what, do=do)


@dataclass(frozen=True)
class Problem:
    """One problem as it leaves: its kind, a sentence or two, further members, headers."""

    kind: Kind
    detail: str
    members: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_json(self, request: str | None) -> dict[str, Any]:
        """The problem's document; `request` is the request's id."""
        told = {"type": self.kind.uri, "title": self.kind.title, "status": self.kind.status}
        instance = {} if request is None else {"instance": INSTANCE + request}
        return {**told, "detail": self.detail, **instance, **self.members}

    def response(self, request: str | None) -> Response:
        body = json.dumps(self.as_json(request), ensure_ascii=False).encode()
        return Response(body, self.kind.status, dict(self.headers), MEDIA_TYPE)


_BY_ERROR: Sequence[tuple[type[PublicaError], str]] = (
    (BadInput, "bad-input"),
    (Refused, "refused"),
    (IntegrityBroken, "integrity"),
    (TimedOut, "limit-reached"),
    (Unavailable, "unavailable"),
)


def of(error: PublicaError) -> Problem:
    """The problem that an error is."""
    if isinstance(error, HttpProblem):
        return Problem(error.kind, _told(error), headers=_headers(error.kind, error.headers))
    slug = next((slug for kind, slug in _BY_ERROR if isinstance(error, kind)), "fault")
    kind = KINDS[slug]
    if isinstance(error, Refused):
        return Problem(kind, _missing(error), {"clauses": clauses(error), "receipt": error.receipt})
    if isinstance(error, IntegrityBroken):  # its words are for the operator's log
        return Problem(kind, "What is stored is not what it should be. The operator has been told.")
    members = {"problems": _listed(error)} if isinstance(error, BadInput) and error.problems else {}
    return Problem(kind, _told(error), members, _headers(kind, {}))


def clauses(error: Refused) -> list[dict[str, Any]]:
    """The clauses that were missing."""
    return [clause_json(clause) for clause in error.decision.missing]


def clause_json(clause: Clause) -> dict[str, Any]:
    """A clause for programs (its reason) and for people (its sentence)."""
    return {
        "reason": clause.reason,
        "holds": clause.holds,
        "sentence": sentence(clause),
        "record": clause.cites,
        "params": dict(clause.params),
    }


def fault() -> Problem:
    """What is said of a fault of ours: nothing that it may hold."""
    return Problem(KINDS["fault"], "Something went wrong inside Publica. Nothing was given out.")


def unfit(problems: Iterable[tuple[str, str]]) -> Problem:
    """A request that does not fit its schema: where, and what is wrong. Nothing that was sent is repeated."""
    listed = [{"where": where, "detail": what} for where, what in problems]
    first = listed[0] if listed else {"where": "body", "detail": "is not what it should be"}
    return Problem(
        KINDS["bad-input"], f"{first['where']}: {first['detail']}.", {"problems": listed[:MOST_LISTED]}
    )


def _told(error: PublicaError) -> str:
    return " ".join(part for part in (error.what, error.do) if part)


def _missing(error: Refused) -> str:
    return " ".join(sentence(clause) for clause in error.decision.missing)


def _listed(error: BadInput) -> list[dict[str, Any]]:
    return [
        {"where": str(problem.place) if problem.place else "", "detail": _told(problem)}
        for problem in error.problems[:MOST_LISTED]
    ]


def _headers(kind: Kind, given: Mapping[str, str]) -> dict[str, str]:
    """Those that come with a kind of problem, and those given."""
    usual: dict[str, str] = {}
    if kind.status == 401:
        usual = {"WWW-Authenticate": 'Bearer realm="publica"'}
    elif kind.status in (429, 503):
        usual = {"Retry-After": str(RETRY_SECONDS)}
    return {**usual, **given}
