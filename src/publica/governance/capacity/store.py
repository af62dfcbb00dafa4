"""The table of requests after refusals."""

from __future__ import annotations

from sqlalchemy import Column, LargeBinary, String, Table, Text

from publica.kernel.ledger.store import Number, metadata

ENTRY = "request"
"""The kind of ledger entry that a step of a request makes."""

requests = Table(
    "access_request",
    metadata,
    Column("number", Number, primary_key=True),
    Column("id", String(40), nullable=False, unique=True),
    Column("state", String(16), nullable=False, index=True),  # open, agreed, declined or withdrawn
    Column("use", String(40), nullable=False, index=True),  # the receipt of the refusal
    Column("reason", String(64), nullable=False),  # what was missing: a reason code
    Column("about", String(200), nullable=False),  # of which record: kind:id
    Column("organisation", String(128), nullable=False),  # the asker's
    Column("words", Text, nullable=False),  # why they need it
    Column("asker", String(100), nullable=False, index=True),
    Column("authenticated", String(32), nullable=False),  # how the asker was
    Column("os_user", String(100)),
    Column("answering", String(128), nullable=False),  # the organisation that must answer
    Column("addressee", String(100), nullable=False, index=True),
    Column("salt", LargeBinary(16), nullable=False),  # of the words and the addressee
    Column("asker_salt", LargeBinary(16), nullable=False),
    Column("asked_at", String(24), nullable=False),
    Column("due_at", String(24), nullable=False),
    Column("entry", LargeBinary(32), nullable=False, unique=True),
    Column("escalated_at", String(24)),
    Column("escalated_to", String(100)),
    Column("escalated_entry", LargeBinary(32), unique=True),
    Column("decided_at", String(24)),
    Column("decided_by", String(100)),
    Column("decided_authenticated", String(32)),
    Column("decided_os_user", String(100)),
    Column("decided_salt", LargeBinary(16)),
    Column("decided_why", Text),
    Column("decided_entry", LargeBinary(32), unique=True),
)
