"""Sets of positions as packed bits: bit p is byte p >> 3, mask 0x80 >> (p & 7); padded to blocks."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb
import pyarrow as pa
from pyroaring import BitMap

BLOCK = 4096
"""Packed sets have a multiple of this many positions."""

_FEW = 1_000


def padded(size: int) -> int:
    """`size` positions, rounded up to whole blocks (at least one)."""
    return max(1, -(-size // BLOCK)) * BLOCK


def pack(cursor: duckdb.DuckDBPyConnection, positions: pa.ChunkedArray, size: int) -> bytes:
    """The uint32 `positions` (NULLs ignored) among `size` people as packed bits, padded to whole blocks.

    Raises the engine's OutOfRange error when a position lies beyond the padding.
    """
    if len(positions) - positions.null_count <= _FEW:
        return _pack_few(positions.drop_null().to_pylist(), size)
    table = pa.table({"p": positions.cast(pa.uint32())})
    cursor.register("__positions", table)
    try:
        [(blob,)] = cursor.execute(
            f"SELECT bitstring_agg(p, 0, {padded(size) - 1})::BLOB FROM __positions"
        ).fetchall()
    finally:
        cursor.unregister("__positions")
    return bytes(blob)


def _pack_few(positions: Iterable[int], size: int) -> bytes:
    bits = bytearray(padded(size) // 8)
    for position in positions:
        if position >= len(bits) * 8:
            raise duckdb.OutOfRangeException
        bits[position >> 3] |= 0x80 >> (position & 7)
    return bytes(bits)


def positions_of(people: BitMap) -> pa.ChunkedArray:
    """The positions of a set, ascending, as an Arrow array of uint32 (no copy)."""
    buffer = pa.py_buffer(people.to_array())
    return pa.chunked_array([pa.Array.from_buffers(pa.uint32(), len(people), [None, buffer])])
