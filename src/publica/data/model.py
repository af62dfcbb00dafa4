"""What a table must look like, in terms that an engine understands. Frozen; knows no governance."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

SUBJECT_PREFIX = "__subject_"
"""A version's file has one hidden column of this prefix per subject-key column."""


class ColumnType(StrEnum):
    """The types a column of a dataset may have."""

    STRING = "string"
    INTEGER = "integer"  # 64 bits, signed
    DECIMAL = "decimal"  # exact, of a given precision and scale
    NUMBER = "number"  # 64-bit binary floating point, finite
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"  # without time zone; one given with an offset is turned to UTC


@dataclass(frozen=True)
class TableColumn:
    """One column: its name, type and the checks on its values.

    `title` is another heading under which files may carry it. `codes` empty means any value. `concept`
    says what kind of thing a subject key names ("person").
    """

    name: str
    type: ColumnType = ColumnType.STRING
    required: bool = False
    subject_key: bool = False
    concept: str | None = None
    codes: tuple[str, ...] = ()
    precision: int = 18
    scale: int = 2
    title: str | None = None

    @property
    def sql_type(self) -> str:
        """The column's type in DuckDB."""
        if self.type is ColumnType.DECIMAL:
            return f"DECIMAL({int(self.precision)},{int(self.scale)})"
        return _SQL_TYPES[self.type]

    @property
    def hidden_name(self) -> str:
        """The name of the hidden column of subject positions beside this one."""
        return SUBJECT_PREFIX + self.name


_SQL_TYPES = {
    ColumnType.STRING: "VARCHAR",
    ColumnType.INTEGER: "BIGINT",
    ColumnType.NUMBER: "DOUBLE",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.DATE: "DATE",
    ColumnType.TIMESTAMP: "TIMESTAMP",
}


@dataclass(frozen=True)
class CsvOptions:
    """How a dataset's CSV files are written, where that cannot be measured.

    `delimiter` and `encoding` override what is found in the file. `nulls` are the texts that mean "no
    value"; `date_format` is a strptime pattern for dates and timestamps (ISO 8601 without it).
    `skip_lines` is the number of physical lines before the header.
    """

    delimiter: str | None = None
    encoding: str | None = None
    decimal: str = "point"  # or "comma"
    nulls: tuple[str, ...] = ("",)
    date_format: str | None = None
    skip_lines: int = 0


@dataclass(frozen=True)
class TableSchema:
    """The columns of a dataset, in order, and how its CSV files are written."""

    dataset: str
    columns: tuple[TableColumn, ...]
    csv: CsvOptions = field(default_factory=CsvOptions)

    @property
    def subject_columns(self) -> tuple[TableColumn, ...]:
        """The columns that hold a subject's key; empty for tables that are about nobody."""
        return tuple(column for column in self.columns if column.subject_key)


@dataclass(frozen=True)
class Version:
    """One immutable load of a dataset: a Parquet file and what was measured of it.

    `digest` is the SHA-256 of the file (hex); `subjects` the size of the directory when it was published;
    `entry` the leaf hash of its ledger entry; `columns` the names that the file holds, hidden ones left out.
    """

    dataset: str
    number: int
    path: Path
    rows: int
    digest: str
    subjects: int
    recorded_at: datetime
    entry: bytes
    columns: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """How receipts name it, e.g. `population@3`."""
        return f"{self.dataset}@{self.number}"


@dataclass(frozen=True)
class FileReport:
    """What was read of one file, as measured. `encoding_found` says how its encoding is known.

    `rejected_bytes` are the bytes of values that were in the file and not in what was read; a load with
    any is refused.
    """

    name: str
    bytes: int
    format: str  # csv, parquet, jsonl
    encoding: str | None
    encoding_found: str | None
    delimiter: str | None
    rows: int
    columns: int
    rejected_bytes: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class LoadReport:
    """What a load did. `version` is None after a dry run; `new_subjects` is how many keys were unknown."""

    dataset: str
    version: Version | None
    rows: int
    new_subjects: int
    files: tuple[FileReport, ...]
