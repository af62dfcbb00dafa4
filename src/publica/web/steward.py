"""Pages of the asker: steward. What waits for one, and the datasets that one answers for."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Form, Request
from starlette.responses import Response

from publica.data import versions
from publica.governance.agreements.oversight import ending, holes
from publica.governance.identity import RoleName
from publica.governance.leadership import actions as proposals
from publica.governance.leadership import listing
from publica.governance.leadership.model import Proposal
from publica.governance.leadership.rules import may_decide, stewards
from publica.http.caller import Caller
from publica.http.problems import HttpProblem
from publica.http.who import Known
from publica.instance import Instance, duties, figures
from publica.kernel import clock
from publica.kernel.errors import BadInput
from publica.kernel.records import Book, Record
from publica.trust.rights import actions as rights
from publica.trust.rights.model import State
from publica.web import duties as waiting
from publica.web import holes as worded
from publica.web import named, words
from publica.web.site import Opened, book_of, render, see
from publica.web.site import router as pages

router = pages()

SOON = 90
"""Days in which an end is worth a word."""
LOADS = 20


@router.get("/stewardship")
def stewardship(request: Request, caller: Known, instance: Opened) -> Response:
    """What waits for one, and the datasets that one answers for."""
    book = book_of(request, instance)
    queue = duties.queue(instance, caller.actor)
    return render(
        request,
        "steward/stewardship.html",
        queue=waiting.shown(request, book, queue),
        datasets=[_summary(request, instance, book, record) for record in _mine(book, caller)],
    )


@router.get("/stewardship/datasets/{name}")
def dataset(request: Request, caller: Known, instance: Opened, name: str) -> Response:
    """One dataset that one answers for: its uses, its loads, its problems."""
    book = book_of(request, instance)
    record = next((each for each in _mine(book, caller) if each.id == name), None)
    if record is None:
        raise HttpProblem("not-found", "You answer for no such dataset.")
    flows = figures.flows(instance).datasets
    uses = [
        (named.title(book, f"activity:{activity}"), named.place(book, f"activity:{activity}"), sums)
        for (of, activity), sums in flows.items()
        if of == name
    ]
    with instance.db.read() as connection:
        loads = versions.all_of(connection, instance.data, name)[:LOADS]
    return render(
        request,
        "steward/dataset.html",
        dataset=record,
        problems=_problems(request, book, record),
        uses=sorted(uses, key=lambda use: -use[2].uses),
        loads=loads,
    )


@router.get("/stewardship/people/{name}")
def person(request: Request, caller: Known, instance: Opened, name: str) -> Response:
    """What a person asks about their own data. That it was opened is entered in the ledger."""
    return _person(request, caller, instance, name)


@router.post("/stewardship/people/{name}")
def answer_person(
    request: Request,
    caller: Known,
    instance: Opened,
    name: str,
    decision: Annotated[Literal["done", "declined", ""], Form()] = "",
    why: Annotated[str, Form(max_length=20_000)] = "",
) -> Response:
    """Say that it is done, or decline; with a reason."""
    if not decision:
        return _person(request, caller, instance, name, error="decision", wrote=why)
    try:
        book = instance.book()
        rights.answer(instance.db, instance.keys, book, name, State(decision), why, caller.actor)
    except BadInput:
        return _person(request, caller, instance, name, error="why", wrote=why)
    return see(request, "/stewardship", told="person-answered")


@router.get("/proposals/{name}")
def proposal(request: Request, caller: Known, instance: Opened, name: str) -> Response:
    """A change of records that somebody proposes."""
    return _proposal(request, caller, instance, _get(instance, name))


@router.post("/proposals/{name}")
def decide(
    request: Request,
    caller: Known,
    instance: Opened,
    name: str,
    decision: Annotated[Literal["accept", "decline"], Form()],
    why: Annotated[str, Form(max_length=20_000)] = "",
) -> Response:
    """Accept it, so that its records change; or decline it."""
    found, db, kinds = _get(instance, name), instance.db, instance.kinds
    try:
        if decision == "accept":
            proposals.accept(db, kinds, name, caller.actor, why)
        else:
            proposals.decline(db, kinds, name, caller.actor, why)
    except BadInput as error:
        return _proposal(request, caller, instance, found, error=str(error))
    return see(request, f"/proposals/{name}", told=f"proposal-{decision.rstrip('e')}ed")


def _mine(book: Book, caller: Caller) -> list[Record[Any]]:
    """The datasets that somebody is a steward of today."""
    actor, today = caller.actor, clock.now().date()
    if not actor.counts(RoleName.STEWARD):
        return []
    return [each for each in book.all("dataset") if actor.id in stewards(book, each.id, today)]


def _summary(request: Request, instance: Instance, book: Book, record: Record[Any]) -> dict[str, Any]:
    with instance.db.read() as connection:
        newest = versions.current(connection, instance.data, record.id)
    flows = figures.flows(instance).datasets
    sums = [each for (of, _), each in flows.items() if of == record.id]
    return {
        "record": record,
        "newest": newest,
        "uses": sum(each.uses for each in sums),
        "last": max((each.last for each in sums if each.last is not None), default=None),
        "problems": len(_problems(request, book, record)) + (newest is None),
    }


def _problems(request: Request, book: Book, record: Record[Any]) -> list[dict[str, Any]]:
    """What is wrong with a dataset, or about to be: holes that concern it, agreements about it that end."""
    today, language = clock.now().date(), words.language_of(request)
    found: list[dict[str, Any]] = [
        {"hole": worded.shown(book, hole, language)}
        for hole in holes(book, today)
        if record.name in (hole.record, hole.concerns)
    ]
    about = {each.name for each in book.referring("dataset", record.id, by="agreement")}
    ends = (end for end in ending(book, today, SOON) if end.record.name in about)
    return found + [{"ends": end} for end in ends]


def _person(
    request: Request, caller: Caller, instance: Instance, name: str, *, error: str = "", wrote: str = ""
) -> Response:
    try:
        found = rights.open_request(instance.db, instance.keys, instance.book(), name, caller.actor)
    except BadInput:
        raise HttpProblem("not-found", "There is no such request.") from None
    book = book_of(request, instance)
    asked = found.of
    return render(
        request,
        "steward/person.html",
        422 if error else 200,
        asked=asked,
        content=found.content,
        answer=found.answer,
        answered_by=named.official(book, found.answer.by) if found.answer else "",
        dataset=named.title(book, f"dataset:{asked.dataset}") if asked.dataset else "",
        organisation=named.title(book, f"organisation:{asked.organisation}"),
        days=(asked.due_at - clock.now()).days,
        error=error,
        wrote=wrote,
    )


def _get(instance: Instance, name: str) -> Proposal:
    try:
        return listing.get(instance.db, name)
    except BadInput:
        raise HttpProblem("not-found", "There is no such proposal.") from None


def _proposal(
    request: Request, caller: Caller, instance: Instance, found: Proposal, *, error: str = ""
) -> Response:
    book, open_now = book_of(request, instance), found.state == "open"
    chief = may_decide(book, caller.actor, clock.now().date())
    return render(
        request,
        "steward/proposal.html",
        422 if error else 200,
        proposal=found,
        proposer=named.official(book, found.by.id),
        decided_by=named.official(book, found.decided_by),
        accepts=open_now and chief and found.by.id != caller.actor.id,
        declines=open_now and (chief or found.by.id == caller.actor.id),
        error=error,
    )
