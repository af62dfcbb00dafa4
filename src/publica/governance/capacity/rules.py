"""Whom to ask for what a refusal lacked, and who may answer. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from publica.governance.capacity.model import AccessRequest, Gap
from publica.governance.identity.model import RoleAssignment, RoleName
from publica.governance.identity.rules import in_service
from publica.governance.leadership.rules import accountable, decides, may_decide
from publica.kernel.actor import Actor
from publica.kernel.decision import Clause, Decision
from publica.kernel.records import Book, Record
from publica.kernel.records.types import valid_on

ANSWER_DAYS = 28
"""Days in which a request must be answered; then it goes on to a chief data officer."""


class Side(StrEnum):
    """Whose it is to supply what was missing."""

    OWN = "the activity's organisation"
    HOLDER = "the holder of the dataset"
    PARTIES = "the parties of the agreement"
    OFFICE = "the chief data officer"


SUPPLIED_BY: dict[str, Side] = {
    "actor-known": Side.OFFICE,
    "actor-role": Side.OFFICE,
    "activity-known": Side.OFFICE,
    "activity-in-force": Side.OWN,
    "actor-organisation": Side.OWN,
    "law-in-force": Side.OWN,
    "basis-consent": Side.OWN,
    "assessment-approved": Side.OWN,
    "dataset-in-activity": Side.OWN,
    "columns-in-activity": Side.OWN,
    "dataset-loaded": Side.HOLDER,
    "steward-accountable": Side.HOLDER,
    "agreement-exists": Side.HOLDER,
    "agreement-in-force": Side.PARTIES,
    "agreement-signed": Side.PARTIES,
    "agreement-purpose": Side.PARTIES,
    "agreement-columns": Side.PARTIES,
    "agreement-frequency": Side.PARTIES,
    "agreement-volume": Side.PARTIES,
}
"""Reason codes that somebody else can do something about. With any other, the question itself must change."""


def gaps(book: Book, receipt: Mapping[str, Any], asker: str, at: date) -> tuple[Gap, ...]:
    """What a refusal lacked, from its ledger entry, each with whom `asker` can ask for it today."""
    found: dict[tuple[str, str], Gap] = {}
    for clause in receipt["clauses"]:
        for gap in _gaps(book, receipt, clause["reason"], clause.get("cites"), asker, at):
            found.setdefault((gap.reason, gap.about), gap)
    return tuple(found.values())


def _gaps(
    book: Book, receipt: Mapping[str, Any], reason: str, cites: str | None, asker: str, at: date
) -> Iterator[Gap]:
    side = SUPPLIED_BY.get(reason)
    activity = book.get("activity", receipt["activity"])
    about = cites or f"activity:{receipt['activity']}"
    if side is None:
        yield Gap(reason, cites or "")
    elif side is Side.OFFICE:
        home = None if activity is None else activity.spec.organisation
        yield _asking(book, Gap(reason, about), _chiefs(book, home, at), asker)
    elif side is Side.OWN:
        home = None if activity is None else activity.spec.organisation
        yield _asking(book, Gap(reason, about, home), responsible(book, home, at), asker)
    elif side is Side.PARTIES:
        yield _of_agreement(book, receipt, reason, about, asker, at)
    else:
        for dataset in [cites] if cites else _unshared(book, receipt):
            name = dataset.removeprefix("dataset:")
            yield _of_dataset(book, reason, name, f"dataset:{name}", asker, at)


def _of_dataset(book: Book, reason: str, dataset: str, about: str, asker: str, at: date) -> Gap:
    record, first = book.get("dataset", dataset), accountable(book, dataset, at)
    holder = None if record is None else record.spec.holder
    steward = () if first is None else (first.official.id,)
    who = (*(name for name in steward if in_service(book, name, at)), *responsible(book, holder, at))
    return _asking(book, Gap(reason, about, holder), who, asker)


def _of_agreement(
    book: Book, receipt: Mapping[str, Any], reason: str, about: str, asker: str, at: date
) -> Gap:
    """The steward of what was read of it; it is the holder's to let more through."""
    agreement = book.get("agreement", about.removeprefix("agreement:"))
    if agreement is None:
        return Gap(reason, about)
    shared = [part.dataset for part in agreement.spec.datasets]
    read = [dataset for dataset in shared if dataset in receipt["columns"]]
    return _of_dataset(book, reason, (read or shared)[0], about, asker, at)


def _unshared(book: Book, receipt: Mapping[str, Any]) -> list[str]:
    """The datasets of a refusal that no agreement of their holder's with the organisation is about."""
    found = []
    for name in receipt["columns"]:
        dataset = book.get("dataset", name)
        if dataset is None or dataset.spec.access == "open":
            continue
        between = (dataset.spec.holder, receipt["organisation"])
        shared = any(
            (agreement.spec.holder, agreement.spec.recipient) == between
            for agreement in book.referring("dataset", name, by="agreement")
        )
        if not shared and between[0] != between[1]:
            found.append(name)
    return found


def _asking(book: Book, gap: Gap, candidates: tuple[str, ...], asker: str) -> Gap:
    """The first of them who is not the asker: nobody answers their own request."""
    first = next((name for name in candidates if name != asker), None)
    official = None if first is None else book.get("official", first)
    answering = gap.answering if official is None else official.spec.organisation
    return Gap(gap.reason, gap.about, answering, first)


def responsible(book: Book, organisation: str | None, at: date) -> tuple[str, ...]:
    """Who may answer for an organisation on a day, first of all: its stewards, its chief data officers, then
    those of public bodies."""
    stewards = _holding(book, organisation, RoleName.STEWARD, at)
    return tuple(dict.fromkeys((*stewards, *_chiefs(book, organisation, at))))


def _chiefs(book: Book, organisation: str | None, at: date) -> tuple[str, ...]:
    own = _holding(book, organisation, RoleName.CHIEF_DATA_OFFICER, at)
    elsewhere = (role.spec.official for role in _roles(book, RoleName.CHIEF_DATA_OFFICER, at))
    return tuple(dict.fromkeys((*own, *(name for name in elsewhere if decides(book, name, at)))))


def _holding(book: Book, organisation: str | None, name: RoleName, at: date) -> tuple[str, ...]:
    roles = (role.spec for role in _roles(book, name, at) if role.spec.organisation == organisation)
    return tuple(role.official for role in roles)


def _roles(book: Book, name: RoleName, at: date) -> list[Record[RoleAssignment]]:
    """The roles of that name held on a day by somebody in service: for everything first, then the oldest."""
    held = (role for role in book.all("role") if role.spec.role is name and valid_on(role.spec, at))
    serving = (role for role in held if in_service(book, role.spec.official, at) is not None)
    return sorted(serving, key=lambda role: (bool(role.spec.datasets), role.spec.valid_from, role.id))


def due(asked: datetime) -> datetime:
    """Until when a request must be answered."""
    return asked + timedelta(days=ANSWER_DAYS)


def escalates_to(book: Book, request: AccessRequest, at: date) -> str | None:
    """The chief data officer to whom a request goes that nobody answered; None when there is none."""
    chiefs = _chiefs(book, request.answering, at)
    return next((name for name in chiefs if name not in (request.by.id, request.addressee)), None)


def may_answer(book: Book, request: AccessRequest, actor: Actor, now: datetime) -> Decision:
    """Whether an official may answer: whoever was asked, their successor once they left, and a chief data
    officer of a public body once the clock ran out. Never the asker."""
    params = {"actor": actor.id}
    return Decision(
        (
            Clause("request-addressee", answers(book, request, actor, now), params),
            Clause("request-another", actor.id != request.by.id, params),
        )
    )


def answers(book: Book, request: AccessRequest, actor: Actor, now: datetime) -> bool:
    """Whether a request waits for this official."""
    today = now.date()
    if in_service(book, request.addressee, today) is None:
        theirs = actor.id in _holding(book, request.answering, RoleName.STEWARD, today)
        chief = actor.id in _chiefs(book, request.answering, today)
        return (theirs and actor.counts(RoleName.STEWARD)) or (
            chief and actor.counts(RoleName.CHIEF_DATA_OFFICER)
        )
    asked = actor.id == request.addressee and actor.counts(RoleName.STEWARD, RoleName.CHIEF_DATA_OFFICER)
    return asked or (request.due_at <= now and may_decide(book, actor, today))


def may_withdraw(request: AccessRequest, actor: str) -> Decision:
    """Whether an official may take a request back: who made it."""
    return Decision((Clause("request-own", actor == request.by.id, {"actor": actor}),))
