"""The directory of subjects: a person's key ↔ a position.

Positions are dense, given once, in random order, and never given again. Each load that brings new people
adds a segment: two Parquet files (sorted by key, and by position), the leaf hashes of its tree, and its root
in the ledger.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import Connection, func, select

from publica.data.bindings import BLOCK, Binding, block_leaf, commitment, salt_key, salt_of
from publica.data.store import subject_segment as table
from publica.kernel.errors import IntegrityBroken
from publica.kernel.keys import Keys
from publica.kernel.ledger.canonical import b64
from publica.kernel.ledger.merkle import path as inclusion_path

FOLDER = "subjects"
PERSON = "person"
ROW_GROUP = 64 * BLOCK
"""Rows per row group of the directory's files: what one look-up reads."""


SIZE = select(func.coalesce(func.sum(table.c.count), 0))
"""How many subjects there are, as a query."""


@dataclass(frozen=True)
class Segment:
    """The positions `first` to `first + count - 1`, and where they are kept."""

    number: int
    first: int
    count: int
    root: bytes
    name: str
    entry: bytes

    def file(self, folder: Path, kind: str) -> Path:
        """Its `by-key.parquet`, `by-position.parquet` or `blocks` in the data folder."""
        return folder / FOLDER / f"{self.name}.{kind}"


def segments(connection: Connection) -> tuple[Segment, ...]:
    """All of the directory, in the order of positions."""
    rows = connection.execute(select(table).order_by(table.c.first)).mappings()
    return tuple(Segment(**row) for row in rows)


def size(connection: Connection) -> int:
    """How many subjects there are: positions are 0 to size - 1."""
    return int(connection.execute(SIZE).scalar_one())


def position(connection: Connection, folder: Path, key: str, concept: str = PERSON) -> int | None:
    """Where a key stands; None when no load ever brought it. `folder` is the data folder."""
    files = (segment.file(folder, "by-key.parquet") for segment in reversed(segments(connection)))
    return next((found for file in files if (found := _of_one(file, key, concept)) is not None), None)


def positions(
    connection: Connection, folder: Path, keys: Iterable[str], concept: str = PERSON
) -> dict[str, int]:
    """Where each of the keys stands; unknown keys are left out."""
    wanted, found = set(keys), dict[str, int]()
    for segment in reversed(segments(connection)):
        if not wanted:
            break
        found |= _of_many(segment.file(folder, "by-key.parquet"), wanted, concept)
        wanted -= found.keys()
    return found


@lru_cache(maxsize=1024)
def _of_one(file: Path, key: str, concept: str) -> int | None:
    """Where a key stands by one file; kept, as files never change and a page asks for its reader often."""
    return _of_many(file, {key}, concept).get(key)


def _of_many(file: Path, keys: set[str], concept: str) -> dict[str, int]:
    found = dict[str, int]()
    for group, here in _groups(file, keys):
        some = group.filter(pc.is_in(group["key"], value_set=pa.array(here, pa.string())))
        some = some.filter(pc.equal(some["concept"], concept))
        found.update(zip(some["key"].to_pylist(), some["position"].to_pylist(), strict=True))
    return found


def binding(
    connection: Connection, keys: Keys, folder: Path, key: str, concept: str = PERSON
) -> Binding | None:
    """The proof of where a key stands; None for an unknown key.

    Raises IntegrityBroken when the files no longer give the root that the ledger has.
    """
    found = position(connection, folder, key, concept)
    segment = _segment_of(connection, found) if found is not None else None
    if found is None or segment is None:
        return None
    index = (found - segment.first) // BLOCK
    block = _block(segment, folder, keys, index)
    leaves = _leaves(segment, folder)
    if block_leaf(block) != leaves[index]:
        raise IntegrityBroken("A segment of the directory of subjects does not fit its commitments.")
    return Binding(
        concept=concept,
        key=key,
        position=found,
        salt=b64(salt_of(salt_key(keys), found)),
        segment=segment.number,
        first=segment.first,
        count=segment.count,
        block=tuple(b64(each) for each in block),
        path=tuple(b64(each) for each in inclusion_path(leaves, index)),
        root=b64(segment.root),
        entry=b64(segment.entry),
    )


def _segment_of(connection: Connection, position: int) -> Segment | None:
    last = select(table).where(table.c.first <= position).order_by(table.c.first.desc()).limit(1)
    row = connection.execute(last).mappings().one_or_none()
    if row is None or position >= row["first"] + row["count"]:
        return None
    return Segment(**row)


def _block(segment: Segment, folder: Path, keys: Keys, index: int) -> list[bytes]:
    """The commitments of one block, made again from the keys."""
    secret, start = salt_key(keys), index * BLOCK
    group = _group(segment.file(folder, "by-position.parquet"), start // ROW_GROUP)
    offset = start % ROW_GROUP
    commitments = []
    for place in range(offset, min(offset + BLOCK, group.num_rows)):
        at = segment.first + start + place - offset
        commitments.append(commitment(salt_of(secret, at), *_pair(group, place), at))
    return commitments


def _leaves(segment: Segment, folder: Path) -> list[bytes]:
    data = segment.file(folder, "blocks").read_bytes()
    return [data[at : at + 32] for at in range(0, len(data), 32)]


def _pair(group: pa.Table, place: int) -> tuple[str, str]:
    return group["concept"][place].as_py(), group["key"][place].as_py()


def _group(path: Path, index: int) -> pa.Table:
    metadata, _ = _index(path)
    with pq.ParquetFile(path, metadata=metadata) as file:
        return file.read_row_group(index)


def _groups(path: Path, keys: set[str]) -> Iterator[tuple[pa.Table, list[str]]]:
    """The row groups of a by-key file that may hold some of the keys, each with those that it may hold."""
    metadata, firsts = _index(path)
    wanted: dict[int, list[str]] = {}
    for key in keys:
        for index in range(max(bisect_left(firsts, key) - 1, 0), bisect_right(firsts, key)):
            wanted.setdefault(index, []).append(key)
    with pq.ParquetFile(path, metadata=metadata) as file:
        for index in sorted(wanted):
            yield file.read_row_group(index, use_threads=False), wanted[index]  # too small to share out


@lru_cache(maxsize=256)
def _index(path: Path) -> tuple[pq.FileMetaData, list[str]]:
    """A file's metadata and, for one sorted by key, the first key of each row group. Files never change."""
    metadata = pq.read_metadata(path)
    column = metadata.schema.names.index("key")
    groups = (metadata.row_group(i).column(column).statistics for i in range(metadata.num_row_groups))
    return metadata, [group.min for group in groups]
