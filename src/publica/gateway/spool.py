"""The spool: an answer is complete, counted and digested here before any of it is released."""

from __future__ import annotations

import copy
import hashlib
import io
import tempfile
import weakref
from collections.abc import Iterator
from functools import lru_cache
from typing import IO, cast

import pyarrow as pa

from publica.kernel.errors import IntegrityBroken, TimedOut, Unavailable

IN_MEMORY = 64 * 1024 * 1024
"""Bytes of an answer that stand in memory while it is made; a longer one goes to disk."""
PIECE = 1024 * 1024
"""Bytes that are read of the stream at once."""
BATCH_ROWS = 32_768
"""Rows per batch of the stream; the last one may have fewer. How the engine cut its batches does not show."""


class _Sink:
    """What an Arrow stream is written to: a file, of which the bytes are counted and digested."""

    closed = False

    def __init__(self) -> None:
        self.file = cast(IO[bytes], tempfile.SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115
        self.hash, self.size = hashlib.sha256(), 0

    def write(self, data: bytes) -> int:
        self.hash.update(data)
        self.size += len(data)
        try:
            return self.file.write(data)
        except OSError:
            raise Unavailable(
                "There is no room for the answer.", do="Free some disk and try again."
            ) from None

    def flush(self) -> None:
        """Nothing is buffered here."""


class Spool:
    """An Arrow IPC stream, kept in memory while small, else in an unnamed temporary file.

    `rows`, `size` (bytes) and `digest` (SHA-256 of the stream, hex) describe what would leave.
    """

    def __init__(self, schema: pa.Schema, *, rows: int, size: int) -> None:
        self.schema, self.rows, self.size, self.digest = schema, 0, 0, ""
        self._most_rows, self._most_bytes = rows, size
        self._waiting: list[pa.RecordBatch] = []
        sink = _Sink()  # not this: Arrow holds what it writes to where no cycle is found
        self._writing: tuple[_Sink, pa.RecordBatchStreamWriter] | None
        self._writing = sink, pa.ipc.new_stream(pa.PythonFile(sink, mode="w"), schema)
        self._file = sink.file
        weakref.finalize(self, self._file.close)

    def add(self, batch: pa.RecordBatch) -> None:
        """Keep one batch. Raises TimedOut when the answer grows past its limits."""
        self.rows += batch.num_rows
        if self.rows > self._most_rows:
            raise TimedOut(
                f"The answer has more than {self._most_rows} rows.", do="Ask for fewer, or raise limits.rows."
            )
        self._waiting.append(batch)
        while sum(each.num_rows for each in self._waiting) >= BATCH_ROWS:
            self._write(BATCH_ROWS)
        if self._open[0].size + sum(each.nbytes for each in self._waiting) > self._most_bytes:
            raise TimedOut(
                f"The answer has more than {self._most_bytes} bytes.",
                do="Ask for less, or raise limits.bytes.",
            )

    def close(self) -> None:
        """No more batches; from here `size`, `digest` and `batches` are valid."""
        self._write(BATCH_ROWS)
        sink, writer = self._open
        writer.close()
        self.size, self.digest = sink.size, sink.hash.hexdigest()
        self._writing = None

    @property
    def _open(self) -> tuple[_Sink, pa.RecordBatchStreamWriter]:
        """What is written to. Raises IntegrityBroken once nothing is any more."""
        if self._writing is None:
            raise IntegrityBroken("An answer that was complete was written to.")
        return self._writing

    def _write(self, rows: int) -> None:
        """The first `rows` that wait, as one batch."""
        _, writer = self._open
        table = pa.Table.from_batches(self._waiting, self.schema)
        for batch in table.slice(0, rows).combine_chunks().to_batches():
            if batch.num_rows:
                writer.write_batch(_without_leftovers(batch))
        self._waiting = table.slice(rows).to_batches()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The answer, from its start."""
        self._file.seek(0)
        with pa.ipc.open_stream(self._file) as reader:
            yield from reader

    def raw(self) -> Iterator[bytes]:
        """The Arrow IPC stream as it was digested, piece by piece."""
        self._file.seek(0)
        while piece := self._file.read(PIECE):
            yield piece

    def again(self, stream: bytes) -> Spool:
        """The same answer, to be read and dropped by itself, from its `raw` stream."""
        other = copy.copy(self)
        other._file = io.BytesIO(stream)
        return other

    def put_aside(self) -> None:
        """Keep it on disk from now on, if it is not small. Raises Unavailable when there is no room."""
        if isinstance(self._file, io.BytesIO):
            return
        try:
            cast(tempfile.SpooledTemporaryFile[bytes], self._file).rollover()
        except OSError:
            raise Unavailable(
                "There is no room for the answer.", do="Free some disk and try again."
            ) from None

    def drop(self) -> None:
        """Forget the answer."""
        self._file.close()


def _without_leftovers(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with zeros under its NULLs and past its ends.

    The engine leaves there whatever its memory held: it may be other people's values, and it makes the digest
    of one answer differ from time to time.
    """
    places = _places(batch.num_rows)
    columns = [column.take(places) if _has_gaps(column) else column for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def _has_gaps(column: pa.Array) -> bool:
    return bool(column.null_count) or pa.types.is_nested(column.type) or pa.types.is_boolean(column.type)


@lru_cache(maxsize=4)
def _places(rows: int) -> pa.Array:
    return pa.array(range(rows), pa.int32())
