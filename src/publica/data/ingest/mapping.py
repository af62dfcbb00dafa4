"""Persons' keys become positions: known ones as the directory has them, new ones in random order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from publica.data.bindings import BLOCK, order_key, salt_key
from publica.data.ingest.stage import one
from publica.data.ingest.work import settle
from publica.data.model import TableSchema
from publica.data.sql import literal, pattern
from publica.data.subjects import PERSON, ROW_GROUP, Segment
from publica.kernel.errors import BadInput
from publica.kernel.keys import Keys
from publica.kernel.ledger.canonical import leaf_hash
from publica.kernel.ledger.merkle import root

MOST = 2**32 - 1
"""Positions fit in 32 bits."""


@dataclass(frozen=True)
class NewSegment:
    """A segment whose files are in place and that is not published yet."""

    first: int
    count: int
    root: bytes
    name: str


def map_keys(
    engine: duckdb.DuckDBPyConnection,
    schema: TableSchema,
    known: Sequence[Segment],
    folder: Path,
    keys: Keys,
) -> tuple[int, int]:
    """Make table `mapped` (concept, key, position) of every key in `typed`; `fresh` holds the new ones.

    Returns how many subjects were known before, which is the first new position, and how many are new.
    """
    first = sum(segment.count for segment in known)
    pairs = [
        f"SELECT {literal(column.concept or PERSON)} AS concept, CAST(t{i} AS VARCHAR) AS key FROM typed"
        for i, column in enumerate(schema.columns)
        if column.subject_key
    ]
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE wanted AS SELECT DISTINCT * FROM ({' UNION ALL '.join(pairs)})"
    )
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE mapped AS SELECT concept, key, position "
        f"FROM wanted JOIN {_directory(known, folder)} USING (concept, key)"
    )
    secret = order_key(keys).hex()
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE fresh AS SELECT concept, key, "
        f"CAST({first} - 1 + row_number() OVER (ORDER BY rank) AS UBIGINT) AS position FROM ("
        f"SELECT concept, key, sha256(unhex('{secret}') || encode(concept || chr(31) || key)) AS rank "
        "FROM wanted ANTI JOIN mapped USING (concept, key))"
    )
    count = int(one(engine, "SELECT count(*) FROM fresh")[0])
    if first + count > MOST:
        raise BadInput(f"The directory would hold {first + count} subjects; the limit is {MOST}.")
    engine.execute("INSERT INTO mapped SELECT * FROM fresh")
    return first, count


def write_segment(
    engine: duckdb.DuckDBPyConnection, first: int, count: int, keys: Keys, work: Path, folder: Path
) -> NewSegment:
    """Write the files of a segment of the people in `fresh`, durably, to their final places."""
    segment = Segment(0, first, count, b"", work.name, b"")
    by_key = engine.sql(
        "SELECT key, concept, CAST(position AS UINTEGER) AS position FROM fresh ORDER BY key, concept"
    )
    _write(by_key, work / "by-key.parquet")
    _write(engine.sql("SELECT concept, key FROM fresh ORDER BY position"), work / "by-position.parquet")
    leaves = _leaves(engine, keys)
    (work / "blocks").write_bytes(b"".join(leaves))
    for kind in ("by-key.parquet", "by-position.parquet", "blocks"):
        settle(work / kind, segment.file(folder, kind))
    return NewSegment(first, count, root(leaves), work.name)


def _directory(known: Sequence[Segment], folder: Path) -> str:
    if not known:
        return "(SELECT '' AS concept, '' AS key, 0::UBIGINT AS position WHERE false)"
    files = ", ".join(literal(pattern(segment.file(folder, "by-key.parquet"))) for segment in known)
    return f"(SELECT concept, key, CAST(position AS UBIGINT) AS position FROM read_parquet([{files}]))"


def _leaves(engine: duckdb.DuckDBPyConnection, keys: Keys) -> list[bytes]:
    """The leaf hashes of the segment's blocks, hashed as `publica.data.bindings` defines them.

    Keys hold no control characters, so only the quote and the backslash are escaped in canonical JSON.
    """
    secret = salt_key(keys).hex()
    concept, key = (f"replace(replace({name}, '\\', '\\\\'), '\"', '\\\"')" for name in ("concept", "key"))
    text = f"'[\"' || {concept} || '\",\"' || {key} || '\",' || position || ']'"
    salt = f"unhex(sha256(unhex('{secret}') || unhex(printf('%08x', position)))[1:32])"
    commitments = engine.sql(
        f"SELECT unhex(sha256({salt} || encode({text}))) AS c FROM fresh ORDER BY position"
    )
    leaves: list[bytes] = []
    for table in _even(commitments, BLOCK * 256):
        data = b"".join(table["c"].to_pylist())
        leaves += [leaf_hash(data[at : at + 32 * BLOCK]) for at in range(0, len(data), 32 * BLOCK)]
    return leaves


def _write(rows: duckdb.DuckDBPyRelation, path: Path) -> None:
    """Write rows as Parquet with row groups of exactly ROW_GROUP rows, the last one excepted."""
    writer = None
    for table in _even(rows, ROW_GROUP * 8):
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table, row_group_size=ROW_GROUP)
    if writer is not None:
        writer.close()


def _even(rows: duckdb.DuckDBPyRelation, length: int) -> Iterator[pa.Table]:
    """The rows in tables of exactly `length` rows, the last one excepted."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in rows.to_arrow_reader(length):
        held.append(batch)
        count += batch.num_rows
        while count >= length:
            table = pa.Table.from_batches(held)
            yield table.slice(0, length)
            held = table.slice(length).to_batches()
            count -= length
    if count:
        yield pa.Table.from_batches(held)
