"""The last step of a load: the file in its place, then one transaction that makes it a version."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
from sqlalchemy import func, insert, select

from publica.data import subjects
from publica.data.ingest.mapping import NewSegment
from publica.data.ingest.work import VERSIONS, settle
from publica.data.model import FileReport, TableSchema
from publica.data.sql import identifier, literal
from publica.data.store import dataset_version, subject_segment
from publica.data.subjects import PERSON
from publica.kernel import clock
from publica.kernel.actor import Actor
from publica.kernel.database import Change
from publica.kernel.errors import IntegrityBroken
from publica.kernel.ledger.canonical import b64, commit, new_salt


class DirectoryGrew(Exception):
    """Another load published new people first: the positions must be drawn again."""


@dataclass(frozen=True)
class NewVersion:
    """A version whose file is in place and that is not published yet."""

    schema: TableSchema
    path: str  # relative to the data folder
    rows: int
    digest: str
    files: tuple[FileReport, ...]


def write_version(
    engine: duckdb.DuckDBPyConnection,
    schema: TableSchema,
    files: tuple[FileReport, ...],
    work: Path,
    folder: Path,
) -> NewVersion:
    """Write `typed` as the version's Parquet file, durably, to its final place; and measure it again."""
    target = work / "version.parquet"
    engine.execute(
        f"COPY ({_rows(schema)}) TO {literal(str(target))} "
        "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)"
    )
    rows = sum(report.rows for report in files)
    if pq.read_metadata(target).num_rows != rows:
        raise IntegrityBroken("The version's file does not hold the rows that were read.")
    with target.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    path = Path(VERSIONS, schema.dataset, f"{work.name}.parquet")
    settle(target, folder / path)
    return NewVersion(schema, path.as_posix(), rows, digest, files)


def _rows(schema: TableSchema) -> str:
    """SELECT of the version's columns, then the hidden ones; by the first hidden one, then file order."""
    shown = [f"t{i} AS {identifier(column.name)}" for i, column in enumerate(schema.columns)]
    hidden, joins = [], []
    for i, column in enumerate(schema.columns):
        if column.subject_key:
            concept = literal(column.concept or PERSON)
            hidden.append(f"CAST(m{i}.position AS UINTEGER) AS {identifier(column.hidden_name)}")
            joins.append(f"JOIN mapped m{i} ON m{i}.concept = {concept} AND m{i}.key = CAST(t{i} AS VARCHAR)")
    first = next((f"m{i}.position, " for i, column in enumerate(schema.columns) if column.subject_key), "")
    order = f"ORDER BY {first}typed.rowid" if hidden else ""
    return f"SELECT {', '.join(shown + hidden)} FROM typed {' '.join(joins)} {order}"


def publish(
    change: Change, version: NewVersion, segment: NewSegment | None, known: int | None, actor: Actor
) -> int:
    """Enter a version, and the segment of the directory that it needs. Returns the version's number.

    Raises DirectoryGrew unless the directory still holds the `known` subjects that the version was mapped
    with (None: it is about nobody).
    """
    size = subjects.size(change.connection)
    if known not in (None, size):
        raise DirectoryGrew
    if segment is not None:
        _enter_segment(change, segment)
    table, dataset = dataset_version, version.schema.dataset
    newest = select(func.coalesce(func.max(table.c.number), 0)).where(table.c.dataset == dataset)
    number = int(change.connection.execute(newest).scalar_one()) + 1
    size += segment.count if segment is not None else 0
    salt = new_salt()
    entry = change.enter(
        "version",
        {
            "dataset": dataset,
            "version": number,
            "rows": version.rows,
            "columns": len(version.schema.columns),
            "digest": version.digest,
            "files": len(version.files),
            "subjects": size,
            "actor": commit(salt, actor.canonical),
        },
    )
    row = {
        "dataset": dataset,
        "number": number,
        "path": version.path,
        "rows": version.rows,
        "digest": version.digest,
        "subjects": size,
        "columns": [column.name for column in version.schema.columns],
        "files": [asdict(report) for report in version.files],
        "actor": actor.as_json,
        "salt": salt,
        "recorded_at": clock.text(change.now),
        "entry": entry,
    }
    change.connection.execute(insert(table), row)
    return number


def _enter_segment(change: Change, segment: NewSegment) -> None:
    newest = select(func.coalesce(func.max(subject_segment.c.number), 0))
    number = int(change.connection.execute(newest).scalar_one()) + 1
    fields = {"segment": number, "first": segment.first, "count": segment.count, "root": b64(segment.root)}
    entry = change.enter("directory", fields)
    row = {**asdict(segment), "number": number, "entry": entry}
    change.connection.execute(insert(subject_segment), row)
