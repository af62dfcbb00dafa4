"""The ledger's tables."""

from __future__ import annotations

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
