"""A working copy: one locked-down, in-memory DuckDB with the tables loaded into it.

It is locked before anything is loaded and can open no file at all: rows come in through Arrow, read by us.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import duckdb
from pyroaring import BitMap

from publica.data.engines.errors import EngineFailed, guarded
from publica.data.engines.model import EngineLimits
from publica.data.model import TableSchema, Version
from publica.kernel.errors import BadInput, IntegrityBroken

T = TypeVar("T")

STATE = "__mask_state"
"""The table that says at which counter each mask stands: (mask, counter)."""

COUNTERS = f"SELECT mask, counter FROM {STATE}"

STATEMENTS = 512
"""How many parsed statements are kept."""

IDLE_CURSORS = 16
"""How many idle cursors are kept."""

_LOCK_DOWN = (
    "SET GLOBAL TimeZone = 'UTC'",
    # It narrows sorted and grouped values by the range of all rows, those out of sight too; and beside a
    # subquery its ranges are wrong (DuckDB 2.0.0): a statement fails, or not, by values that it may not see.
    "SET GLOBAL disabled_optimizers = 'compressed_materialization'",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
    f"CREATE TABLE {STATE} (mask VARCHAR, counter BIGINT)",
)


@dataclass
class Mask:
    """One stored mask: the counter it stands at, and who is allowed there."""

    counter: int
    people: BitMap


@dataclass
class Table:
    """One loaded version. `lock` is held by whoever changes it; `used` is when it was last asked for."""

    version: Version
    name: str
    subjects: tuple[str, ...]  # quoted hidden columns
    lock: threading.Lock = field(default_factory=threading.Lock)
    used: float = 0.0
    masks: dict[str, Mask] = field(default_factory=dict)
    pseudonyms: set[str] = field(default_factory=set)
    records: set[str] = field(default_factory=set)
    most: dict[tuple[str, ...], int] = field(default_factory=dict)
    codes: dict[str, str | None] = field(default_factory=dict)


class WorkingCopy:
    """One DuckDB. Reads take cursors of their own; changes go through `change`."""

    def __init__(self, limits: EngineLimits, spill: Path) -> None:
        config: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
            "allow_persistent_secrets": "false",
            "python_enable_replacements": "false",
            "memory_limit": limits.memory,
            "temp_directory": str(spill),
            "max_temp_directory_size": limits.spill,
            **({"threads": str(limits.threads)} if limits.threads else {}),
        }
        self.tables: dict[str, Table] = {}
        self.broken = False
        self.select = lru_cache(STATEMENTS)(self._select)
        self._idle: deque[duckdb.DuckDBPyConnection] = deque(maxlen=IDLE_CURSORS)
        self._token = secrets.token_hex(8)  # in every table's name: none can be guessed
        self._closed = False
        self._loading = threading.Lock()
        self._loose = False  # something is not compressed yet
        self._counting = threading.Lock()  # guards the next three
        self._begun = self._running = 0  # changes that were begun, and that run
        self._stands: tuple[int, Mapping[str, int]] = (-1, {})  # after so many: where each mask stands
        self._connection = guarded(lambda: duckdb.connect(":memory:", config=config))
        for statement in _LOCK_DOWN:
            self._connection.execute(statement)

    def close(self) -> None:
        self._closed = True
        self.select.cache_clear()
        for cursor in tuple(self._idle):
            cursor.close()
        self._idle.clear()
        self._connection.close()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        return self.guard(self._connection.cursor)

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor to read with, kept for the next reader if nothing goes wrong: new ones start slowly."""
        try:
            cursor = self._idle.pop()
        except IndexError:
            cursor = self.cursor()
        try:
            yield cursor
        except BaseException:
            cursor.close()
            raise
        if not self._closed:
            self._idle.append(cursor)

    def guard(self, call: Callable[[], T]) -> T:
        """`guarded`, noting when the engine itself broke down and can do nothing any more."""
        try:
            return guarded(call)
        except EngineFailed:
            self.broken = self.broken or not self._alive()
            raise

    def change(self, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """Run `work` in one engine transaction: all of it or nothing."""
        return self.guard(lambda: self._change(work))

    def build(self, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """The same for what makes a table or a column, which is then compressed: smaller and faster."""
        result = self.change(work)
        self.guard(self._compress)
        return result

    def table(self, version: Version, schema: TableSchema) -> Table:
        """The table of a version, loaded on first use."""
        table = self.tables.get(version.id)
        if table is None:
            with self._loading:
                table = self.tables.get(version.id) or self._load(version, schema)
        elif self._loose:
            self.guard(self._compress)
        table.used = time.monotonic()
        return table

    def drop_idle(self, seconds: float) -> None:
        """Drop the versions that a newer one has superseded and nobody asked for in that time."""
        newest: dict[str, int] = {}
        tables = tuple(self.tables.values())
        for table in tables:
            newest[table.version.dataset] = max(newest.get(table.version.dataset, 0), table.version.number)
        for table in tables:
            old = table.version.number < newest[table.version.dataset]
            if old and time.monotonic() - table.used >= seconds and table.lock.acquire(blocking=False):
                try:
                    self._drop(table)
                finally:
                    table.lock.release()

    def state(self) -> int | None:
        """Names what the tables hold now; None while that changes."""
        with self._counting:
            return None if self._running else self._begun

    def stands(self, state: int | None) -> Mapping[str, int] | None:
        """At which counter each mask stands, if that is known of a state, and it is still the last."""
        with self._counting:
            return self._stands[1] if state == self._begun == self._stands[0] else None

    def remember(self, state: int | None, counters: Mapping[str, int]) -> None:
        """Keep what was read in a transaction that began at a state, if it is still the last."""
        with self._counting:
            if state == self._begun:
                self._stands = self._begun, counters

    def _select(self, sql: str) -> duckdb.Statement:
        """The one SELECT in `sql`, parsed; the newest are kept. Raises BadInput when it is anything else."""
        with self._connection.cursor() as cursor:
            statements = cursor.extract_statements(sql)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise BadInput("Only one query can be run at a time.", do="Write one SELECT.")
        return statements[0]

    def _alive(self) -> bool:
        try:
            with self._connection.cursor() as cursor:
                return cursor.execute("SELECT 1").fetchall() == [(1,)]
        except duckdb.Error:
            return False

    def _change(self, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        with self._changing(), self._connection.cursor() as cursor:
            cursor.begin()
            try:
                result = work(cursor)
                cursor.commit()
            except BaseException:
                with suppress(duckdb.Error):
                    cursor.rollback()
                raise
            return result

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with self._counting:
            self._begun += 1
            self._running += 1
        try:
            yield
        finally:
            with self._counting:
                self._running -= 1

    def _compress(self) -> None:
        """Compress what is new. Readers go on; those older than it, and writers, put it off."""
        with self._connection.cursor() as cursor:
            try:
                cursor.execute("CHECKPOINT")
            except duckdb.OutOfMemoryException:  # it stays as it is
                self._loose = False
            except duckdb.Error:  # what was made is there all the same
                self._loose = True
            else:
                self._loose = False

    def _load(self, version: Version, schema: TableSchema) -> Table:
        hidden = tuple(column.hidden_name for column in schema.subject_columns)
        names = (*(column.name for column in schema.columns), *hidden)
        table = Table(version, f"{version.id}:{self._token}", tuple(quoted(name) for name in hidden))
        _check_digest(version)
        self.build(lambda cursor: _fill(cursor, table, names))
        self.tables[version.id] = table
        return table

    def _drop(self, table: Table) -> None:
        if self.tables.pop(table.version.id, None) is None:
            return
        names = [list(table.masks)]

        def work(cursor: duckdb.DuckDBPyConnection) -> None:
            cursor.execute(f"DROP TABLE {quoted(table.name)}")
            cursor.execute(f"DELETE FROM {STATE} WHERE mask IN (SELECT unnest(?::VARCHAR[]))", names)

        self.change(work)


def _fill(cursor: duckdb.DuckDBPyConnection, table: Table, names: tuple[str, ...]) -> None:
    import pyarrow.dataset  # brings pandas along where that is installed

    source = pyarrow.dataset.dataset(table.version.path, format="parquet")
    if tuple(source.schema.names) != names:
        raise IntegrityBroken(f"The file of {table.version.id} does not have the columns of its schema.")
    cursor.register("__source", source)
    try:
        cursor.execute(f"CREATE TABLE {quoted(table.name)} AS SELECT * FROM __source")
    finally:
        cursor.unregister("__source")
    highest = "".join(f", max({subject})" for subject in table.subjects)
    [(rows, *last)] = cursor.execute(f"SELECT count(*){highest} FROM {quoted(table.name)}").fetchall()
    if rows != table.version.rows or any(p is not None and p >= table.version.subjects for p in last):
        raise IntegrityBroken(f"The file of {table.version.id} does not hold what its manifest says.")


def _check_digest(version: Version) -> None:
    try:
        with version.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        digest = "missing"
    if digest != version.digest:
        raise IntegrityBroken(
            f"The file of {version.id} is missing or was altered: {version.path.name}.",
            do="Restore it from a backup, or load the dataset again.",
        )


def quoted(name: str) -> str:
    """A name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text as a SQL literal."""
    return "'" + value.replace("'", "''") + "'"
