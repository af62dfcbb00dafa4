"""One moment: where everything stands that a use rests on, read at once: for its facts, then its receipt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from publica.data import subjects
from publica.kernel import clock
from publica.kernel.records import Book, Kind, book
from publica.kernel.records import store as records
from publica.trust.consent import notices
from publica.trust.consent import store as choices

_MOMENT = select(
    *(newest.scalar_subquery() for newest in records.NEWEST),
    choices.COUNTER.scalar_subquery(),
    notices.LAST_HASH.scalar_subquery(),
    subjects.SIZE.scalar_subquery(),
)


@dataclass(frozen=True)
class Moment:
    """The records, how many choices there were about an activity, the terms of its newest notice, how many
    people there are; and the connection to read more of the same snapshot with."""

    connection: Connection
    at: datetime
    records: Book
    counter: int
    terms: str | None
    size: int


def moment(connection: Connection, kinds: Sequence[Kind], activity: str) -> Moment:
    """The moment that a connection sees, of one activity."""
    seq, entry, counter, terms, size = tuple(connection.execute(_MOMENT, {"activity": activity}).one())
    known = book(connection, kinds, stamp=(seq or 0, entry or b""))
    return Moment(connection, clock.now(), known, counter or 0, terms, int(size))
