"""The tables of the data area: the manifest of versions and the segments of the directory."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Integer, LargeBinary, String, Table

from publica.kernel.backends import Lock
from publica.kernel.ledger.store import metadata

PUBLISHES = Lock("versions")
"""One load at a time publishes: it numbers its version, and the directory grows by its people."""

dataset_version = Table(
    "dataset_version",
    metadata,
    Column("dataset", String(128), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("path", String(512), nullable=False, unique=True),  # relative to the data folder
    Column("rows", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("subjects", BigInteger, nullable=False),
    Column("columns", JSON, nullable=False),
    Column("files", JSON, nullable=False),  # what was measured of each file
    Column("actor", JSON, nullable=False),
    Column("salt", LargeBinary(16), nullable=False),  # of the commitment to the actor
    Column("recorded_at", String(32), nullable=False),
    Column("entry", LargeBinary(32), nullable=False),
)

subject_segment = Table(
    "subject_segment",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("first", BigInteger, nullable=False, unique=True),
    Column("count", BigInteger, nullable=False),
    Column("root", LargeBinary(32), nullable=False),
    Column("name", String(64), nullable=False, unique=True),  # its files in subjects/ begin with this
    Column("entry", LargeBinary(32), nullable=False),
)
