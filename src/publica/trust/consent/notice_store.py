"""Notices in the state database: the versions of an activity's terms, and answers to questions about them."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint

from publica.kernel.ledger.store import Number, metadata

NOTICE, ANSWER = "notice", "notice-answer"
"""The kinds of ledger entry: terms begin to hold; somebody answered the question about them."""

notices = Table(
    "notice",
    metadata,
    Column("number", Number, primary_key=True),
    Column("activity", String(100), nullable=False),
    Column("version", Integer, nullable=False),
    Column("terms", Text, nullable=False),  # canonical JSON
    Column("hash", String(44), nullable=False),
    Column("since", String(24), nullable=False),
    Column("counter", Number, nullable=False),  # of the activity's choices, once older consents had lapsed
    Column("lapsed", Number, nullable=False),  # how many people's consent did
    Column("entry", LargeBinary(32), nullable=False, unique=True),
    UniqueConstraint("activity", "version"),
)

answers = Table(
    "notice_answer",
    metadata,
    Column("number", Number, primary_key=True),
    Column("activity", String(100), nullable=False),
    Column("version", Integer, nullable=False),
    Column("question", String(32), nullable=False),
    Column("language", String(8), nullable=False),
    Column("passed", Boolean, nullable=False),  # by whom is nowhere
    Column("recorded_at", String(24), nullable=False),
    Column("entry", LargeBinary(32), nullable=False, unique=True),
    Index("notice_answer_of", "activity", "version"),
)
