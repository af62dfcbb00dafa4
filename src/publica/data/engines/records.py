"""Record keys: stored columns by which a cell knows its people, for noise and for comparing cells.

Each person has a random number (31 bits) and owns one of 128 bits, both drawn by a salted hash of the
person's position, so that they are the same in every dataset and version. Sums of the numbers and exclusive
ors of the bits are what leaves a group; neither is ever shown. Where a person may have several rows, each
row has a number of its own, and shows the person's bit or not by a draw of its own, so that two rows do not
cancel out.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from publica.data.engines.working import Table, quoted
from publica.data.model import TableSchema


@dataclass(frozen=True)
class RecordKeys:
    """The columns: a person's number (INTEGER), and the two halves of the bits (UBIGINT)."""

    number: str
    low: str
    high: str


PERSON = RecordKeys("__number", "__low", "__high")
ROW = RecordKeys("__row_number", "__row_low", "__row_high")


def build(
    cursor: duckdb.DuckDBPyConnection, table: Table, salt: int, keys: RecordKeys, schema: TableSchema
) -> None:
    """Make the three columns, of persons or of rows (told apart by what they can be selected by)."""
    subject, salted = table.subjects[0], f"{int(salt)}::UBIGINT"
    place = f"(hash({subject}, {salted}, 2) & 127)"
    row, shown = "", ""
    if keys is ROW:
        row = "".join(f", {quoted(column.name)}" for column in schema.columns if not column.subject_key)
        shown = f" AND (hash({subject}, {salted}, 3{row}) & 1) = 1"
    _add(cursor, table, keys.number, "INTEGER", f"(hash({subject}, {salted}, 1{row}) >> 33)::INTEGER")
    for name, condition in ((keys.low, "< 64"), (keys.high, ">= 64")):
        bit = f"(1::UBIGINT << ({place} & 63)::INTEGER)"
        chosen = f"CASE WHEN {place} {condition}{shown} THEN {bit} ELSE 0::UBIGINT END"
        _add(cursor, table, name, "UBIGINT", chosen)


MOST_CODES = 10_000
"""A text column of more different values is not coded: it would be no faster."""


def build_codes(cursor: duckdb.DuckDBPyConnection, table: Table, column: str) -> str | None:
    """A copy of a text column as codes (ENUM), by which grouping is much faster; None for too many values."""
    target, source = quoted(table.name), quoted(column)
    [(count,)] = cursor.execute(f"SELECT count(DISTINCT {source}) FROM {target}").fetchall()
    if not 0 < count <= MOST_CODES:
        return None
    name, kind = f"__code_{column}", quoted(f"__codes {table.name} {column}")
    cursor.execute(
        f"CREATE TYPE {kind} AS ENUM (SELECT DISTINCT {source} FROM {target} WHERE {source} IS NOT NULL)"
    )
    _add(cursor, table, name, kind, f"{source}::{kind}")
    return name


def most_rows(cursor: duckdb.DuckDBPyConnection, table: Table, within: tuple[str, ...]) -> int:
    """The most rows that one person has among rows that agree in the expressions `within`; at least 1."""
    groups = ", ".join((table.subjects[0], *within))
    rows = f"FROM {quoted(table.name)} WHERE {table.subjects[0]} IS NOT NULL"
    counted = f"SELECT count(*) AS n {rows} GROUP BY {groups}"
    [(most,)] = cursor.execute(f"SELECT coalesce(max(n), 1) FROM ({counted})").fetchall()
    return int(most)


def _add(cursor: duckdb.DuckDBPyConnection, table: Table, name: str, sql_type: str, value: str) -> None:
    target, column = quoted(table.name), quoted(name)
    cursor.execute(f"ALTER TABLE {target} ADD COLUMN {column} {sql_type}")
    cursor.execute(f"UPDATE {target} SET {column} = {value}")
    cursor.execute(f"ALTER TABLE {target} ALTER {column} SET DATA TYPE {sql_type} USING {column}")  # compact
