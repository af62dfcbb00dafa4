"""The tables of uses, their sealed originals, and subject sets.

A set of at most `SMALL` subjects is one sealed value, and one keyed tag per subject by which it is found. A
larger one is kept in sealed chunks of `CHUNK` positions until `index.compact` turns `GROUP` of them into rows
by blocks of people. Blocks without any member are left out.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, Table

from publica.kernel.backends import Lock
from publica.kernel.ledger.store import Number, metadata

SMALL = 64
"""Sets of up to this many subjects are found by tags instead of bits."""
CHUNK = 131_072
"""Positions per chunk of a large set (16 KiB): what a look-up decrypts of each set not yet compacted."""

COMPACTS = Lock("subject index")

matters = Table(
    "use_matter",
    metadata,
    Column("id", LargeBinary(16), primary_key=True),  # start of SHA-256 of `body`
    Column("body", String, nullable=False),  # JSON: what many uses have in common
    sqlite_with_rowid=False,
)

subject_sets = Table(
    "subject_set",
    metadata,
    Column("number", Number, primary_key=True),
    Column("token", LargeBinary(16), nullable=False),  # what its ciphertexts are bound to
    Column("root", String(44), nullable=False),
    Column("size", Number, nullable=False),
    Column("large", Boolean, nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # salt (16 bytes), then a small set's positions (uint32)
    Column("in_group", Integer),  # the group of a large set that is being, or was, compacted
    Column("slot", Integer),  # its place there
)
Index(
    "subject_set_loose",
    subject_sets.c.number,
    sqlite_where=subject_sets.c.large & subject_sets.c.in_group.is_(None),
    postgresql_where=subject_sets.c.large & subject_sets.c.in_group.is_(None),
)

tags = Table(
    "use_subject",
    metadata,
    Column("tag", Number, primary_key=True),
    Column("in_set", Number, ForeignKey("subject_set.number"), primary_key=True),
    sqlite_with_rowid=False,
)

chunks = Table(
    "subject_set_chunk",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=False),  # chunk * 2^40 + number of the set
    Column("sealed", LargeBinary, nullable=False),
)

groups = Table(
    "subject_group",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("members", LargeBinary, nullable=False),  # numbers of its sets, by slot: uint64, big-endian
    Column("chunks", Integer, nullable=False),  # how many chunks its largest set has
    Column("done", Integer, nullable=False),  # how many of them are compacted
)

blocks = Table(
    "subject_index",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=False),  # block * 2^24 + group
    Column("sealed", LargeBinary, nullable=False),
)

uses = Table(
    "use",
    metadata,
    Column("number", Number, primary_key=True),
    Column("id", String(40), nullable=False, unique=True),
    Column("entry", LargeBinary(32), nullable=False),
    Column("matter", LargeBinary(16), ForeignKey("use_matter.id"), nullable=False),
    Column("actor_tag", LargeBinary(16), nullable=False, index=True),
    Column("activity", String(128), nullable=False),
    Column("organisation", String(128), nullable=False),
    Column("recorded_at", String(24), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("rows", Number, nullable=False),
    Column("bytes", Number, nullable=False),
    Column("touched", Number, ForeignKey("subject_set.number"), index=True),
    Column("released", Number, ForeignKey("subject_set.number"), index=True),
    Column("released_exact", Boolean, nullable=False),
    Column("form", String(8), nullable=False),
)

privates = Table(
    "use_private",
    metadata,
    Column("use", Number, ForeignKey("use.number"), primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary, nullable=False),  # JSON: actor, statement, parameters, salts
)

readings = Table(
    "reading",
    metadata,
    Column("number", Number, primary_key=True),
    Column("entry", LargeBinary(32), nullable=False, unique=True),
    Column("what", String(32), nullable=False),
    Column("recorded_at", String(24), nullable=False),
    Column("token", LargeBinary(16), nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # JSON: who, about whom, why, salts
)

breaches = Table(
    "breach_report",
    metadata,
    Column("number", Number, primary_key=True),
    Column("id", String(40), nullable=False, unique=True),
    Column("recorded_at", String(24), nullable=False),
    Column("token", LargeBinary(16), nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # JSON: about whom, when, why, by whom, who was touched
    Column("entry", LargeBinary(32), nullable=False, unique=True),
)
