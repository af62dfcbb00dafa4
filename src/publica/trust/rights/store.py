"""The table of what people ask for about themselves: corrections, and complaints about a use."""

from __future__ import annotations

from sqlalchemy import Column, LargeBinary, String, Table

from publica.kernel.ledger.store import Number, metadata

ENTRY = "rights-request"
"""The kind of ledger entry that a step of a request makes."""

requests = Table(
    "rights_request",
    metadata,
    Column("number", Number, primary_key=True),
    Column("id", String(40), nullable=False, unique=True),
    Column("what", String(16), nullable=False),  # correction or complaint
    Column("state", String(16), nullable=False, index=True),
    Column("organisation", String(100), nullable=False),  # whose it is to answer
    Column("dataset", String(100)),
    Column("subject_tag", LargeBinary(16), nullable=False, index=True),  # keyed: by it a person finds theirs
    Column("token", LargeBinary(16), nullable=False),  # what the ciphertexts are bound to
    Column("sealed", LargeBinary, nullable=False),  # JSON: who, about what, in which words; salts
    Column("recorded_at", String(24), nullable=False),
    Column("due_at", String(24), nullable=False),
    Column("entry", LargeBinary(32), nullable=False, unique=True),
    Column("decided_at", String(24)),
    Column("decided_sealed", LargeBinary),  # JSON: who, what they answer; salts
    Column("decided_entry", LargeBinary(32), unique=True),
)
