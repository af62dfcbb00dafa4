"""Errors for people: what a browser shows where a program gets a problem document."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from publica.http.accept import negotiate
from publica.http.headers import request_id
from publica.http.problems import MEDIA_TYPE, HttpProblem, Problem
from publica.kernel.decision import Clause
from publica.web import words
from publica.web.site import render
from publica.web.words import mark
from publica.wording import sentence

HTML = "text/html"
SAID = {
    "malformed": mark("The request cannot be read."),
    "sign-in-needed": mark("Please sign in first."),
    "refused": mark("This use is refused."),
    "forbidden": mark("This page is not for you."),
    "not-found": mark("There is nothing here."),
    "method-not-allowed": mark("This cannot be done in this way."),
    "not-acceptable": mark("This is not available in that form."),
    "too-slow": mark("The request took too long to arrive."),
    "conflict": mark("It is not so any more."),
    "too-large": mark("The request is too large."),
    "unsupported-media-type": mark("This cannot be read in that form."),
    "bad-input": mark("The request cannot be done."),
    "limit-reached": mark("The answer takes more than one use may."),
    "key-reused": mark("The key was used for another request."),
    "too-many": mark("Too many requests."),
    "header-too-large": mark("The request's headers are too large."),
    "fault": mark("Something went wrong on our side."),
    "integrity": mark("Something went wrong on our side."),
    "unavailable": mark("This is not available just now."),
}
"""The heading of each kind of problem (`http.problems.KINDS`)."""


def error_page(scope: Scope, problem: Problem) -> Response | None:
    """The problem as a page, where the client likes pages best; None for a program."""
    request = Request(scope)
    try:
        wanted = negotiate(request.headers.get("accept"), (MEDIA_TYPE, "application/json", HTML))
    except HttpProblem:
        return None
    if wanted != HTML:
        return None
    answer = render(
        request,
        "error.html",
        problem.kind.status,
        kind=problem.kind.slug,
        heading=SAID[problem.kind.slug],
        clauses=_said(problem, words.language_of(request)),
        problem=problem,
        number=request_id(scope),
    )
    answer.headers.update(problem.headers)
    return answer


def _said(problem: Problem, language: str) -> list[dict[str, Any]]:
    """The clauses of a refusal in the reader's language."""
    return [
        {
            "holds": clause["holds"],
            "sentence": sentence(
                Clause(clause["reason"], clause["holds"], clause["params"], clause["record"]), language
            ),
        }
        for clause in problem.members.get("clauses", ())
    ]
