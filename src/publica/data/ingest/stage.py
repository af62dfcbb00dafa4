"""The table `raw`, which each file becomes: one text column per column of the schema, in file order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import duckdb
import pyarrow as pa

from publica.data.model import FileReport

BATCH = 50_000


@dataclass(frozen=True)
class Staged:
    """What was read of one file; `line_of(row)` finds the line where row `row` (from 0) begins."""

    report: FileReport
    line_of: Callable[[int], int]


def fill(engine: duckdb.DuckDBPyConnection, width: int, rows: Iterator[list[str | None]]) -> int:
    """Make `raw` of rows of texts, a batch at a time. Returns how many."""
    names = [f"c{i}" for i in range(width)]
    engine.execute(f"CREATE OR REPLACE TEMP TABLE raw ({', '.join(f'{name} VARCHAR' for name in names)})")
    count = 0
    while batch := list(islice(rows, BATCH)):
        table = pa.table([pa.array(column, pa.string()) for column in zip(*batch, strict=True)], names)
        engine.register("incoming", table)
        engine.execute("INSERT INTO raw SELECT * FROM incoming")
        engine.unregister("incoming")
        count += len(batch)
    return count


def one(engine: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row = engine.execute(query).fetchone()
    return row if row is not None else ()
