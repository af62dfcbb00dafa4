"""What waits for whom: everything with a clock, whichever area keeps it, most urgent first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from publica.governance.agreements.oversight import Ending, Hole, ending, holes
from publica.governance.capacity import listing as requests
from publica.governance.capacity.rules import answers, due
from publica.governance.leadership import listing as proposals
from publica.governance.leadership.model import Proposal
from publica.governance.leadership.rules import may_decide
from publica.instance.instance import Instance
from publica.kernel import clock
from publica.kernel.actor import Actor
from publica.kernel.ledger.checkpoint import latest
from publica.kernel.ledger.sequencer import waiting
from publica.kernel.records import Book
from publica.trust.rights import listing as rights

KINDS = ("request", "proposal", "correction", "complaint")
"""What can wait for somebody."""
_AT_ONCE = 500


@dataclass(frozen=True)
class Duty:
    """One thing that waits: its kind and id, what it is about, since when and until when."""

    kind: str
    id: str
    about: str
    what: str
    asked_at: datetime
    due_at: datetime

    def overdue(self, now: datetime) -> bool:
        return self.due_at <= now

    def days_left(self, now: datetime) -> int:
        """Whole days until it is due; negative when it is overdue."""
        return (self.due_at - now).days

    def as_json(self, now: datetime) -> dict[str, Any]:
        """The same for machines."""
        return {
            "kind": self.kind,
            "id": self.id,
            "about": self.about,
            "what": self.what,
            "asked_at": clock.text(self.asked_at),
            "due_at": clock.text(self.due_at),
            "overdue": self.overdue(now),
        }


def queue(instance: Instance, actor: Actor) -> list[Duty]:
    """What waits for one official, most urgent first."""
    book, now = instance.book(), clock.now()
    with instance.db.read() as connection:
        asked = requests.open_ones(connection)
        proposed = list(_proposed(connection))
        people = rights.to_answer(connection, instance.keys, book, actor, now.date())
    mine = [_request(each) for each in asked if answers(book, each, actor, now) and each.by.id != actor.id]
    mine += map(_right, people)
    if may_decide(book, actor, now.date()):
        mine += [_proposal(each) for each in proposed if each.by.id != actor.id]
    return sorted(mine, key=lambda duty: duty.due_at)


def everything(instance: Instance) -> list[Duty]:
    """All that waits for anybody, most urgent first: what is overdue comes first."""
    with instance.db.read() as connection:
        found = [
            *map(_request, requests.open_ones(connection)),
            *map(_proposal, _proposed(connection)),
            *map(_right, rights.waiting(connection)),
        ]
    return sorted(found, key=lambda duty: duty.due_at)


def _proposed(connection: Connection) -> Iterator[Proposal]:
    """Every proposal that waits, however many."""
    after = None
    while page := proposals.listed(connection, state="open", after=after, limit=_AT_ONCE):
        yield from page
        after = page[-1].id


def found_holes(instance: Instance) -> tuple[Book, tuple[Hole, ...]]:
    """The holes in accountability today, and the records in which they are."""
    book = instance.book()
    return book, holes(book, clock.now().date())


def found_endings(instance: Instance, days: int | None) -> tuple[Ending, ...]:
    """The records in force that end within so many days."""
    return ending(instance.book(), clock.now().date(), days)


@dataclass(frozen=True)
class LedgerHealth:
    """What can be told of the ledger without walking it: its size, what waits, what is signed, lost keys."""

    size: int
    waiting: int
    signed: int
    signed_at: datetime | None
    sealing_lost: str | None
    directory_lost: str | None


def ledger_health(instance: Instance) -> LedgerHealth:
    """How the ledger is just now. Whether it holds is for `Instance.verify_ledger` to say."""
    with instance.db.read() as connection:
        size, late = waiting(connection)
        signed = latest(connection)
    return LedgerHealth(
        size=size,
        waiting=late,
        signed=0 if signed is None else signed.size,
        signed_at=None if signed is None else clock.parse(signed.at),
        sealing_lost=instance.keys.sealing_lost,
        directory_lost=instance.keys.directory_lost,
    )


def _request(request: Any) -> Duty:
    return Duty("request", request.id, request.about, request.reason, request.asked_at, request.due_at)


def _right(asked: Any) -> Duty:
    """Nothing of the person: who opens it sees them."""
    about = f"dataset:{asked.dataset}" if asked.dataset else f"organisation:{asked.organisation}"
    return Duty(str(asked.what), asked.id, about, "", asked.asked_at, asked.due_at)


def _proposal(proposal: Any) -> Duty:
    at = proposal.proposed_at
    return Duty("proposal", proposal.id, "", proposal.title, at, due(at))
