"""A small world for engines: persons, versions written straight to Parquet, choices kept in plain sets."""

from __future__ import annotations

import hashlib
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyroaring import BitMap

from publica.data.engines import MaskUpdate
from publica.data.engines.duckdb import Engine
from publica.data.model import ColumnType, TableColumn, TableSchema, Version

_TYPES = {
    pa.string(): ColumnType.STRING,
    pa.int64(): ColumnType.INTEGER,
    pa.date32(): ColumnType.DATE,
    pa.float64(): ColumnType.NUMBER,
    pa.bool_(): ColumnType.BOOLEAN,
}


def publish(
    folder: Path, rows: pa.Table, dataset: str = "people", number: int = 1, subjects: int | None = None
) -> tuple[Version, TableSchema]:
    """Write a table as a version; its hidden subject columns are those called `__subject_…`."""
    path = folder / f"{dataset}-{number}.parquet"
    pq.write_table(rows, path, row_group_size=50_000)
    hidden = [name for name in rows.schema.names if name.startswith("__subject_")]
    columns = tuple(
        TableColumn(field.name, _TYPES[field.type], subject_key=f"__subject_{field.name}" in hidden)
        for field in rows.schema
        if field.name not in hidden
    )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    when = datetime(2026, 1, 1, tzinfo=UTC)
    size = rows.num_rows if subjects is None else subjects
    version = Version(dataset, number, path, rows.num_rows, digest, size, when, b"\0" * 32)
    return version, TableSchema(dataset, columns)


def people(count: int) -> pa.Table:
    """Persons 0 … count-1, each with a key, a town and an income."""
    return pa.table(
        {
            "person_id": pa.array([f"P-{i:07d}" for i in range(count)]),
            "town": pa.array([f"town-{i % 7}" for i in range(count)]),
            "income": pa.array([(i * 7919) % 50_000 for i in range(count)], pa.int64()),
            "__subject_person_id": pa.array(range(count), pa.uint32()),
        }
    )


class Choices:
    """Consent, as plainly as can be: every state there ever was, by counter."""

    def __init__(self, allowed: BitMap) -> None:
        self.states = [allowed]
        self._lock = threading.Lock()

    @property
    def counter(self) -> int:
        return len(self.states) - 1

    def change(self, allow: Any = (), refuse: Any = ()) -> int:
        with self._lock:
            self.states.append((self.states[-1] | BitMap(allow)) - BitMap(refuse))
            return self.counter

    def fetch(self, since: int | None) -> MaskUpdate:
        counter = self.counter
        now = self.states[counter]
        if since is None:
            return MaskUpdate(counter, True, now)
        then = self.states[since]
        return MaskUpdate(counter, False, now - then, then - now)


def rows(engine: Engine, sql: str, seconds: float = 30, **params: object) -> list[dict[str, Any]]:
    with engine.snapshot(seconds) as snapshot:
        return [row for batch in snapshot.batches(sql, params) for row in batch.to_pylist()]
