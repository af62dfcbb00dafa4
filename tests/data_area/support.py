"""A small instance to load into, and short ways to write schemas."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import states
from sqlalchemy import Connection

from publica.data import ColumnType, CsvOptions, LoadReport, TableColumn, TableSchema, Version, versions
from publica.data.ingest import load
from publica.kernel import keys
from publica.kernel.actor import Actor
from publica.kernel.database import Database

ROOT = Path(__file__).parents[2]
FILES = ROOT / "tests" / "data" / "csv"
SHARED = ROOT.parent / "shared" / "data" / "csv"
ACTOR = Actor("carla", "operator", "tester")


class Instance:
    """A state database, keys and a data folder."""

    def __init__(self, folder: Path, url: str | None = None) -> None:
        """`url`: of the state that is there already, made by another process."""
        self.root = folder
        self.folder = folder / "data"
        self.db = Database(url) if url else states.database(folder)
        self.url = url or states.url(folder)
        keys.create(folder / "keys")
        self.keys = keys.load(folder / "keys")

    def load(self, schema: TableSchema, *files: Path, **options: Any) -> LoadReport:
        return load(self.db, self.keys, self.folder, schema, files, ACTOR, **options)

    def read(self, schema: TableSchema, *files: Path) -> list[list[Any]]:
        """What a load of these files holds, rows as lists, hidden columns left out."""
        return rows(loaded(self.load(schema, *files)))

    def text(self, name: str, text: str | bytes) -> Path:
        path = self.root / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def files(self) -> set[str]:
        found = (path for path in self.folder.glob("**/*") if path.is_file())
        return {path.relative_to(self.folder).as_posix() for path in found}

    def entries(self) -> list[str]:
        with self.db.read() as connection:
            query = "SELECT kind FROM ledger_entry ORDER BY id"
            return list(connection.exec_driver_sql(query).scalars())


def versions_of(connection: Connection, folder: Path, dataset: str) -> tuple[Version, ...]:
    """Every version of a dataset, oldest first."""
    numbered = (versions.get(connection, folder, dataset, number) for number in count(1))
    return tuple(takewhile(lambda version: version is not None, numbered))  # type: ignore[arg-type]


def loaded(report: LoadReport) -> Version:
    assert report.version is not None
    return report.version


def rows(version: Version, *, hidden: bool = False) -> list[list[Any]]:
    table = pq.read_table(version.path)
    names = [name for name in table.column_names if hidden or not name.startswith("__subject_")]
    return [list(row) for row in zip(*(table[name].to_pylist() for name in names), strict=True)]


def schema(columns: str | Iterable[TableColumn], **options: Any) -> TableSchema:
    """A schema of text columns from `a,b,c`, or of given columns."""
    if isinstance(columns, str):
        columns = [TableColumn(name) for name in columns.split(",")]
    return TableSchema("table", tuple(columns), CsvOptions(**options))


def one(kind: ColumnType, **more: Any) -> TableColumn:
    return TableColumn("v", kind, **more)


def person(name: str = "person_id") -> TableColumn:
    return TableColumn(name, required=True, subject_key=True, concept="person")


def shared(name: str) -> Path:
    """A file whose licence forbids copying it here. In CI its absence fails the test (tests/conftest.py)."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"NOT TESTED: {name} is not at {SHARED}")
    return path
