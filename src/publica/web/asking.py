"""Pages of requests after refusals: for who asked, and for who is asked."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Form, Query, Request
from starlette.responses import Response

from publica.governance.capacity import AccessRequest, listing
from publica.governance.capacity.rules import may_answer
from publica.http.caller import Caller
from publica.http.problems import HttpProblem
from publica.http.who import Known
from publica.instance import Instance, requests
from publica.kernel import clock
from publica.kernel.errors import BadInput
from publica.web import named, words
from publica.web.lacking import lacking
from publica.web.site import Opened, book_of, here, render, see
from publica.web.site import router as pages

router = pages()
PAGE = 25


@router.get("/requests")
def mine(
    request: Request,
    caller: Known,
    instance: Opened,
    after: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """Requests that one made or was asked."""
    with instance.db.read() as connection:
        found = listing.listed(connection, party=caller.actor.id, after=after, limit=PAGE + 1)
    more = here(request, after=found[PAGE - 1].id) if len(found) > PAGE else None
    return render(
        request,
        "analyst/requests.html",
        requests=[_facts(request, instance, each) for each in found[:PAGE]],
        more=more,
    )


@router.get("/requests/{name}")
def one(request: Request, caller: Known, instance: Opened, name: str) -> Response:
    """One request, with what its reader may do about it."""
    return _page(request, caller, instance, _get(instance, caller, name))


@router.post("/requests/{name}/answer")
def answer(
    request: Request,
    caller: Known,
    instance: Opened,
    name: str,
    why: Annotated[str, Form(max_length=20_000)] = "",
    decision: Annotated[Literal["agree", "decline", ""], Form()] = "",
) -> Response:
    """Agree or decline, with a reason."""
    found = _get(instance, caller, name)
    if not decision:
        return _page(request, caller, instance, found, error="decision", wrote=why)
    try:
        requests.answer(instance, name, agreed=decision == "agree", why=why, actor=caller.actor)
    except BadInput as error:
        return _page(request, caller, instance, _get(instance, caller, name), error=str(error), wrote=why)
    return see(request, f"/requests/{name}", told="request-answered")


@router.post("/requests/{name}/withdraw")
def withdraw(request: Request, caller: Known, instance: Opened, name: str) -> Response:
    """Take one's own request back."""
    _get(instance, caller, name)
    requests.withdraw(instance, name, caller.actor)
    return see(request, f"/requests/{name}", told="request-withdrawn")


def _get(instance: Instance, caller: Caller, name: str) -> AccessRequest:
    """The request. Raises HttpProblem (404) when the caller may not know of it."""
    nothing = HttpProblem("not-found", "There is no such request of yours.")
    try:
        found = requests.get(instance, name)
    except BadInput:
        raise nothing from None
    if not (requests.oversees(instance, caller.actor) or requests.concerns(instance, found, caller.actor)):
        raise nothing
    return found


def _page(
    request: Request,
    caller: Caller,
    instance: Instance,
    found: AccessRequest,
    *,
    error: str = "",
    wrote: str = "",
) -> Response:
    open_now = found.state.value == "open"
    decision = may_answer(instance.book(), found, caller.actor, clock.now())
    return render(
        request,
        "analyst/request.html",
        422 if error else 200,
        asked=_facts(request, instance, found),
        answers=open_now and decision.allowed,
        withdraws=open_now and caller.actor.id == found.by.id,
        error=error,
        wrote=wrote,
    )


def _facts(request: Request, instance: Instance, found: AccessRequest) -> dict[str, Any]:
    """A request as pages show it: names instead of ids, and how long there is."""
    book, now = book_of(request, instance), clock.now()
    return {
        "id": found.id,
        "state": found.state.value,
        "what": lacking(found.reason, words.language_of(request)),
        "about": named.title(book, found.about),
        "place": named.place(book, found.about),
        "use": found.use,
        "asker": named.official(book, found.by.id),
        "organisation": named.title(book, f"organisation:{found.organisation}"),
        "addressee": named.official(book, found.addressee),
        "words": found.words,
        "asked_at": found.asked_at,
        "due_at": found.due_at,
        "days": (found.due_at - now).days,
        "overdue": found.overdue(now),
        "escalated_to": named.official(book, found.escalated_to),
        "escalated_at": found.escalated_at,
        "decided_at": found.decided_at,
        "decided_by": named.official(book, found.decided_by),
        "why": found.why,
    }
