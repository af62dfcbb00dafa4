"""Notices: which terms hold for an activity since when, and consents that lapse because they changed.

A change of records that changes the terms of an activity ends every consent to the older ones, in the same
transaction: a step of the activity's counter like any choice. So a use that is under way starts again, a mask
is told, and a receipt names the counter after it: nothing else needs to know of terms.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select

from publica.governance.activities import Activity, BasisKind
from publica.kernel import clock
from publica.kernel.actor import Actor
from publica.kernel.backends import Lock
from publica.kernel.database import Change, Database
from publica.kernel.errors import BadInput, IntegrityBroken
from publica.kernel.keys import Keys
from publica.kernel.ledger.canonical import canonical
from publica.kernel.ledger.store import entries, fields
from publica.kernel.records import Book, Record
from publica.trust.consent import reading, store
from publica.trust.consent.model import Action
from publica.trust.consent.notice_store import ANSWER, NOTICE, answers, notices
from publica.trust.consent.recording import record
from publica.trust.consent.terms import Shown, Terms, digest, digest_in, terms

QUESTIONS = ("who", "refuse", "withdraw")
"""What is asked about a notice: who would use the data, what a no means, whether a yes can be undone."""
NOT_LAST = "The terms of {activity} changed meanwhile."

_OF = notices.c.activity == bindparam("activity")
_LATEST = select(notices).where(_OF).order_by(notices.c.version.desc()).limit(1)
LAST_HASH = select(notices.c.hash).where(_OF).order_by(notices.c.version.desc()).limit(1)
"""The hash of an activity's newest terms; no row where nobody was asked yet."""


@dataclass(frozen=True)
class Version:
    """One version of an activity's terms. `lapsed`: how many consents to older ones ended with it."""

    activity: str
    version: int
    terms: Terms
    hash: str
    since: datetime
    lapsed: int

    @property
    def question(self) -> str:
        """What is asked about it."""
        return QUESTIONS[self.version % len(QUESTIONS)]


@dataclass(frozen=True)
class Understood:
    """How often the question about a version was answered, and how often rightly."""

    version: int
    asked: int
    passed: int


class Lapsing:
    """What follows from a change of records: new terms hold, and consents to the older ones lapse."""

    def __init__(self, keys: Callable[[], Keys]) -> None:
        self._keys = keys

    def locks(self, before: Book, after: Book) -> list[Lock]:
        """The choices about every activity whose terms change stand still meanwhile."""
        return [store.lock(activity) for activity in _changed(before, after)]

    def __call__(self, change: Change, before: Book, after: Book, actor: Actor) -> None:
        for activity, found in _changed(before, after).items():
            people = reading.fold(change.connection, activity).granted
            if people:
                lapse = Action.LAPSE
                record(
                    change, self._keys(), activity, lapse, people, actor, in_bulk=True, terms=digest(found)
                )
            _begin(change, activity, found, len(people))


def current(connection: Connection, activity: str) -> Version | None:
    """The terms that hold; None where nobody was asked for consent yet."""
    row = connection.execute(_LATEST, {"activity": activity}).first()
    return None if row is None else _version(row)


def versions(connection: Connection, activity: str) -> list[Version]:
    """Every version of an activity's terms, newest first."""
    query = select(notices).where(notices.c.activity == activity).order_by(notices.c.version.desc())
    return [_version(row) for row in connection.execute(query)]


def of(connection: Connection, activity: str, hashed: str) -> Version | None:
    """The terms of that hash, as they first held."""
    return next((found for found in reversed(versions(connection, activity)) if found.hash == hashed), None)


def agreed(
    change: Change, book: Book, activity: str, action: Action, shown: Shown | None, *, in_bulk: bool = False
) -> str | None:
    """The hash of the terms that a consent is to: those that hold, which are those that were shown.

    A no needs none: it names those that were shown where they ever held, so that nobody's own words stand in
    the ledger. None for other choices, which are not bound to terms.

    Raises Stale when other terms hold, and when many consents do not say what they are to although there were
    other terms before: they may be to those. The lock on the activity's choices is held.
    """
    if action is Action.REFUSE and shown is not None:
        known = of(change.connection, activity, shown.terms)
        return None if known is None else known.hash
    if action is not Action.GRANT:
        return None
    found = terms(book, _activity(book, activity))
    hashed = digest(found)
    latest = current(change.connection, activity)
    if latest is None:
        _begin(change, activity, found, 0)
    elif latest.hash != hashed:
        raise stale(activity)
    if shown is not None and shown.terms != hashed:
        raise stale(activity)
    if in_bulk and shown is None and latest is not None and latest.version > 1:
        raise Stale(
            f"The terms of {activity} have changed, and it is not said to which of them these consents are.",
            do="Name the terms that they were given to (`--terms`; `publica choice notice` shows its hash).",
        )
    return hashed


class Stale(BadInput):
    """Somebody would consent to what does not hold any more, or without saying to what."""


def stale(activity: str) -> Stale:
    """Other terms hold."""
    return Stale(NOT_LAST.format(activity=activity), do="Read the notice as it is now, and choose again.")


def require_current(latest: str | None, book: Book, activity: str) -> None:
    """Raises IntegrityBroken when an activity's consents would be used under terms that nobody agreed to.

    `latest`: the hash of its newest notice. That cannot come about by what Publica does, only by a change of
    the database beside it.
    """
    agreed_to = digest_in(book, activity)
    if agreed_to is None:
        return
    if latest is not None and latest != agreed_to:
        raise IntegrityBroken(
            f"The consents to {activity} were given to other terms than its record has.",
            do="Nothing was given out. Run `publica ledger verify`, and restore a backup.",
        )


def answer(db: Database, activity: str, version: int, question: str, language: str, *, passed: bool) -> None:
    """Count an answer to the question about a notice. Whose it was is kept nowhere.

    Raises BadInput for a notice or question that there is not.
    """

    def work(change: Change) -> None:
        latest = current(change.connection, activity)
        if latest is None or latest.version != version or question not in QUESTIONS:
            raise stale(activity)
        said = {
            "activity": activity,
            "version": version,
            "question": question,
            "language": language,
            "passed": passed,
        }
        row = {**said, "recorded_at": clock.text(change.now), "entry": change.enter(ANSWER, said)}
        change.connection.execute(insert(answers), row)

    db.write(work)


def understood(connection: Connection, activity: str) -> list[Understood]:
    """How well each version was understood, oldest first; those about which nobody answered are left out."""
    right = func.count().filter(answers.c.passed)
    query = select(answers.c.version, func.count(), right).where(answers.c.activity == activity)
    found = connection.execute(query.group_by(answers.c.version).order_by(answers.c.version))
    return [Understood(version, asked, passed) for version, asked, passed in found]


def begin(db: Database, book: Book, activity: str) -> Version:
    """The terms that hold, which begin to now where none were kept (in an instance of an older version)."""

    def work(change: Change) -> Version:
        latest = current(change.connection, activity)
        if latest is None:
            _begin(change, activity, terms(book, _activity(book, activity)), 0)
            latest = current(change.connection, activity)
        if latest is None:
            raise IntegrityBroken(f"The terms of {activity} were not kept.")
        return latest

    with db.read() as connection:
        found = current(connection, activity)
    return found or db.write(work, [store.lock(activity)])


def altered(connection: Connection, book: Book) -> Iterator[str]:
    """Every notice and answer that is not what the ledger says; and terms that the records do not have.

    Of an activity that asks for no consent any more no terms are kept: they begin when it asks again.
    """
    newest: dict[str, Version] = {}
    for row, said in _with_entries(connection, notices):
        name = f"Version {row.version} of the terms of {row.activity}"
        if said is None or said != {**_said(row), "kind": NOTICE, "at": row.since}:
            yield f"{name} is not what its ledger entry says."
        if digest(json.loads(row.terms)) != row.hash:
            yield f"{name}: its text was altered."
        if row.activity not in newest or row.version > newest[row.activity].version:
            newest[row.activity] = _version(row)
    for activity, version in newest.items():
        found = book.get("activity", activity)
        asks = found is None or found.spec.basis.kind is BasisKind.CONSENT
        if asks and (found is None or digest(terms(book, found)) != version.hash):
            yield f"The terms of {activity} are not those of its record: consents to others would count."
    for row, said in _with_entries(connection, answers):
        names = ("activity", "version", "question", "language", "passed")
        if said != {**{name: getattr(row, name) for name in names}, "kind": ANSWER, "at": row.recorded_at}:
            yield f"Answer {row.number} about {row.activity} is not what its ledger entry says."
    for kind, table in ((NOTICE, notices), (ANSWER, answers)):
        lost = select(entries.c.id).outerjoin(table, table.c.entry == entries.c.leaf)
        for _ in connection.execute(lost.where(entries.c.kind == kind, table.c.entry.is_(None))):
            yield f"An entry of kind {kind} is in the ledger and nowhere else."


def _with_entries(connection: Connection, table: Any) -> Iterator[tuple[Row[Any], dict[str, Any] | None]]:
    joined = table.outerjoin(entries, entries.c.leaf == table.c.entry)
    query = select(table, entries.c.body).select_from(joined).order_by(table.c.number)
    for row in connection.execute(query):
        yield row, None if row.body is None else fields(row.body)


def _changed(before: Book, after: Book) -> dict[str, Terms]:
    """The terms, as they will be, of every activity that asks or asked for consent and has others now."""
    found = {}
    for each in after.all("activity"):
        was, now = before.get("activity", each.id), terms(after, each)
        asks = BasisKind.CONSENT in (each.spec.basis.kind, was and was.spec.basis.kind)
        if asks and (was is None or digest(terms(before, was)) != digest(now)):
            found[each.id] = now
    return found


def _begin(change: Change, activity: str, found: Terms, lapsed: int) -> None:
    latest = current(change.connection, activity)
    row: dict[str, Any] = {
        "activity": activity,
        "version": 1 if latest is None else latest.version + 1,
        "terms": canonical(found).decode(),
        "hash": digest(found),
        "counter": store.counter_value(change.connection, activity),
        "lapsed": lapsed,
    }
    said = {name: value for name, value in row.items() if name != "terms"}
    row |= {"since": clock.text(change.now), "entry": change.enter(NOTICE, said)}
    change.connection.execute(insert(notices), row)


def _said(row: Row[Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("activity", "version", "hash", "counter", "lapsed")}


def _version(row: Row[Any]) -> Version:
    return Version(
        row.activity, row.version, json.loads(row.terms), row.hash, clock.parse(row.since), row.lapsed
    )


def _activity(book: Book, activity: str) -> Record[Activity]:
    found = book.get("activity", activity)
    if found is None:
        raise BadInput(f"There is no activity {activity!r}.", do="Check its id.")
    return found
