"""The spool: an answer is complete, counted and digested here before any of it is released."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from typing import IO, cast

import pyarrow as pa

from publica.kernel.errors import TimedOut, Unavailable

IN_MEMORY = 8 * 1024 * 1024


class Spool:
    """An Arrow IPC stream, kept in memory while small, else in an unnamed temporary file.

    `rows`, `size` (bytes) and `digest` (SHA-256 of the stream, hex) describe what would leave.
    """

    def __init__(self, schema: pa.Schema, *, rows: int, size: int) -> None:
        self.schema, self.rows = schema, 0
        self._most_rows, self._most_bytes = rows, size
        self._file = cast(IO[bytes], tempfile.SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115
        self._hash = hashlib.sha256()
        self.size = 0
        self._writer = pa.ipc.new_stream(pa.PythonFile(self, mode="w"), schema)

    def add(self, batch: pa.RecordBatch) -> None:
        """Keep one batch. Raises TimedOut when the answer grows past its limits."""
        self.rows += batch.num_rows
        if self.rows > self._most_rows:
            raise TimedOut(
                f"The answer has more than {self._most_rows} rows.", do="Ask for fewer, or raise limits.rows."
            )
        if batch.num_rows:
            self._writer.write_batch(batch)
        if self.size > self._most_bytes:
            raise TimedOut(
                f"The answer has more than {self._most_bytes} bytes.",
                do="Ask for less, or raise limits.bytes.",
            )

    def close(self) -> None:
        """No more batches; from here `digest` and `batches` are valid."""
        self._writer.close()

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The answer, from its start."""
        self._file.seek(0)
        with pa.ipc.open_stream(self._file) as reader:
            yield from reader

    # what pyarrow needs of a file to write to
    closed = False

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        self.size += len(data)
        try:
            return self._file.write(data)
        except OSError:
            raise Unavailable("There is no room for the answer.", do="Free some disk and try again.") from None

    def flush(self) -> None:
        """Nothing is buffered here."""
