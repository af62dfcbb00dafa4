"""The tables of credentials: API tokens, sessions, sign-ins under way, answers to repeated requests.

A token, a session's id and a state are random (256 bits), so that their plain SHA-256 is kept and nothing
else. What is `PASSING` is in no backup: a restored instance has signed everybody out.
"""

from __future__ import annotations

from sqlalchemy import Column, Integer, LargeBinary, String, Table, Text

from publica.kernel.ledger.store import PASSING, Number, metadata

tokens = Table(
    "api_token",
    metadata,
    Column("number", Number, primary_key=True),
    Column("id", String(40), nullable=False, unique=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("holder", String(100), nullable=False, index=True),  # an official's id
    Column("name", String(200), nullable=False),
    Column("activities", Text),  # JSON list; none: every activity
    Column("scopes", Text, nullable=False),  # JSON list
    Column("created_at", String(24), nullable=False),
    Column("expires_at", String(24), nullable=False),
    Column("last_used", String(24)),  # to the hour
    Column("revoked_at", String(24)),
    Column("salt", LargeBinary(16), nullable=False),  # of what the entry says of this row
    Column("entry", LargeBinary(32), nullable=False, unique=True),
    Column("revoked_entry", LargeBinary(32), unique=True),
)

sessions = Table(
    "session",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("actor_tag", LargeBinary(16), nullable=False, index=True),
    Column("sealed", LargeBinary, nullable=False),  # JSON: who, and how they signed in
    Column("signed_in_at", String(24), nullable=False),
    Column("used_at", String(24), nullable=False),  # to the minute
    Column("expires_at", String(24), nullable=False, index=True),
    sqlite_with_rowid=False,
    info=PASSING,
)

attempts = Table(
    "sign_in_attempt",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),  # of the state
    Column("browser", LargeBinary(32), nullable=False),  # digest of what the browser's cookie holds
    Column("provider", String(32), nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # JSON: nonce, code verifier, where to go on
    Column("expires_at", String(24), nullable=False, index=True),
    sqlite_with_rowid=False,
    info=PASSING,
)

events = Table(
    "identity_event",
    metadata,
    Column("number", Number, primary_key=True),
    Column("entry", LargeBinary(32), nullable=False, unique=True),
    Column("what", String(32), nullable=False),
    Column("recorded_at", String(24), nullable=False),
    Column("token", LargeBinary(16), nullable=False),  # what the ciphertext is bound to
    Column("sealed", LargeBinary, nullable=False),  # JSON: what the entry commits to, with the salts
)

answers = Table(
    "idempotency_key",
    metadata,
    Column("tag", LargeBinary(32), primary_key=True),  # keyed digest of actor, method, path and key
    Column("request", LargeBinary(32), nullable=False),  # keyed digest of what was sent
    Column("status", Integer),  # none: under way
    Column("sealed", LargeBinary),  # the answer
    Column("expires_at", String(24), nullable=False, index=True),
    sqlite_with_rowid=False,
    info=PASSING,
)
