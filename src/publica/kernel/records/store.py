"""The one table of revisions of all records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    insert,
    select,
)

from publica.kernel import clock
from publica.kernel.backends import Lock
from publica.kernel.ledger.store import Number, entries, metadata

ENTRY = "record"
"""The kind of ledger entry that a revision makes."""

STANDS = Lock("records", shared=True)
"""Held by what rests on the records as they are."""
CHANGES = Lock("records")

revisions = Table(
    "record_revision",
    metadata,
    Column("seq", Number, primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("id", String(100), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("body", Text, nullable=False),  # canonical JSON of the spec
    Column("body_salt", LargeBinary(16), nullable=False),
    Column("recorded_at", String(24), nullable=False),
    Column("actor", String(100), nullable=False),
    Column("authenticated", String(32), nullable=False),
    Column("os_user", String(100)),
    Column("actor_salt", LargeBinary(16), nullable=False),
    Column("entry", LargeBinary(32), nullable=False, unique=True),
    UniqueConstraint("kind", "id", "revision"),
    sqlite_autoincrement=True,
)

_LAST = select(revisions.c.seq, revisions.c.entry).order_by(revisions.c.seq.desc()).limit(1)
NEWEST = tuple(_LAST.with_only_columns(column) for column in (revisions.c.seq, revisions.c.entry))
"""The two parts of a stamp, each as a query of its own; NULL where there is no record."""

Row = dict[str, Any]

Stamp = tuple[int, bytes]
"""The newest revision: its number, and the leaf of its ledger entry, which no other revision has."""


def stamp(connection: Connection) -> Stamp:
    """What identifies the present state of all records."""
    row = connection.execute(_LAST).first()
    return (row[0], row[1]) if row is not None else (0, b"")


def current(connection: Connection, at: datetime | None = None) -> list[Row]:
    """The newest revision of every record (as of an instant, if one is given), in order of `seq`."""
    newest = select(func.max(revisions.c.seq)).group_by(revisions.c.kind, revisions.c.id)
    if at is not None:
        newest = newest.where(revisions.c.recorded_at <= clock.text(at))
    query = select(revisions).where(revisions.c.seq.in_(newest)).order_by(revisions.c.seq)
    return [dict(row) for row in connection.execute(query).mappings()]


def of(connection: Connection, kind: str, record_id: str) -> list[Row]:
    """Every revision of one record, oldest first."""
    query = select(revisions).where(revisions.c.kind == kind, revisions.c.id == record_id)
    return [dict(row) for row in connection.execute(query.order_by(revisions.c.revision)).mappings()]


def with_entries(connection: Connection) -> Iterator[Row]:
    """Every revision with the body of its ledger entry (None when it has none), oldest first."""
    joined = revisions.outerjoin(entries, entries.c.leaf == revisions.c.entry)
    query = select(revisions, entries.c.body.label("entry_body")).select_from(joined)
    for row in connection.execute(query.order_by(revisions.c.seq)).mappings():
        yield dict(row)


def entries_alone(connection: Connection) -> list[bytes]:
    """The bodies of ledger entries about records whose revision is not there."""
    joined = entries.outerjoin(revisions, entries.c.leaf == revisions.c.entry)
    query = select(entries.c.body).select_from(joined)
    lost = query.where(entries.c.kind == ENTRY, revisions.c.seq.is_(None)).order_by(entries.c.id)
    return list(connection.execute(lost).scalars())


def add(connection: Connection, rows: Sequence[Row]) -> None:
    """Insert new revisions."""
    connection.execute(insert(revisions), rows)
