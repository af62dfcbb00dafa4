"""From positions back to keys: whom a set of positions is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection

from publica.data.subjects import PERSON, Segment, segments


def keys_of(
    connection: Connection, folder: Path, positions: Iterable[int], concept: str = PERSON
) -> Iterator[str]:
    """The keys of those positions that are persons, in the order of positions. `folder`: the data folder."""
    wanted = sorted(positions)
    for segment in segments(connection):
        last = segment.first + segment.count
        places = [at - segment.first for at in wanted if segment.first <= at < last]
        if places:
            yield from _keys(segment, folder, places, concept)


def _keys(segment: Segment, folder: Path, places: list[int], concept: str) -> Iterator[str]:
    table = pq.read_table(segment.file(folder, "by-position.parquet"), columns=["concept", "key"])
    for batch in table.take(pa.array(places, pa.int64())).to_batches():
        concepts, keys = batch.column("concept").to_pylist(), batch.column("key").to_pylist()
        yield from (key for kind, key in zip(concepts, keys, strict=True) if kind == concept)
