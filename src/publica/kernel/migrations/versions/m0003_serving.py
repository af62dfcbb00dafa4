"""What serving needs: tokens, sessions, sign-ins, answers to repeated requests, proposals of records."""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Text,
    UniqueConstraint,
)

revision = "0003"
down_revision = "0002"

NUMBER = BigInteger().with_variant(Integer, "sqlite")


def upgrade() -> None:
    _tokens()
    _sessions()
    _attempts()
    _events()
    _answers()
    _proposals()


def _tokens() -> None:
    op.create_table(
        "api_token",
        Column("number", NUMBER, nullable=False),
        Column("id", String(length=40), nullable=False),
        Column("digest", LargeBinary(length=32), nullable=False),
        Column("holder", String(length=100), nullable=False),
        Column("name", String(length=200), nullable=False),
        Column("activities", Text(), nullable=True),
        Column("scopes", Text(), nullable=False),
        Column("created_at", String(length=24), nullable=False),
        Column("expires_at", String(length=24), nullable=False),
        Column("last_used", String(length=24), nullable=True),
        Column("revoked_at", String(length=24), nullable=True),
        Column("salt", LargeBinary(length=16), nullable=False),
        Column("entry", LargeBinary(length=32), nullable=False),
        Column("revoked_entry", LargeBinary(length=32), nullable=True),
        PrimaryKeyConstraint("number"),
        UniqueConstraint("digest"),
        UniqueConstraint("entry"),
        UniqueConstraint("id"),
        UniqueConstraint("revoked_entry"),
    )
    op.create_index("ix_api_token_holder", "api_token", ["holder"])


def _sessions() -> None:
    op.create_table(
        "session",
        Column("digest", LargeBinary(length=32), nullable=False),
        Column("actor_tag", LargeBinary(length=16), nullable=False),
        Column("sealed", LargeBinary(), nullable=False),
        Column("signed_in_at", String(length=24), nullable=False),
        Column("used_at", String(length=24), nullable=False),
        Column("expires_at", String(length=24), nullable=False),
        PrimaryKeyConstraint("digest"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_session_actor_tag", "session", ["actor_tag"])
    op.create_index("ix_session_expires_at", "session", ["expires_at"])


def _attempts() -> None:
    op.create_table(
        "sign_in_attempt",
        Column("digest", LargeBinary(length=32), nullable=False),
        Column("browser", LargeBinary(length=32), nullable=False),
        Column("provider", String(length=32), nullable=False),
        Column("sealed", LargeBinary(), nullable=False),
        Column("expires_at", String(length=24), nullable=False),
        PrimaryKeyConstraint("digest"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_sign_in_attempt_expires_at", "sign_in_attempt", ["expires_at"])


def _events() -> None:
    op.create_table(
        "identity_event",
        Column("number", NUMBER, nullable=False),
        Column("entry", LargeBinary(length=32), nullable=False),
        Column("what", String(length=32), nullable=False),
        Column("recorded_at", String(length=24), nullable=False),
        Column("token", LargeBinary(length=16), nullable=False),
        Column("sealed", LargeBinary(), nullable=False),
        PrimaryKeyConstraint("number"),
        UniqueConstraint("entry"),
    )


def _answers() -> None:
    op.create_table(
        "idempotency_key",
        Column("tag", LargeBinary(length=32), nullable=False),
        Column("request", LargeBinary(length=32), nullable=False),
        Column("status", Integer(), nullable=True),
        Column("sealed", LargeBinary(), nullable=True),
        Column("expires_at", String(length=24), nullable=False),
        PrimaryKeyConstraint("tag"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_idempotency_key_expires_at", "idempotency_key", ["expires_at"])


def _proposals() -> None:
    op.create_table(
        "proposal",
        Column("number", NUMBER, nullable=False),
        Column("id", String(length=40), nullable=False),
        Column("state", String(length=16), nullable=False),
        Column("documents", Text(), nullable=False),
        Column("salt", LargeBinary(length=16), nullable=False),
        Column("title", String(length=200), nullable=False),
        Column("proposed_at", String(length=24), nullable=False),
        Column("proposer", String(length=100), nullable=False),
        Column("authenticated", String(length=32), nullable=False),
        Column("os_user", String(length=100), nullable=True),
        Column("proposer_salt", LargeBinary(length=16), nullable=False),
        Column("entry", LargeBinary(length=32), nullable=False),
        Column("decided_at", String(length=24), nullable=True),
        Column("decided_by", String(length=100), nullable=True),
        Column("decided_authenticated", String(length=32), nullable=True),
        Column("decided_os_user", String(length=100), nullable=True),
        Column("decided_salt", LargeBinary(length=16), nullable=True),
        Column("decided_why", Text(), nullable=True),
        Column("decided_entry", LargeBinary(length=32), nullable=True),
        PrimaryKeyConstraint("number"),
        UniqueConstraint("decided_entry"),
        UniqueConstraint("entry"),
        UniqueConstraint("id"),
    )
    op.create_index("ix_proposal_state", "proposal", ["state"])
