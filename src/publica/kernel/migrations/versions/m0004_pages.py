"""What the pages need: notices and the answers to their questions, what a choice was made under, requests."""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Text,
    UniqueConstraint,
)

revision = "0004"
down_revision = "0003"

NUMBER = BigInteger().with_variant(Integer, "sqlite")


def upgrade() -> None:
    _notices()
    _answers()
    _choices()
    _rights()
    _requests()
    _breaches()


def _notices() -> None:
    op.create_table(
        "notice",
        Column("number", NUMBER, nullable=False),
        Column("activity", String(length=100), nullable=False),
        Column("version", Integer(), nullable=False),
        Column("terms", Text(), nullable=False),
        Column("hash", String(length=44), nullable=False),
        Column("since", String(length=24), nullable=False),
        Column("counter", NUMBER, nullable=False),
        Column("lapsed", NUMBER, nullable=False),
        Column("entry", LargeBinary(length=32), nullable=False),
        PrimaryKeyConstraint("number"),
        UniqueConstraint("activity", "version"),
        UniqueConstraint("entry"),
    )


def _answers() -> None:
    op.create_table(
        "notice_answer",
        Column("number", NUMBER, nullable=False),
        Column("activity", String(length=100), nullable=False),
        Column("version", Integer(), nullable=False),
        Column("question", String(length=32), nullable=False),
        Column("language", String(length=8), nullable=False),
        Column("passed", Boolean(), nullable=False),
        Column("recorded_at", String(length=24), nullable=False),
        Column("entry", LargeBinary(length=32), nullable=False),
        PrimaryKeyConstraint("number"),
        UniqueConstraint("entry"),
    )
    op.create_index("notice_answer_of", "notice_answer", ["activity", "version"])


def _choices() -> None:
    """Under which terms a choice was made, and which text was shown. Older choices name none."""
    op.add_column("choice_change", Column("terms", String(length=44), nullable=True))
    op.add_column("choice_change", Column("shown", String(length=60), nullable=True))


def _rights() -> None:
    op.create_table(
        "rights_request",
        Column("number", NUMBER, nullable=False),
        Column("id", String(length=40), nullable=False),
        Column("what", String(length=16), nullable=False),
        Column("state", String(length=16), nullable=False),
        Column("organisation", String(length=100), nullable=False),
        Column("dataset", String(length=100), nullable=True),
        Column("subject_tag", LargeBinary(length=16), nullable=False),
        Column("token", LargeBinary(length=16), nullable=False),
        Column("sealed", LargeBinary(), nullable=False),
        Column("recorded_at", String(length=24), nullable=False),
        Column("due_at", String(length=24), nullable=False),
        Column("entry", LargeBinary(length=32), nullable=False),
        Column("decided_at", String(length=24), nullable=True),
        Column("decided_sealed", LargeBinary(), nullable=True),
        Column("decided_entry", LargeBinary(length=32), nullable=True),
        PrimaryKeyConstraint("number"),
        UniqueConstraint("decided_entry"),
        UniqueConstraint("entry"),
        UniqueConstraint("id"),
    )
    op.create_index("ix_rights_request_state", "rights_request", ["state"])
    op.create_index("ix_rights_request_subject_tag", "rights_request", ["subject_tag"])


def _requests() -> None:
    op.create_table(
        "access_request",
        Column("number", NUMBER, nullable=False),
        Column("id", String(length=40), nullable=False),
        Column("state", String(length=16), nullable=False),
        Column("use", String(length=40), nullable=False),
        Column("reason", String(length=64), nullable=False),
        Column("about", String(length=200), nullable=False),
        Column("organisation", String(length=128), nullable=False),
        Column("words", Text(), nullable=False),
        Column("asker", String(length=100), nullable=False),
        Column("authenticated", String(length=32), nullable=False),
        Column("os_user", String(length=100), nullable=True),
        Column("answering", String(length=128), nullable=False),
        Column("addressee", String(length=100), nullable=False),
        Column("salt", LargeBinary(length=16), nullable=False),
        Column("asker_salt", LargeBinary(length=16), nullable=False),
        Column("asked_at", String(length=24), nullable=False),
        Column("due_at", String(length=24), nullable=False),
        Column("entry", LargeBinary(length=32), nullable=False),
        Column("escalated_at", String(length=24), nullable=True),
        Column("escalated_to", String(length=100), nullable=True),
        Column("escalated_entry", LargeBinary(length=32), nullable=True),
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
        UniqueConstraint("escalated_entry"),
        UniqueConstraint("id"),
    )
    for name in ("addressee", "asker", "state", "use"):
        op.create_index(f"ix_access_request_{name}", "access_request", [name])


def _breaches() -> None:
    op.create_table(
        "breach_report",
        Column("number", NUMBER, nullable=False),
        Column("id", String(length=40), nullable=False),
        Column("recorded_at", String(length=24), nullable=False),
        Column("token", LargeBinary(length=16), nullable=False),
        Column("sealed", LargeBinary(), nullable=False),
        Column("entry", LargeBinary(length=32), nullable=False),
        PrimaryKeyConstraint("number"),
        UniqueConstraint("entry"),
        UniqueConstraint("id"),
    )
