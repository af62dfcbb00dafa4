"""The release history: the cells that each recipient was given under each activity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    func,
    insert,
    select,
)

from publica.kernel.backends import Lock
from publica.kernel.ledger.store import Number, metadata
from publica.trust.privacy.sketch import CELL, TABLE, Sketch, widest

released = Table(
    "released_cell",
    metadata,
    Column("id", Number, primary_key=True),
    Column("recipient", String(128), nullable=False),
    Column("activity", String(128), nullable=False),
    Column("identity", LargeBinary(46), nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("per_person", Integer, nullable=False),
    Column("key", LargeBinary(8), nullable=False),  # names the key that record keys were drawn with
    Column("entry", LargeBinary(32), nullable=False),  # of the receipt with which it came out first
    Index("released_cell_once", "recipient", "activity", "identity", unique=True),
    Index("released_cell_rows", "recipient", "activity", "rows"),
)
_RANGES = 64
"""Up to so many ranges of row counts are asked for one by one; more are asked for as one."""
_AT_ONCE = 500
"""Cells looked up by one statement."""


def lock(recipient: str, activity: str) -> Lock:
    """Held by whoever releases cells, so that each sees what the others released before."""
    return Lock(f"cells {recipient} {activity}")


def last(connection: Connection, recipient: str, activity: str) -> int:
    """The number of the newest cell."""
    newest = select(func.coalesce(func.max(released.c.id), 0)).where(*_of(recipient, activity))
    return int(connection.execute(newest).scalar_one())


def near(
    connection: Connection,
    recipient: str,
    activity: str,
    cells: Sequence[Sketch],
    k: int,
    key: bytes,
    since: int = 0,
) -> list[Sketch]:
    """The released cells whose rows are so close in number to one of `cells` that few persons may differ.

    `key` names the present record keys; what was drawn with others cannot be compared, and is `blind`.
    """
    if not cells:
        return []
    ours = (*_of(recipient, activity), released.c.id > since)
    most = connection.execute(select(func.max(released.c.per_person)).where(*ours)).scalar_one()
    if most is None:
        return []
    reach = (widest(k) - 1) * max(int(most), *(cell.per_person for cell in cells))
    found: list[Sketch] = []
    for low, high in _ranges(sorted({cell.rows for cell in cells}), reach):
        wanted = select(released.c.identity, released.c.rows, released.c.per_person, released.c.key)
        rows = connection.execute(wanted.where(*ours, released.c.rows.between(low, high)))
        found += (
            _sketch(bytes(row.identity), row.rows, row.per_person, blind=bytes(row.key) != key)
            for row in rows
        )
    return found


def unknown(
    connection: Connection, recipient: str, activity: str, cells: Sequence[Sketch]
) -> tuple[Sketch, ...]:
    """Those of `cells` that are not remembered yet, each once."""
    wanted = {cell.identity: cell for cell in cells}
    identities = list(wanted)
    for start in range(0, len(identities), _AT_ONCE):
        some = released.c.identity.in_(identities[start : start + _AT_ONCE])
        found = connection.scalars(select(released.c.identity).where(*_of(recipient, activity), some))
        for identity in found:
            del wanted[bytes(identity)]
    return tuple(wanted.values())


def add(
    connection: Connection, recipient: str, activity: str, cells: Sequence[Sketch], key: bytes, entry: bytes
) -> None:
    """Remember cells that are `unknown`."""
    rows = [
        {
            "recipient": recipient,
            "activity": activity,
            "identity": cell.identity,
            "rows": cell.rows,
            "per_person": cell.per_person,
            "key": key,
            "entry": entry,
        }
        for cell in cells
    ]
    if rows:
        connection.execute(insert(released), rows)


def _of(recipient: str, activity: str) -> tuple[Any, ...]:
    return released.c.recipient == recipient, released.c.activity == activity


def _sketch(identity: bytes, rows: int, per_person: int, *, blind: bool) -> Sketch:
    number, bits, asked = int.from_bytes(identity[:14]), int.from_bytes(identity[14:30]), identity[30:]
    return Sketch(number, bits, rows, per_person, asked[: TABLE + CELL], asked[TABLE + CELL :], blind)


def _ranges(rows: list[int], reach: int) -> Iterator[tuple[int, int]]:
    """The ranges around sorted row counts, merged where they meet."""
    merged: list[tuple[int, int]] = []
    for count in rows:
        low, high = count - reach, count + reach
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], high)
        else:
            merged.append((low, high))
    if len(merged) > _RANGES:
        merged = [(merged[0][0], merged[-1][1])]
    yield from merged
