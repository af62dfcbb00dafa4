"""Choices in the state database: the counters, every change, and one folded state per activity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pyroaring import BitMap
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    LargeBinary,
    Row,
    Select,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from publica.kernel.backends import Lock
from publica.kernel.errors import IntegrityBroken
from publica.kernel.ledger.store import Number, entries, metadata
from publica.trust.consent.model import Action, Fold

counters = Table(
    "choice_counter",
    metadata,
    Column("activity", String(100), primary_key=True),
    Column("value", Number, nullable=False),
)

changes = Table(
    "choice_change",
    metadata,
    Column("activity", String(100), primary_key=True),
    Column("counter", Number, primary_key=True),
    Column("action", String(16), nullable=False),
    Column("subject", BigInteger),  # position; NULL in a batch
    Column("subjects", LargeBinary),  # positions of a batch, a serialised bitmap
    Column("recorded_at", String(24), nullable=False),
    Column("salt", LargeBinary(16), nullable=False),  # opens what the entry commits to about the people
    Column("actor", LargeBinary, nullable=False),  # sealed
    Column("actor_salt", LargeBinary(16), nullable=False),
    Column("entry", LargeBinary(32), nullable=False, unique=True),
    Column("terms", String(44)),  # hash of the terms it was made under; NULL where none were kept
    Column("shown", String(60)),  # language and hash of the text that was shown, `en:…`
    Index("choice_of_subject", "activity", "subject"),
)

snapshots = Table(
    "choice_snapshot",
    metadata,
    Column("activity", String(100), primary_key=True),
    Column("counter", Number, nullable=False),
    Column("granted", LargeBinary, nullable=False),
    Column("objected", LargeBinary, nullable=False),
    Column("refused", LargeBinary),  # NULL when it was kept before a no was a choice
)


def lock(activity: str, *, shared: bool = False) -> Lock:
    """What holds an activity's choices still. A choice takes it; a receipt that names a counter shares it."""
    return Lock(f"choices {activity}", shared)


@dataclass(frozen=True)
class Change:
    """One step of a counter: what was done, and by whom (positions)."""

    counter: int
    action: Action
    people: BitMap
    in_bulk: bool
    recorded_at: str
    entry: bytes
    terms: str | None = None
    shown: str | None = None


COUNTER = select(counters.c.value).where(counters.c.activity == bindparam("activity"))
"""The counter of an activity; no row where nobody chose yet."""
_CHANGE = select(
    changes.c.counter,
    changes.c.action,
    changes.c.subject,
    changes.c.subjects,
    changes.c.recorded_at,
    changes.c.entry,
    changes.c.terms,
    changes.c.shown,
)


def _change(row: Any) -> Change:
    bulk = row.subject is None
    people = _bitmap(row.subjects) if bulk else BitMap([row.subject])
    action = Action(row.action)
    return Change(row.counter, action, people, bulk, row.recorded_at, row.entry, row.terms, row.shown)


def _bitmap(stored: bytes) -> BitMap:
    try:
        return BitMap.deserialize(stored)
    except ValueError as error:
        raise IntegrityBroken("A stored set of people is damaged.", do="Restore a backup.") from error


def counter_values(connection: Connection, activities: Iterable[str]) -> dict[str, int]:
    """The counters of those activities that have one."""
    return {activity: value for activity in activities if (value := counter_value(connection, activity))}


def counter_value(connection: Connection, activity: str) -> int:
    """The counter of one activity; 0 where nobody chose yet."""
    return int(connection.execute(COUNTER, {"activity": activity}).scalar() or 0)


def step(connection: Connection, activity: str) -> int:
    """Increment the counter of an activity, whose lock is held; returns its new value."""
    raised = update(counters).where(counters.c.activity == activity).values(value=counters.c.value + 1)
    if connection.execute(raised).rowcount == 0:
        connection.execute(insert(counters).values(activity=activity, value=1))
    return counter_value(connection, activity)


def add(connection: Connection, row: dict[str, Any]) -> None:
    """Insert one change."""
    connection.execute(insert(changes).values(**row))


def between(connection: Connection, activity: str, after: int, upto: int) -> Iterator[Change]:
    """The changes with `after` < counter ≤ `upto`, in order."""
    query = _CHANGE.where(changes.c.activity == activity, changes.c.counter > after)
    for row in connection.execute(query.where(changes.c.counter <= upto).order_by(changes.c.counter)):
        yield _change(row)


def last_alone(connection: Connection, activity: str, position: int) -> Change | None:
    """The last change that one person made alone."""
    query = _of(activity, position).order_by(changes.c.counter.desc()).limit(1)
    row = connection.execute(query).first()
    return None if row is None else _change(row)


def alone(connection: Connection, activity: str, position: int) -> Iterator[Change]:
    """Every change that one person made alone."""
    for row in connection.execute(_of(activity, position)):
        yield _change(row)


def batches(connection: Connection, activity: str, after: int) -> Iterator[Change]:
    """The batches with a counter above `after`, newest first."""
    query = _CHANGE.where(changes.c.activity == activity, changes.c.subject.is_(None))
    for row in connection.execute(query.where(changes.c.counter > after).order_by(changes.c.counter.desc())):
        yield _change(row)


def snapshot_counter(connection: Connection, activity: str) -> int:
    """The counter at which the folded state was kept last; 0 when it never was."""
    query = select(snapshots.c.counter).where(snapshots.c.activity == activity)
    return connection.execute(query).scalar() or 0


def snapshot(connection: Connection, activity: str) -> Fold:
    """The folded state that was kept last; the empty one when none was."""
    row = connection.execute(select(snapshots).where(snapshots.c.activity == activity)).first()
    if row is None:
        return Fold()
    refused = BitMap() if row.refused is None else _bitmap(row.refused)
    return Fold(row.counter, _bitmap(row.granted), _bitmap(row.objected), refused)


def keep_snapshot(connection: Connection, activity: str, fold: Fold) -> None:
    """Keep a folded state in place of the one before."""
    connection.execute(delete(snapshots).where(snapshots.c.activity == activity))
    values = {
        "activity": activity,
        "counter": fold.counter,
        "granted": fold.granted.serialize(),
        "objected": fold.objected.serialize(),
        "refused": fold.refused.serialize(),
    }
    connection.execute(insert(snapshots).values(**values))


def activities(connection: Connection) -> list[str]:
    """Every activity about which somebody chose, or that has a counter."""
    either = select(changes.c.activity).union(select(counters.c.activity))
    return sorted(connection.execute(either).scalars())


def with_entries(connection: Connection, activity: str) -> Iterator[tuple[Row[Any], Change]]:
    """Every change of an activity with its whole row and the body of its entry (None: it has none)."""
    joined = changes.outerjoin(entries, entries.c.leaf == changes.c.entry)
    query = select(changes, entries.c.body.label("entry_body")).select_from(joined)
    query = query.where(changes.c.activity == activity).order_by(changes.c.counter)
    for row in connection.execute(query):
        yield row, _change(row)


def _of(activity: str, position: int) -> Select[Any]:
    return _CHANGE.where(changes.c.activity == activity, changes.c.subject == position)


def entries_alone(connection: Connection, kind: str) -> list[bytes]:
    """The bodies of ledger entries about choices whose row is not there."""
    joined = entries.outerjoin(changes, entries.c.leaf == changes.c.entry)
    query = select(entries.c.body).select_from(joined).where(entries.c.kind == kind)
    return list(connection.execute(query.where(changes.c.counter.is_(None)).order_by(entries.c.id)).scalars())
