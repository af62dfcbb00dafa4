"""The table of proposals: changes of records that one official proposes and another decides."""

from __future__ import annotations

from sqlalchemy import Column, LargeBinary, String, Table, Text

from publica.kernel.ledger.store import Number, metadata

ENTRY = "proposal"
"""The kind of ledger entry that a step of a proposal makes."""

proposals = Table(
    "proposal",
    metadata,
    Column("number", Number, primary_key=True),
    Column("id", String(40), nullable=False, unique=True),
    Column("state", String(16), nullable=False, index=True),  # open, accepted or declined
    Column("documents", Text, nullable=False),  # canonical JSON: a list of records
    Column("salt", LargeBinary(16), nullable=False),  # of the documents
    Column("title", String(200), nullable=False),
    Column("proposed_at", String(24), nullable=False),
    Column("proposer", String(100), nullable=False),
    Column("authenticated", String(32), nullable=False),  # how the proposer was
    Column("os_user", String(100)),
    Column("proposer_salt", LargeBinary(16), nullable=False),
    Column("entry", LargeBinary(32), nullable=False, unique=True),
    Column("decided_at", String(24)),
    Column("decided_by", String(100)),
    Column("decided_authenticated", String(32)),
    Column("decided_os_user", String(100)),
    Column("decided_salt", LargeBinary(16)),
    Column("decided_why", Text),
    Column("decided_entry", LargeBinary(32), unique=True),
)
