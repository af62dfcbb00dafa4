"""The tables of 0.1.0."""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Text,
    UniqueConstraint,
    text,
)

revision = "0001"
down_revision = None

NUMBER = BigInteger().with_variant(Integer, "sqlite")


def upgrade() -> None:
    _ledger()
    _records()
    _data()
    _choices()
    _sets()
    _uses()
    _spending()


def _ledger() -> None:
    op.create_table(
        "ledger_entry",
        Column("id", NUMBER, nullable=False),
        Column("position", NUMBER, nullable=True),
        Column("kind", String(length=32), nullable=False),
        Column("body", LargeBinary(), nullable=False),
        Column("leaf", LargeBinary(length=32), nullable=False),
        PrimaryKeyConstraint("id"),
        UniqueConstraint("leaf"),
        UniqueConstraint("position"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "ledger_tile",
        Column("level", Integer(), autoincrement=False, nullable=False),
        Column("number", NUMBER, autoincrement=False, nullable=False),
        Column("width", Integer(), nullable=False),
        Column("hashes", LargeBinary(), nullable=False),
        PrimaryKeyConstraint("level", "number"),
    )
    op.create_table(
        "checkpoint",
        Column("size", NUMBER, autoincrement=False, nullable=False),
        Column("root", LargeBinary(length=32), nullable=False),
        Column("note", String(), nullable=False),
        Column("at", String(length=24), nullable=False),
        PrimaryKeyConstraint("size"),
    )
    op.create_table(
        "ledger_state",
        Column("id", Integer(), autoincrement=False, nullable=False),
        Column("size", NUMBER, nullable=False),
        PrimaryKeyConstraint("id"),
    )
    op.execute("INSERT INTO ledger_state (id, size) VALUES (1, 0)")


def _records() -> None:
    op.create_table(
        "record_revision",
        Column("seq", NUMBER, nullable=False),
        Column("kind", String(length=32), nullable=False),
        Column("id", String(length=100), nullable=False),
        Column("revision", Integer(), nullable=False),
        Column("body", Text(), nullable=False),
        Column("body_salt", LargeBinary(length=16), nullable=False),
        Column("recorded_at", String(length=24), nullable=False),
        Column("actor", String(length=100), nullable=False),
        Column("authenticated", String(length=32), nullable=False),
        Column("os_user", String(length=100), nullable=True),
        Column("actor_salt", LargeBinary(length=16), nullable=False),
        Column("entry", LargeBinary(length=32), nullable=False),
        PrimaryKeyConstraint("seq"),
        UniqueConstraint("entry"),
        UniqueConstraint("kind", "id", "revision"),
        sqlite_autoincrement=True,
    )


def _data() -> None:
    op.create_table(
        "dataset_version",
        Column("dataset", String(length=128), nullable=False),
        Column("number", Integer(), nullable=False),
        Column("path", String(length=512), nullable=False),
        Column("rows", BigInteger(), nullable=False),
        Column("digest", String(length=64), nullable=False),
        Column("subjects", BigInteger(), nullable=False),
        Column("columns", JSON(), nullable=False),
        Column("files", JSON(), nullable=False),
        Column("actor", JSON(), nullable=False),
        Column("salt", LargeBinary(length=16), nullable=False),
        Column("recorded_at", String(length=32), nullable=False),
        Column("entry", LargeBinary(length=32), nullable=False),
        PrimaryKeyConstraint("dataset", "number"),
        UniqueConstraint("path"),
    )
    op.create_table(
        "subject_segment",
        Column("number", Integer(), autoincrement=False, nullable=False),
        Column("first", BigInteger(), nullable=False),
        Column("count", BigInteger(), nullable=False),
        Column("root", LargeBinary(length=32), nullable=False),
        Column("name", String(length=64), nullable=False),
        Column("entry", LargeBinary(length=32), nullable=False),
        PrimaryKeyConstraint("number"),
        UniqueConstraint("first"),
        UniqueConstraint("name"),
    )


def _choices() -> None:
    op.create_table(
        "choice_counter",
        Column("activity", String(length=100), nullable=False),
        Column("value", NUMBER, nullable=False),
        PrimaryKeyConstraint("activity"),
    )
    op.create_table(
        "choice_change",
        Column("activity", String(length=100), nullable=False),
        Column("counter", NUMBER, nullable=False),
        Column("action", String(length=16), nullable=False),
        Column("subject", BigInteger(), nullable=True),
        Column("subjects", LargeBinary(), nullable=True),
        Column("recorded_at", String(length=24), nullable=False),
        Column("salt", LargeBinary(length=16), nullable=False),
        Column("actor", LargeBinary(), nullable=False),
        Column("actor_salt", LargeBinary(length=16), nullable=False),
        Column("entry", LargeBinary(length=32), nullable=False),
        PrimaryKeyConstraint("activity", "counter"),
        UniqueConstraint("entry"),
    )
    op.create_index("choice_of_subject", "choice_change", ["activity", "subject"])
    op.create_table(
        "choice_snapshot",
        Column("activity", String(length=100), nullable=False),
        Column("counter", NUMBER, nullable=False),
        Column("granted", LargeBinary(), nullable=False),
        Column("objected", LargeBinary(), nullable=False),
        PrimaryKeyConstraint("activity"),
    )


def _sets() -> None:
    op.create_table(
        "subject_set",
        Column("number", NUMBER, nullable=False),
        Column("token", LargeBinary(length=16), nullable=False),
        Column("root", String(length=44), nullable=False),
        Column("size", NUMBER, nullable=False),
        Column("large", Boolean(), nullable=False),
        Column("sealed", LargeBinary(), nullable=False),
        Column("in_group", Integer(), nullable=True),
        Column("slot", Integer(), nullable=True),
        PrimaryKeyConstraint("number"),
    )
    op.create_index(
        "subject_set_loose",
        "subject_set",
        ["number"],
        sqlite_where=text("large = 1 AND in_group IS NULL"),
        postgresql_where=text("large AND in_group IS NULL"),
    )
    op.create_table(
        "use_subject",
        Column("tag", NUMBER, nullable=False),
        Column("in_set", NUMBER, nullable=False),
        ForeignKeyConstraint(["in_set"], ["subject_set.number"]),
        PrimaryKeyConstraint("tag", "in_set"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "subject_set_chunk",
        Column("id", NUMBER, autoincrement=False, nullable=False),
        Column("sealed", LargeBinary(), nullable=False),
        PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "subject_group",
        Column("id", Integer(), nullable=False),
        Column("members", LargeBinary(), nullable=False),
        Column("chunks", Integer(), nullable=False),
        Column("done", Integer(), nullable=False),
        PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "subject_index",
        Column("id", NUMBER, autoincrement=False, nullable=False),
        Column("sealed", LargeBinary(), nullable=False),
        PrimaryKeyConstraint("id"),
    )


def _uses() -> None:
    op.create_table(
        "use_matter",
        Column("id", LargeBinary(length=16), nullable=False),
        Column("body", String(), nullable=False),
        PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "use",
        Column("number", NUMBER, nullable=False),
        Column("id", String(length=40), nullable=False),
        Column("entry", LargeBinary(length=32), nullable=False),
        Column("matter", LargeBinary(length=16), nullable=False),
        Column("actor_tag", LargeBinary(length=16), nullable=False),
        Column("activity", String(length=128), nullable=False),
        Column("organisation", String(length=128), nullable=False),
        Column("recorded_at", String(length=24), nullable=False),
        Column("outcome", String(length=16), nullable=False),
        Column("rows", NUMBER, nullable=False),
        Column("bytes", NUMBER, nullable=False),
        Column("touched", NUMBER, nullable=True),
        Column("released", NUMBER, nullable=True),
        Column("released_exact", Boolean(), nullable=False),
        Column("form", String(length=8), nullable=False),
        ForeignKeyConstraint(["matter"], ["use_matter.id"]),
        ForeignKeyConstraint(["released"], ["subject_set.number"]),
        ForeignKeyConstraint(["touched"], ["subject_set.number"]),
        PrimaryKeyConstraint("number"),
        UniqueConstraint("id"),
    )
    op.create_index("ix_use_actor_tag", "use", ["actor_tag"])
    op.create_index("ix_use_released", "use", ["released"])
    op.create_index("ix_use_touched", "use", ["touched"])
    op.create_table(
        "use_private",
        Column("use", NUMBER, autoincrement=False, nullable=False),
        Column("sealed", LargeBinary(), nullable=False),
        ForeignKeyConstraint(["use"], ["use.number"]),
        PrimaryKeyConstraint("use"),
    )
    op.create_table(
        "reading",
        Column("number", NUMBER, nullable=False),
        Column("entry", LargeBinary(length=32), nullable=False),
        Column("what", String(length=32), nullable=False),
        Column("recorded_at", String(length=24), nullable=False),
        Column("token", LargeBinary(length=16), nullable=False),
        Column("sealed", LargeBinary(), nullable=False),
        PrimaryKeyConstraint("number"),
        UniqueConstraint("entry"),
    )


def _spending() -> None:
    op.create_table(
        "agreement_spent",
        Column("agreement", String(length=128), nullable=False),
        Column("period", String(length=10), nullable=False),
        Column("uses", NUMBER, nullable=False),
        Column("rows", BigInteger(), nullable=False),
        PrimaryKeyConstraint("agreement", "period"),
    )
    op.create_table(
        "open_use",
        Column("dataset", String(length=128), nullable=False),
        Column("hour", String(length=13), nullable=False),
        Column("uses", NUMBER, nullable=False),
        PrimaryKeyConstraint("dataset", "hour"),
    )
