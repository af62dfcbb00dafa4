"""The versions of datasets that were published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, bindparam, select

from publica.data.model import Version
from publica.data.store import dataset_version as table
from publica.kernel import clock

_COLUMNS = (
    table.c.dataset,
    table.c.number,
    table.c.path,
    table.c.rows,
    table.c.digest,
    table.c.subjects,
    table.c.recorded_at,
    table.c.entry,
    table.c.columns,
)
_ALL = select(*_COLUMNS)
_NEWEST = _ALL.where(table.c.dataset == bindparam("of")).order_by(table.c.number.desc()).limit(1)


def current(connection: Connection, folder: Path, dataset: str) -> Version | None:
    """The newest version of a dataset; None when nothing was loaded. `folder` is the data folder."""
    row = connection.execute(_NEWEST, {"of": dataset}).mappings().one_or_none()
    return _version(folder, row) if row is not None else None


def get(connection: Connection, folder: Path, dataset: str, number: int) -> Version | None:
    """That version of a dataset; None when there is none."""
    wanted = _ALL.where(table.c.dataset == dataset, table.c.number == number)
    return _one(connection, folder, wanted)


def all_of(connection: Connection, folder: Path, dataset: str) -> list[Version]:
    """Every version of a dataset, newest first."""
    query = _ALL.where(table.c.dataset == dataset).order_by(table.c.number.desc())
    return [_version(folder, row) for row in connection.execute(query).mappings()]


def _one(connection: Connection, folder: Path, query: Select[Any]) -> Version | None:
    row = connection.execute(query).mappings().one_or_none()
    return _version(folder, row) if row is not None else None


def _version(folder: Path, row: RowMapping) -> Version:
    return Version(
        dataset=row["dataset"],
        number=row["number"],
        path=folder / row["path"],
        rows=row["rows"],
        digest=row["digest"],
        subjects=row["subjects"],
        recorded_at=clock.parse(row["recorded_at"]),
        entry=row["entry"],
        columns=tuple(row["columns"]),
    )
