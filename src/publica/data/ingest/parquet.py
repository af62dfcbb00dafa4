"""Staging Parquet files that others wrote."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from publica.data.ingest import encoding
from publica.data.ingest.header import shorten
from publica.data.ingest.stage import BATCH, Staged, one
from publica.data.model import FileReport, TableSchema
from publica.data.sql import identifier
from publica.kernel.errors import BadInput, Place

ROW_LIMIT = 4_000_000_000


def stage_parquet(
    engine: duckdb.DuckDBPyConnection, path: Path, schema: TableSchema, tick: encoding.Tick
) -> Staged:
    """Read a Parquet file whose columns are the schema's; its values are checked as text, like any others."""
    with _readable(path):
        file = pq.ParquetFile(path)
        names = file.schema_arrow.names
        rows = file.metadata.num_rows
    _check_columns(file, schema, path.name)
    if rows > ROW_LIMIT:
        raise BadInput(
            f"It claims {rows} rows; the limit is {ROW_LIMIT}.", do="Split it.", place=Place(path.name)
        )
    columns = ", ".join(
        f"CAST({identifier(_heading(names, c.name))} AS VARCHAR) AS c{i}"
        for i, c in enumerate(schema.columns)
    )
    with _readable(path):
        reader = pa.RecordBatchReader.from_batches(file.schema_arrow, file.iter_batches(batch_size=BATCH))
        engine.register("incoming", reader)
        engine.execute(f"CREATE OR REPLACE TEMP TABLE raw AS SELECT {columns} FROM incoming")
        engine.unregister("incoming")
    tick(path.stat().st_size)
    measured = one(engine, "SELECT count(*) FROM raw")[0]
    if measured != rows:
        raise BadInput(
            f"It claims {rows} rows and holds {measured}.", do="Write it again.", place=Place(path.name)
        )
    report = FileReport(
        name=path.name,
        bytes=path.stat().st_size,
        format="parquet",
        encoding=None,
        encoding_found=None,
        delimiter=None,
        rows=rows,
        columns=len(names),
        rejected_bytes=0,
    )
    return Staged(report, lambda row: row + 1)


def _check_columns(file: pq.ParquetFile, schema: TableSchema, name: str) -> None:
    names = file.schema_arrow.names
    folded = [heading.casefold() for heading in names]
    wanted = {column.name.casefold() for column in schema.columns}
    missing = sorted(wanted - set(folded))
    extra = [heading for heading in names if heading.casefold() not in wanted]
    nested = [
        field.name
        for field in file.schema_arrow
        if pa.types.is_nested(field.type)
        or pa.types.is_binary(field.type)
        or pa.types.is_large_binary(field.type)
    ]
    problems = [
        f"{what} {shorten(which)}"
        for what, which in (
            ("missing:", missing),
            ("not in the dataset:", extra),
            ("not one plain value:", nested),
        )
        if which
    ]
    if len(set(folded)) < len(folded):
        problems.append("two columns have the same name")
    if problems:
        raise BadInput(
            f"The columns do not fit the dataset: {'; '.join(problems)}.",
            do="Correct the file, or the columns of the dataset's record.",
            place=Place(name),
        )


def _heading(names: list[str], column: str) -> str:
    return next(name for name in names if name.casefold() == column.casefold())


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """A Parquet file that cannot be read is bad input, whatever its reader calls it."""
    try:
        yield
    except (pa.ArrowException, OSError, duckdb.InvalidInputException, duckdb.ConversionException):
        raise BadInput(
            "This Parquet file is damaged, encrypted, or of a kind that is not read.",
            do="Write it again, or load it as CSV.",
            place=Place(path.name),
        ) from None
