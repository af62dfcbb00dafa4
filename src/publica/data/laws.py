"""What `ledger verify` checks of this area: versions and the directory, their rows, and their files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import Connection, Table, select

from publica.data.bindings import BLOCK, block_leaf, commitment, salt_key, salt_of
from publica.data.store import dataset_version, subject_segment
from publica.data.subjects import ROW_GROUP, Segment
from publica.kernel.actor import Actor
from publica.kernel.keys import Keys
from publica.kernel.ledger import merkle
from publica.kernel.ledger.canonical import b64, commit
from publica.kernel.ledger.laws import Law, Linked, Problem, broken, told
from publica.kernel.ledger.store import entries


class VersionLaw(Law):
    """Every version's row says what its entry says, and its file is the one that was published."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def finish(self, connection: Connection, /) -> Iterator[Problem]:
        for row in _with_entries(connection, dataset_version):
            name = f"Version {row.number} of {row.dataset}"
            yield from told(name, self._version(name, row))

    def _version(self, name: str, row: Any) -> Iterator[Problem]:
        entry = json.loads(row.body)
        held = {
            "dataset": row.dataset,
            "version": row.number,
            "rows": row.rows,
            "columns": len(row.columns),
            "digest": row.digest,
            "files": len(row.files),
            "subjects": row.subjects,
            "at": row.recorded_at,
            "actor": commit(row.salt, Actor(**row.actor).canonical),
        }
        for field, value in held.items():
            if entry[field] != value:
                yield broken(row.position, f"{name} says something else about `{field}` than its entry.")
        path = self._folder / row.path
        if not path.is_file():
            yield broken(row.position, f"{name} has lost its file.")
        elif _sha256(path) != entry["digest"]:
            yield broken(row.position, f"{name} has another file than the one that was published.")
        elif pq.read_schema(path).names[: len(row.columns)] != row.columns:
            yield broken(row.position, f"{name} names other columns than its file has.")
        if sum(file["rows"] for file in row.files) != entry["rows"]:
            yield broken(row.position, f"{name} was read from files of another number of rows.")


class DirectoryLaw(Law):
    """Every segment's row says what its entry says, and its files give the root that the entry has."""

    def __init__(self, keys: Keys, folder: Path) -> None:
        self._keys, self._folder = keys, folder

    def finish(self, connection: Connection, /) -> Iterator[Problem]:
        for row in _with_entries(connection, subject_segment):
            name = f"Segment {row.number} of the directory of people"
            yield from told(name, self._segment(name, row))

    def _segment(self, name: str, row: Any) -> Iterator[Problem]:
        entry = json.loads(row.body)
        held = {"segment": row.number, "first": row.first, "count": row.count, "root": b64(row.root)}
        wrong = [field for field, value in held.items() if entry[field] != value]
        for field in wrong:
            yield broken(row.position, f"{name} says something else about `{field}` than its entry.")
        if not wrong:
            segment = Segment(row.number, row.first, row.count, row.root, row.name, row.entry)
            yield from self._files(name, row.position, segment)

    def _files(self, name: str, position: int | None, segment: Segment) -> Iterator[Problem]:
        leaves = self._leaves(segment)
        if self._keys.directory_lost and merkle.root(leaves) != segment.root:
            leaves = _blocks(segment.file(self._folder, "blocks"))  # all that can be said without the key
        if merkle.root(leaves) != segment.root:
            yield broken(
                position, f"{name} names other people, or in other places, than its entry commits to."
            )
        if segment.file(self._folder, "blocks").read_bytes() != b"".join(leaves):
            yield broken(position, f"{name} has other hashes in its file of blocks than its people give.")
        columns = ["concept", "key"]
        placed = pq.read_table(segment.file(self._folder, "by-position.parquet"), columns=columns)
        found = pq.read_table(segment.file(self._folder, "by-key.parquet"))
        keys = found["key"].combine_chunks()
        if not pc.all(pc.less_equal(keys[:-1], keys[1:])).as_py() and len(keys) > 1:
            yield broken(position, f"{name} is not sorted by key where people are looked up.")
        found = found.sort_by("position")
        places = range(segment.first, segment.first + segment.count)
        if not found.select(columns).equals(placed) or found["position"].to_pylist() != list(places):
            yield broken(position, f"{name} gives people other positions by key than by position.")

    def _leaves(self, segment: Segment) -> list[bytes]:
        secret, at = salt_key(self._keys), segment.first
        leaves: list[bytes] = []
        with pq.ParquetFile(segment.file(self._folder, "by-position.parquet")) as file:
            for batch in file.iter_batches(ROW_GROUP, columns=["concept", "key"]):
                pairs = zip(batch["concept"].to_pylist(), batch["key"].to_pylist(), strict=True)
                made = [commitment(salt_of(secret, at + i), *pair, at + i) for i, pair in enumerate(pairs)]
                leaves += [block_leaf(made[start : start + BLOCK]) for start in range(0, len(made), BLOCK)]
                at += len(made)
        return leaves


def laws(keys: Keys, folder: Path) -> tuple[Law, ...]:
    """Fresh laws for one verification; `folder` is the data folder."""
    return (
        Linked(dataset_version, {"version"}),
        Linked(subject_segment, {"directory"}),
        VersionLaw(folder),
        DirectoryLaw(keys, folder),
    )


def _with_entries(connection: Connection, table: Table) -> Iterator[Any]:
    """The rows that have an entry (for those without one, see `Linked`), each with it."""
    joined = table.join(entries, entries.c.leaf == table.c.entry)
    yield from connection.execute(select(table, entries.c.body, entries.c.position).select_from(joined))


def _blocks(path: Path) -> list[bytes]:
    data = path.read_bytes()
    return [data[at : at + 32] for at in range(0, len(data), 32)]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
