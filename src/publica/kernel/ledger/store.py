"""The ledger's tables."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    event,
    insert,
    select,
)

metadata = MetaData()
"""Every table of the state database is declared on this."""

PASSING = {"passing": True}
"""`info` of a table of which nothing is missed when it is empty: it is in no backup."""

Number = BigInteger().with_variant(Integer, "sqlite")
"""64 bits everywhere: SQLite's INTEGER has them, and numbers rows only under that name."""

entries = Table(
    "ledger_entry",
    metadata,
    Column("id", Number, primary_key=True),
    Column("position", Number, unique=True),  # leaf index, given by the sequencer
    Column("kind", String(32), nullable=False),
    Column("body", LargeBinary, nullable=False),  # canonical JSON
    Column("leaf", LargeBinary(32), nullable=False, unique=True),
    sqlite_autoincrement=True,
)

tiles = Table(
    "ledger_tile",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("number", Number, primary_key=True, autoincrement=False),
    Column("width", Integer, nullable=False),  # hashes so far, 1 to 256
    Column("hashes", LargeBinary, nullable=False),  # width * 32 bytes
)

checkpoints = Table(
    "checkpoint",
    metadata,
    Column("size", Number, primary_key=True, autoincrement=False),
    Column("root", LargeBinary(32), nullable=False),
    Column("note", String, nullable=False),  # the signed note, as published
    Column("at", String(24), nullable=False),
)

state = Table(
    "ledger_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("size", Number, nullable=False),  # entries sequenced
)
"""One row, which whoever extends the tree or signs it holds locked."""


@event.listens_for(state, "after_create")
def _first_state(_table: Table, connection: Connection, **_options: object) -> None:
    connection.execute(insert(state).values(id=1, size=0))


def fields(body: bytes) -> dict[str, Any]:
    """What an entry of this body says: what was entered, its kind, and `at`."""
    said: dict[str, Any] = json.loads(body)
    return {name: value for name, value in said.items() if name not in ("nonce", "v")}


def entered(connection: Connection, leaf: bytes | None, kind: str, at: str | None) -> dict[str, Any] | None:
    """What was entered with the entry of this leaf; None when there is none of this kind and time."""
    body = connection.execute(select(entries.c.body).where(entries.c.leaf == leaf)).scalar()
    said = {} if body is None else fields(body)
    same = said.pop("kind", None) == kind and said.pop("at", None) == at
    return said if same else None


def newest(connection: Connection, most: int) -> list[tuple[int, str, bytes]]:
    """Position, kind and body of the latest entries that have a position, newest first."""
    columns = entries.c
    query = select(columns.position, columns.kind, columns.body).where(columns.position.is_not(None))
    rows = connection.execute(query.order_by(columns.position.desc()).limit(most)).all()
    return [(row[0], row[1], row[2]) for row in rows]
