"""Snapshots: everything one use asks of the engine, in one read-only transaction, within one time limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import TypeVar

import duckdb
import pyarrow as pa

from publica.data.engines.bits import pack, padded
from publica.data.engines.deadlines import Deadline
from publica.data.engines.errors import timed_out
from publica.data.engines.working import COUNTERS, WorkingCopy
from publica.kernel.errors import IntegrityBroken, PublicaError

T = TypeVar("T")

BATCH_ROWS = 32_768
"""Rows per batch, at most."""

BEGIN = "BEGIN TRANSACTION READ ONLY"
_BUSY = "read or close the batches of the last statement first"

SIZE = "__size"
"""The parameter that names how many people there are; rounded up to whole blocks before it is bound."""


class Snapshot:
    """One read-only engine transaction, whose first statement fixes what is seen. For one thread."""

    def __init__(self, copy: WorkingCopy, cursor: duckdb.DuckDBPyConnection, deadline: Deadline) -> None:
        self._copy, self._cursor, self._deadline = copy, cursor, deadline
        self._reader: pa.RecordBatchReader | None = None
        self._given: dict[str, pa.Table] = {}
        self._hoped = copy.state()
        """The state of the tables that will be seen if it does not change; None once it is fixed."""
        self._run(lambda: cursor.execute(BEGIN))
        self._counters: Mapping[str, int] = copy.stands(self._hoped) or {}
        if not self._counters:
            self._fix()

    def counter(self, mask: str) -> int:
        """The choice counter at which a mask stands in this snapshot."""
        if self._hoped is not None:
            self._fix()
        if mask not in self._counters:
            raise IntegrityBroken("The snapshot was taken before its mask was made.")
        return self._counters[mask]

    def batches(self, sql: str, params: Mapping[str, object]) -> Iterator[pa.RecordBatch]:
        """The result of one query as it is made; at least one batch, which may be empty.

        Raises BadInput for what cannot be computed, TimedOut when time or memory is up: now or on any batch.
        """
        if self._reader is not None:
            raise RuntimeError(_BUSY)
        self._reader = self._first(lambda: self._start(sql, params))
        return self._stream(self._reader)

    def bits(self, sql: str, params: Mapping[str, object]) -> bytes:
        """The one blob that a query of one row and column gives, padded to whole blocks; b"" for NULL."""
        if self._reader is not None:
            raise RuntimeError(_BUSY)
        statement, values = self._run(lambda: self._statement(sql, params))
        rows = self._first(lambda: self._cursor.execute(statement, values).fetchall())
        if len(rows) != 1 or len(rows[0]) != 1:
            raise IntegrityBroken("A set of subjects must come as one blob.")
        blob = bytes(rows[0][0] or b"")
        return blob.ljust(padded(len(blob) * 8) // 8, b"\0") if blob else b""

    @contextmanager
    def relation(self, name: str, rows: pa.Table) -> Iterator[None]:
        """`rows` under a name of their own, for the statements inside."""
        self._run(lambda: self._cursor.register(name, rows))
        self._given[name] = rows
        try:
            yield
        finally:
            self._given.pop(name, None)
            with suppress(duckdb.Error):
                self._cursor.unregister(name)

    def pack(self, positions: pa.ChunkedArray | list[pa.Array], size: int) -> bytes:
        """Positions (uint32, NULLs ignored) among `size` people as packed bits, padded to whole blocks."""
        chunks = positions.chunks if isinstance(positions, pa.ChunkedArray) else positions
        column = pa.chunked_array(chunks, type=pa.uint32())

        def work() -> bytes:
            with self._copy.cursor() as cursor:
                return pack(cursor, column, size)

        return self._copy.guard(work)

    def close(self) -> None:
        """End the transaction, dropping whatever is still being read."""
        if self._reader is not None:
            self._reader.close()
        with suppress(duckdb.Error):
            self._cursor.rollback()

    def _fix(self) -> None:
        """Read where every mask stands: what a transaction sees is fixed when it first reads."""
        rows = self._run(lambda: self._cursor.execute(self._copy.select(COUNTERS)).fetchall())
        self._counters = dict(rows)
        self._copy.remember(self._hoped, self._counters)
        self._hoped = None

    def _first(self, call: Callable[[], T]) -> T:
        """`call`, which reads. The first to do so fixes what is seen: the state that was hoped for, if no
        change began meanwhile; else it is begun again."""
        result = self._run(call)
        if self._hoped is None or self._copy.state() == self._hoped:
            self._hoped = None
            return result
        if isinstance(result, pa.RecordBatchReader):
            result.close()
        self._cursor.rollback()
        self._hoped = None
        self._run(lambda: self._cursor.execute(BEGIN))
        self._fix()
        for name, rows in self._given.items():  # they went with the transaction in which they were named
            self._run(partial(self._cursor.register, name, rows))
        return self._run(call)

    def _start(self, sql: str, params: Mapping[str, object]) -> pa.RecordBatchReader:
        statement, values = self._statement(sql, params)
        return self._cursor.sql(statement, params=values).to_arrow_reader(BATCH_ROWS)

    def _statement(
        self, sql: str, params: Mapping[str, object]
    ) -> tuple[duckdb.Statement, dict[str, object] | None]:
        """The one SELECT in `sql`, and the parameters that it names."""
        statement = self._copy.select(sql)
        values = {name: params[name] for name in statement.named_parameters if name in params}
        if SIZE in values:
            values[SIZE] = padded(int(str(values[SIZE])))
        return statement, values or None

    def _stream(self, reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        empty = True
        try:
            while (batch := self._run(lambda: next(reader, None))) is not None:
                empty = False
                yield batch
            if empty:
                yield pa.RecordBatch.from_pylist([], schema=reader.schema)
        finally:
            reader.close()
            self._reader = None

    def _run(self, call: Callable[[], T]) -> T:
        """`call`, guarded; whatever goes wrong once time is up is that time is up."""
        late: PublicaError | None = None if not self._deadline.expired else timed_out()
        if late is None:
            try:
                return self._copy.guard(call)
            except PublicaError as error:
                late = timed_out() if self._deadline.expired else error
        raise late
