"""Loading: files in, one immutable version out, or nothing at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from publica.data import subjects, versions
from publica.data.ingest.check import add_typed, make_typed
from publica.data.ingest.delimited import stage_csv
from publica.data.ingest.encoding import Tick
from publica.data.ingest.formats import identify
from publica.data.ingest.jsonlines import stage_jsonl
from publica.data.ingest.mapping import map_keys, write_segment
from publica.data.ingest.parquet import stage_parquet
from publica.data.ingest.publish import DirectoryGrew, publish, write_version
from publica.data.ingest.stage import Staged
from publica.data.ingest.work import clean, working
from publica.data.manifest import published
from publica.data.model import FileReport, LoadReport, TableSchema, Version
from publica.data.sql import connect
from publica.data.store import PUBLISHES
from publica.kernel.actor import Actor
from publica.kernel.database import Database
from publica.kernel.errors import BadInput, Unavailable
from publica.kernel.ids import RECORD_ID
from publica.kernel.keys import Keys

MEMORY = "2GB"
ATTEMPTS = 10

Progress = Callable[[int, int, str], None]
"""Told (done, total, stage): bytes of the files, each counted twice, for it is measured and then read."""


def load(
    db: Database,
    keys: Keys,
    folder: Path,
    schema: TableSchema,
    files: Sequence[Path],
    actor: Actor,
    progress: Progress | None = None,
    dry_run: bool = False,
    memory: str = MEMORY,
    allow_empty: bool = False,
) -> LoadReport:
    """Load files as one new version of a dataset. `folder` is the data folder; `dry_run` only checks.

    Files without a row replace an earlier version only where that is meant (`allow_empty`).

    Raises BadInput for anything in the files that does not fit the schema: file, line, column, what was
    found and expected. Then, and after a crash at any moment, nothing is published.
    """
    _refuse_unusable(schema, files)
    # 1. What each file is, by its name and its first bytes.
    kinds = [identify(path) for path in files]
    clean(folder, lambda: _published(db))
    with working(folder) as work, _engine(work, memory) as engine:
        # 2. Every file: read, measured, its values checked.
        reports = _read_all(engine, schema, list(zip(files, kinds, strict=True)), work, progress)
        rows = sum(report.rows for report in reports)
        if rows == 0 and not allow_empty:
            _refuse_to_empty(db, folder, schema.dataset)
        if dry_run:
            new = _map(engine, db, schema, keys, folder)[1] if schema.subject_columns else 0
            return LoadReport(schema.dataset, None, rows, new, reports)
        # 3. Keys become positions; the files get their places; one transaction publishes them.
        for _ in range(ATTEMPTS):
            try:
                version, new = _publish(engine, db, schema, reports, keys, folder, work, actor)
            except DirectoryGrew:
                continue
            return LoadReport(schema.dataset, version, rows, new, reports)
    raise Unavailable("Other loads kept bringing new people first.", do="Load again when they are done.")


def _refuse_unusable(schema: TableSchema, files: Sequence[Path]) -> None:
    if not files:
        raise BadInput("There is no file to load.", do="Name at least one.")
    if not schema.columns or not RECORD_ID.match(schema.dataset):
        raise BadInput(f"{schema.dataset!r} has no columns to load.", do="Describe them in its record.")


def _refuse_to_empty(db: Database, folder: Path, dataset: str) -> None:
    with db.read() as connection:
        current = versions.current(connection, folder, dataset)
    if current is not None:
        raise BadInput(
            f"There is no row to load, and {current.id} has {current.rows}.",
            do="Check the files. If the dataset is to be empty, say so: publica load --empty.",
        )


def _read_all(
    engine: duckdb.DuckDBPyConnection,
    schema: TableSchema,
    files: list[tuple[Path, str]],
    work: Path,
    progress: Progress | None,
) -> tuple[FileReport, ...]:
    """Fill `typed` from every file, in the order given."""
    make_typed(engine, schema)
    total = 2 * sum(path.stat().st_size for path, _ in files)
    reports = []
    base = 0
    for path, kind in files:
        length = 2 * path.stat().st_size
        staged = _stage(engine, path, kind, schema, work, _tick(progress, base, length, total, path.name))
        base += length
        if progress:
            progress(base, total, f"checking {path.name}")
        add_typed(engine, schema, staged)
        reports.append(staged.report)
    engine.execute("DROP TABLE raw")
    if progress:
        progress(total, total, "writing")
    return tuple(reports)


def _stage(
    engine: duckdb.DuckDBPyConnection, path: Path, kind: str, schema: TableSchema, work: Path, tick: Tick
) -> Staged:
    match kind:
        case "csv":
            return stage_csv(engine, path, schema, work, tick)
        case "jsonl":
            return stage_jsonl(engine, path, schema, tick)
        case _:
            return stage_parquet(engine, path, schema, tick)


def _tick(progress: Progress | None, base: int, length: int, total: int, name: str) -> Tick:
    done = 0

    def tick(more: int) -> None:
        nonlocal done
        done = min(done + more, length)
        if progress:
            progress(base + done, total, f"reading {name}")

    return tick


def _map(
    engine: duckdb.DuckDBPyConnection, db: Database, schema: TableSchema, keys: Keys, folder: Path
) -> tuple[int, int]:
    """Draw positions for all keys. Returns how many subjects were known before, and how many are new."""
    with db.read() as connection:
        known = subjects.segments(connection)
    return map_keys(engine, schema, known, folder, keys)


def _publish(
    engine: duckdb.DuckDBPyConnection,
    db: Database,
    schema: TableSchema,
    reports: tuple[FileReport, ...],
    keys: Keys,
    folder: Path,
    work: Path,
    actor: Actor,
) -> tuple[Version | None, int]:
    segment, known, count = None, None, 0
    if schema.subject_columns:
        known, count = _map(engine, db, schema, keys, folder)
        segment = write_segment(engine, known, count, keys, work, folder) if count else None
    new = write_version(engine, schema, reports, work, folder)
    number = db.write(lambda change: publish(change, new, segment, known, actor), [PUBLISHES])
    with db.read() as connection:
        return versions.get(connection, folder, schema.dataset, number), count


def _published(db: Database) -> set[str]:
    with db.read() as connection:
        return published(connection)


@contextmanager
def _engine(work: Path, memory: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Ingest's engine; its troubles (memory, disk) are told without its words, which may quote values."""
    engine = connect(work / "spill", memory)
    try:
        yield engine
    except (duckdb.OutOfMemoryException, duckdb.IOException):
        raise Unavailable(
            "There was not enough memory or disk to load this.", do="Free some and retry."
        ) from None
    except duckdb.Error as error:
        raise Unavailable(f"The engine could not load this ({type(error).__name__}).") from None
    finally:
        engine.close()
