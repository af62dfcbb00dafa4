"""How long an answer may take, and who gives it. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from publica.governance.identity.model import RoleName
from publica.governance.identity.rules import in_service
from publica.governance.leadership.rules import may_decide, stewards
from publica.kernel.actor import Actor
from publica.kernel.decision import Clause, Decision
from publica.kernel.records import Book
from publica.kernel.records.types import valid_on
from publica.trust.rights.model import Waiting

ANSWER_DAYS = 28
"""Days in which a request is answered: four weeks, so never more than the month of GDPR, Article 12(3)."""


def due(asked: datetime) -> datetime:
    """Until when a request of that moment must be answered."""
    return asked + timedelta(days=ANSWER_DAYS)


def answers(book: Book, request: Waiting, official: Actor, at: date, accused: frozenset[str]) -> bool:
    """Whether a request is an official's to answer.

    A steward's of the data it is about, or of the organisation that it complains of; where there is none, or
    the clock has run out, a chief data officer's. Never of those whose own use it complains of (`accused`).
    """
    if official.id in accused:
        return False
    mine = answering(book, request.dataset, request.organisation, at) - accused
    late = request.due_at.date() <= at
    theirs = official.id in mine and official.counts(RoleName.STEWARD)
    return theirs or ((late or not mine) and may_decide(book, official, at))


def may_answer(book: Book, request: Waiting, official: Actor, at: date, accused: frozenset[str]) -> Decision:
    """The same as a decision."""
    params = {"actor": official.id, "about": request.dataset or request.organisation}
    return Decision((Clause("rights-answering", answers(book, request, official, at, accused), params),))


def answering(book: Book, dataset: str | None, organisation: str, at: date) -> frozenset[str]:
    """The stewards in service whom a request about a dataset, or else about an organisation, reaches."""
    if dataset is not None:
        return stewards(book, dataset, at)
    roles = book.referring("organisation", organisation, by="role")
    return frozenset(
        role.spec.official
        for role in roles
        if role.spec.role is RoleName.STEWARD
        and role.spec.organisation == organisation
        and valid_on(role.spec, at)
        and in_service(book, role.spec.official, at) is not None
    )
