"""The sequencer: gives committed entries their positions in the tree, and extends the tree by them."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, func, select, update

from publica.kernel.database import Change, Database
from publica.kernel.errors import IntegrityBroken
from publica.kernel.ledger import tiles
from publica.kernel.ledger.store import Number, entries, state

BATCH = 4096
"""Entries per transaction: 16 tiles. Writers wait for one such transaction at most."""

_PLACE = (
    update(entries)
    .where(entries.c.id == bindparam("entry"), entries.c.position.is_(None))
    .values(position=bindparam("place", type_=Number))
)


def sequence(database: Database) -> int:
    """Position every committed entry that has none, in the order of ids; returns how many.

    Any number of processes may call this at once: each transaction holds the ledger's state row. On
    PostgreSQL an entry may be committed after one with a larger id; it then gets a later position.
    """
    total = 0
    while placed := database.maintain(_batch):
        total += placed
    return total


def waiting(connection: Connection) -> tuple[int, int]:
    """The tree's size, and how many committed entries have no position yet."""
    size = connection.execute(select(state.c.size)).scalar() or 0
    late = select(func.count()).select_from(entries).where(entries.c.position.is_(None))
    return size, connection.execute(late).scalar() or 0


def locked_size(connection: Connection) -> int:
    """The tree's size, its state row locked until the transaction ends."""
    size: int | None = connection.execute(select(state.c.size).with_for_update()).scalar()
    if size is None:
        raise IntegrityBroken("The ledger has lost its state.", do="Run `publica ledger verify`.")
    return size


def _batch(change: Change) -> int:
    connection = change.connection
    size = locked_size(connection)
    late = connection.execute(
        select(entries.c.id, entries.c.leaf)
        .where(entries.c.position.is_(None))
        .order_by(entries.c.id)
        .limit(BATCH)
    ).all()
    if late:
        tiles.extend(connection, size, [leaf for _, leaf in late])
        connection.execute(_PLACE, [{"entry": entry, "place": size + i} for i, (entry, _) in enumerate(late)])
        connection.execute(update(state).values(size=size + len(late)))
    return len(late)
