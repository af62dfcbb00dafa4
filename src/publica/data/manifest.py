"""The manifest: every file of the data folder that is published."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, select

from publica.data import subjects
from publica.data.store import dataset_version


def published(connection: Connection) -> set[str]:
    """Every file that is published, relative to the data folder."""
    paths = set(connection.execute(select(dataset_version.c.path)).scalars())
    for segment in subjects.segments(connection):
        kinds = ("by-key.parquet", "by-position.parquet", "blocks")
        paths |= {segment.file(Path(), kind).as_posix() for kind in kinds}
    return paths
