"""The state database as files, one per table, the same for SQLite and PostgreSQL: what a backup holds.

A file is an Arrow IPC stream (compressed with zstd); integers are int64, bytes binary, JSON its text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import JSON, Boolean, Column, Connection, Integer, LargeBinary, MetaData, Table, func, select

from publica.kernel.backends import is_postgres
from publica.kernel.errors import IntegrityBroken
from publica.kernel.ledger.store import PASSING, metadata

BATCH = 2000
"""Rows at once: the largest are some 20 KiB."""
_OPTIONS = pa.ipc.IpcWriteOptions(compression="zstd")


def tables() -> Sequence[Table]:
    """Every table but those that are `PASSING`; those referred to before those that refer."""
    return [table for table in metadata.sorted_tables if table.info != PASSING]


def write(connection: Connection, table: Table, path: Path) -> int:
    """Write the rows of a table, as the connection's snapshot has them; returns how many."""
    schema = pa.schema([(column.name, _type(column)) for column in table.columns])
    texts = [column.name for column in table.columns if isinstance(column.type, JSON)]
    count = 0
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, schema, options=_OPTIONS) as stream:
        found = connection.execution_options(yield_per=BATCH).execute(select(table)).mappings()
        for some in found.partitions(BATCH):
            rows = [{**row, **{name: json.dumps(row[name]) for name in texts}} for row in some]
            stream.write_batch(pa.RecordBatch.from_pylist(rows, schema))
            count += len(rows)
    return count


def read(connection: Connection, path: Path, table: Table) -> int:
    """Put the rows of a file into an empty table; returns how many.

    Raises IntegrityBroken when the file is damaged, or another table's.
    """
    texts = [column.name for column in table.columns if isinstance(column.type, JSON)]
    connection.execute(table.delete())  # the first row of `ledger_state` is made with it
    count = 0
    for rows in _batches(path, set(table.columns.keys())):
        for row in rows:
            row.update({name: json.loads(row[name]) for name in texts})
        connection.execute(table.insert(), rows)
        count += len(rows)
    _continue_numbers(connection, table)
    return count


def there(connection: Connection) -> MetaData:
    """The tables that a database has, whatever its schema."""
    found = MetaData()
    found.reflect(connection)
    return found


def _batches(path: Path, names: set[str]) -> Iterator[list[dict[str, Any]]]:
    try:
        with pa.OSFile(str(path), "rb") as source, pa.ipc.open_stream(source) as stream:
            if set(stream.schema.names) != names:
                raise IntegrityBroken(f"The backup's table {path.stem} has other columns than it should.")
            for batch in stream:
                if batch.num_rows:
                    yield batch.to_pylist()
    except pa.ArrowInvalid as error:
        raise IntegrityBroken(f"The backup's table {path.stem} is damaged.") from error


def _continue_numbers(connection: Connection, table: Table) -> None:
    """Let PostgreSQL draw its next numbers after those that are there (SQLite does so by itself)."""
    column = table.autoincrement_column
    if column is None or not is_postgres(connection):
        return
    sequence = func.pg_get_serial_sequence(f'"{table.name}"', column.name)
    last = select(func.coalesce(func.max(column), 0) + 1).scalar_subquery()
    connection.execute(select(func.setval(sequence, last, False)))


def _type(column: Column[Any]) -> pa.DataType:
    match column.type:
        case Boolean():
            return pa.bool_()
        case Integer():
            return pa.int64()
        case LargeBinary():
            return pa.binary()
        case _:
            return pa.string()
