"""The DuckDB engine: one per process, in memory, locked down; safe to use from many threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from publica.data.engines import masks, pseudonyms, records
from publica.data.engines.deadlines import Watch
from publica.data.engines.model import EngineLimits, MaskUpdate, Scope
from publica.data.engines.records import PERSON, RecordKeys
from publica.data.engines.snapshot import Snapshot
from publica.data.engines.spill import SpillFolder
from publica.data.engines.working import Table, WorkingCopy
from publica.data.model import TableSchema, Version
from publica.kernel.errors import IntegrityBroken

IDLE_SECONDS = 120.0
"""A version that a newer one superseded is dropped when nobody asked for it in this time."""


class Engine:
    """Tables, masks and pseudonyms first; then a snapshot, which sees what was made before it."""

    def __init__(self, folder: Path, limits: EngineLimits) -> None:
        """`folder` holds what does not fit into memory, in a private folder that is removed at the end."""
        self._limits = limits
        self._spill = SpillFolder(folder)
        self._watch = Watch()
        self._renewing = threading.Lock()
        self._copy = WorkingCopy(limits, self._spill.path)

    def cut_short(self) -> None:
        """End what runs now, as if its time were up."""
        self._watch.expire()

    def close(self) -> None:
        self._watch.close()
        self._copy.close()
        self._spill.close()

    def table(self, version: Version, schema: TableSchema) -> str:
        """The name of a version's table, loaded on first use: the columns of its file, in its order.

        Raises IntegrityBroken when the file is missing, was altered, or does not fit its manifest.
        """
        return self._table(version, schema)[1].name

    def mask(
        self,
        version: Version,
        schema: TableSchema,
        key: str,
        counter: int,
        scope: tuple[Scope, ...],
        fetch: Callable[[int | None], MaskUpdate],
    ) -> str:
        """The name of a boolean column: everybody whom the row names is allowed, and the row is in scope.

        It stands at `counter` or later. `fetch(None)` says who is allowed, `fetch(n)` what changed since n;
        it is not called for tables about nobody. `key` must name whose choices these are and what they mean.
        """
        copy, table = self._table(version, schema)
        name = masks.mask_name(table, key, scope)
        mask = table.masks.get(name)
        if mask is not None and mask.counter >= counter:
            return name
        with table.lock:
            mask = table.masks.get(name)
            if mask is None or mask.counter < counter:
                last = None if mask is None else mask.counter
                update = fetch(last) if table.subjects else MaskUpdate(counter, True, masks.NOBODY)
                if update.counter < counter or (mask is None and not update.everything):
                    raise IntegrityBroken("The choices of people could not be read up to their counter.")
                change = copy.build if mask is None else copy.change
                table.masks[name] = change(
                    lambda cursor: masks.bring(cursor, table, name, mask, scope, update)
                )
        return name

    def pseudonyms(
        self, version: Version, schema: TableSchema, column: str, domain: str, secret: bytes
    ) -> str:
        """The name of a UUID column: 128 bits of HMAC-SHA-256(secret, domain || 0 || value as text)."""
        copy, table = self._table(version, schema)
        name = pseudonyms.pseudonym_name(table, column, domain, secret)
        if name not in table.pseudonyms:
            with table.lock:
                if name not in table.pseudonyms:
                    copy.build(lambda cursor: pseudonyms.build(cursor, table, name, column, domain, secret))
                    table.pseudonyms.add(name)
        return name

    def record_keys(
        self, version: Version, schema: TableSchema, salt: int, kind: RecordKeys = PERSON
    ) -> RecordKeys:
        """Columns of record keys, of persons or of rows; for tables with one subject per row."""
        copy, table = self._table(version, schema)
        with table.lock:
            if kind.number not in table.records:
                copy.change(lambda cursor: records.build(cursor, table, salt, kind, schema))
                table.records.add(kind.number)
        return kind

    def codes(self, version: Version, schema: TableSchema, column: str) -> str | None:
        """The column that holds a text column's values as codes, to group by; None where there is none."""
        copy, table = self._table(version, schema)
        with table.lock:
            if column not in table.codes:
                table.codes[column] = copy.change(lambda cursor: records.build_codes(cursor, table, column))
        return table.codes[column]

    def most_rows(self, version: Version, schema: TableSchema, within: tuple[str, ...]) -> int:
        """The most rows that one person has among rows that agree in some expressions over the columns."""
        copy, table = self._table(version, schema)
        with table.lock:
            if within not in table.most:
                with copy.cursor() as cursor:
                    table.most[within] = copy.guard(lambda: records.most_rows(cursor, table, within))
        return table.most[within]

    @contextmanager
    def snapshot(self, seconds: float) -> Iterator[Snapshot]:
        """One engine transaction; whatever runs in it after `seconds` is interrupted (TimedOut)."""
        copy = self._working()
        with copy.reading() as cursor, self._watch.limit(seconds, cursor.interrupt) as deadline:
            snapshot = Snapshot(copy, cursor, deadline)
            try:
                yield snapshot
            finally:
                snapshot.close()

    def _table(self, version: Version, schema: TableSchema) -> tuple[WorkingCopy, Table]:
        copy = self._working()
        table = copy.table(version, schema)
        copy.drop_idle(IDLE_SECONDS)
        return copy, table

    def _working(self) -> WorkingCopy:
        """The working copy; a new one when the engine broke down (copies are disposable)."""
        if self._copy.broken:
            with self._renewing:
                if self._copy.broken:
                    self._copy.close()
                    self._copy = WorkingCopy(self._limits, self._spill.path)
        return self._copy
