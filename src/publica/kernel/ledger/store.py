"""The ledger's tables."""

from __future__ import annotations

from sqlalchemy import Column, Integer, LargeBinary, MetaData, String, Table

metadata = MetaData()
"""Every table of the state database is declared on this."""

entries = Table(
    "ledger_entry",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("position", Integer, unique=True),  # leaf index, given by the sequencer
    Column("kind", String(32), nullable=False),
    Column("body", LargeBinary, nullable=False),  # canonical JSON
    Column("leaf", LargeBinary(32), nullable=False, unique=True),
    sqlite_autoincrement=True,
)
