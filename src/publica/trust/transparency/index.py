"""The index of large sets by blocks of people, so that one person's list need not read every set.

`GROUP` sets are compacted together, chunk by chunk. Each row then holds, for `PEOPLE` neighbouring positions,
the bits of all sets of one group, set after set; rows of one block of people lie together. A chunk of a group
leaves `subject_set_chunk` in the transaction in which its rows enter `subject_index`, so a reader in one
snapshot finds every bit in exactly one of the two.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import compress, groupby
from operator import itemgetter

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from publica.kernel.database import Change, Database
from publica.kernel.errors import IntegrityBroken
from publica.kernel.keys import Keys
from publica.trust.transparency import sets, store
from publica.trust.transparency.sealing import (
    CHUNK_BYTES,
    chunk_context,
    chunk_id,
    pack,
    subject_tag,
    tag_keys,
    unpack,
)
from publica.trust.transparency.sets import SubjectSet

GROUP = 128
PEOPLE = 512
"""A row is GROUP × PEOPLE bits = 8 KiB; measured best for lists and close to no loss on disk."""
_WIDTH = PEOPLE // 8
_BLOCKS = CHUNK_BYTES // _WIDTH  # blocks of people per chunk
_NUMBER = (1 << 40) - 1
_GROUP_BITS = 24


def sets_with(connection: Connection, keys: Keys, position: int) -> list[int]:
    """The numbers of all stored sets that one person is in."""
    query = select(store.tags.c.in_set).where(store.tags.c.tag.in_(tags_of(keys, position)))
    return [*connection.scalars(query), *large_with(connection, keys, position)]


def tags_of(keys: Keys, position: int) -> list[int]:
    """The tags that lead to the small sets that one person is in."""
    return [subject_tag(key, position) for key in tag_keys(keys)]


def large_with(connection: Connection, keys: Keys, position: int) -> list[int]:
    """The numbers of the large sets that one person is in."""
    return [*_loose(connection, keys, position), *_compacted(connection, keys, position)]


def load(connection: Connection, keys: Keys, number: int) -> tuple[SubjectSet, bytes]:
    """A stored set and its salt. Raises IntegrityBroken when it is not what was committed to."""
    row = connection.execute(select(store.subject_sets).where(store.subject_sets.c.number == number)).one()
    opened = keys.unseal(row.sealed, b"set" + row.token)
    salt, rest = opened[:16], opened[16:]
    if row.large:
        subjects = SubjectSet(_bits(connection, keys, row), row.size)
    else:
        subjects = SubjectSet.from_positions(struct.unpack(f">{len(rest) // 4}I", rest), row.size)
    if sets.commit(subjects, salt) != row.root:
        raise IntegrityBroken(f"Subject set {number} is not the one that was committed to.")
    return subjects, salt


class Tags:
    """The tags of all sets, to be asked for in the order of the sets' numbers."""

    def __init__(self, connection: Connection) -> None:
        query = select(store.tags.c.in_set, store.tags.c.tag).order_by(store.tags.c.in_set)
        self._rows = connection.execute(query, execution_options={"yield_per": 1000})
        self._groups = groupby(self._rows, key=itemgetter(0))
        self._number, self._tags = -1, set[int]()

    def close(self) -> None:
        """Ask no more: some may be left, of sets that are not there."""
        self._rows.close()

    def of(self, number: int) -> set[int]:
        """The tags that lead to this set."""
        while self._number < number:
            found = next(self._groups, None)
            if found is None:
                return set()
            self._number, self._tags = found[0], {row[1] for row in found[1]}
        return self._tags if self._number == number else set()


def wrong_with(connection: Connection, keys: Keys, number: int, tags: set[int]) -> Iterator[str]:
    """What is wrong with a stored set, or with the tags that people in it find it by.

    Raises IntegrityBroken when the set itself is not what was committed to. Nothing, if its key was lost.
    """
    sealed = connection.execute(select(store.subject_sets).where(store.subject_sets.c.number == number)).one()
    if keys.lost(sealed.sealed, b"set" + sealed.token):
        return
    subjects, _ = load(connection, keys, number)
    row = connection.execute(select(store.subject_sets).where(store.subject_sets.c.number == number)).one()
    if row.large not in (True, False) or row.large != (subjects.count > store.SMALL):
        yield f"Subject set {number} is kept as if it had another size."
    if not row.large:
        members = tuple(subjects.positions())
        made = ({subject_tag(key, position) for position in members} for key in tag_keys(keys))
        if tags not in made:
            yield f"Subject set {number} is not found by exactly those who are in it."
    grouped: bytes = b""
    if row.in_group is not None:
        query = select(store.groups.c.members).where(store.groups.c.id == row.in_group)
        grouped = connection.scalar(query) or b""
    if (row.in_group is None) != (row.slot is None) or (
        row.in_group is not None
        and (not row.large or grouped[8 * row.slot :][:8] != struct.pack(">Q", number))
    ):
        yield f"Subject set {number} is not in the group that it says."


def strays(connection: Connection) -> Iterator[str]:
    """Tags, chunks, groups and rows of the index that belong to no set."""
    sizes: dict[int, tuple[int, int]] = {}  # of large sets: how many chunks, how many of them compacted
    columns = store.subject_sets.c
    done = {row.id: row for row in connection.execute(select(store.groups))}
    for number, size, group in connection.execute(
        select(columns.number, columns.size, columns.in_group).where(columns.large)
    ):
        sizes[number] = (-(-size // store.CHUNK), done[group].done if group in done else 0)
    small = select(columns.number).where(~columns.large)
    if connection.scalar(
        select(func.count()).select_from(store.tags).where(store.tags.c.in_set.not_in(small))
    ):
        yield "Tags of people lead to no small subject set."
    for chunk, number in (
        (row >> 40, row & _NUMBER) for row in connection.scalars(select(store.chunks.c.id))
    ):
        chunks, compacted = sizes.get(number, (0, 0))
        if not compacted <= chunk < chunks:
            yield f"Chunk {chunk} of subject set {number} belongs to no set, or is kept twice."
    for row in done.values():
        members = struct.unpack(f">{len(row.members) // 8}Q", row.members)
        chunks = max((sizes.get(number, (0, 0))[0] for number in members), default=0)
        unknown = [number for number in members if number not in sizes]
        if unknown or len(members) != GROUP or row.chunks != chunks or not 0 <= row.done <= chunks:
            yield f"Group {row.id} of subject sets was altered."
    for row_id in connection.scalars(select(store.blocks.c.id)):
        group = done.get(row_id & ((1 << _GROUP_BITS) - 1))
        if group is None or (row_id >> _GROUP_BITS) // _BLOCKS >= group.done:
            yield f"Row {row_id} of the index of subject sets belongs to no group."


def compact(db: Database, keys: Keys) -> int:
    """Compact every full group of large sets, in short transactions; returns how many sets.

    Safe to stop anywhere, to run twice at once, and beside readers and writers.
    """
    compacted = 0
    if keys.sealing_lost:
        return 0  # it cannot read all that it would move
    while db.maintain(_next_group, [store.COMPACTS]) is not None:
        while (step := _step(db, keys)) is not None:
            compacted += step
    return compacted


def _loose(connection: Connection, keys: Keys, position: int) -> Iterator[int]:
    """Large sets whose chunk for this person is not yet compacted."""
    chunk, offset = divmod(position, store.CHUNK)
    byte, mask = offset >> 3, 0x80 >> (offset & 7)
    table = store.chunks.join(
        store.subject_sets, store.subject_sets.c.number == store.chunks.c.id.op("&")(_NUMBER)
    )
    query = (
        select(store.subject_sets.c.number, store.subject_sets.c.token, store.chunks.c.sealed)
        .select_from(table)
        .where(store.chunks.c.id.between(chunk_id(chunk, 0), chunk_id(chunk, _NUMBER)))
    )
    for number, token, sealed in connection.execute(query):
        plain = _opened(keys, sealed, chunk_context(token, chunk))
        if byte < len(plain) and plain[byte] & mask:  # a set's last chunk ends with its last block
            yield number


def _compacted(connection: Connection, keys: Keys, position: int) -> Iterator[int]:
    block, offset = divmod(position, PEOPLE)
    byte, mask = offset >> 3, 0x80 >> (offset & 7)
    hit = bytes(1 if value & mask else 0 for value in range(256))
    low = block << _GROUP_BITS
    rows = connection.execute(
        select(store.blocks.c.sealed, store.groups.c.members)
        .join(store.groups, store.groups.c.id == store.blocks.c.id - low)
        .where(store.blocks.c.id.between(low, low + (1 << _GROUP_BITS) - 1))
        .add_columns(store.blocks.c.id)
    )
    for sealed, members, row in rows:
        plain = _opened(keys, sealed, _context(row))
        numbers = struct.unpack(f">{len(members) // 8}Q", members)
        yield from compress(numbers, plain[byte::_WIDTH].translate(hit))


def _opened(keys: Keys, sealed: bytes, context: bytes) -> bytes:
    """What `unpack` gives; nothing, where the key that sealed it was lost."""
    try:
        return unpack(keys, sealed, context)
    except IntegrityBroken:
        if keys.sealing_lost:
            return b""
        raise


def _bits(connection: Connection, keys: Keys, row: Row[tuple[object, ...]]) -> bytes:
    """A large set's bits, from wherever each chunk is now."""
    bits = bytearray(sets.padded(row.size))
    done = 0
    if row.in_group is not None:
        done = connection.execute(
            select(store.groups.c.done).where(store.groups.c.id == row.in_group)
        ).scalar_one()
    for chunk in range(-(-len(bits) // CHUNK_BYTES)):
        if chunk < done:
            part = _from_index(connection, keys, row.in_group, row.slot, chunk)
        else:
            part = _from_chunk(connection, keys, row.number, row.token, chunk)
        start = chunk * CHUNK_BYTES
        room = len(bits) - start
        bits[start : start + CHUNK_BYTES] = part[:room]
    return bytes(bits)


def _from_chunk(connection: Connection, keys: Keys, number: int, token: bytes, chunk: int) -> bytes:
    query = select(store.chunks.c.sealed).where(store.chunks.c.id == chunk_id(chunk, number))
    sealed = connection.scalar(query)
    plain = unpack(keys, sealed, chunk_context(token, chunk)) if sealed else b""
    return plain.ljust(CHUNK_BYTES, b"\0")


def _from_index(connection: Connection, keys: Keys, group: int, slot: int, chunk: int) -> bytes:
    first = chunk * _BLOCKS
    ids = [(block << _GROUP_BITS) | group for block in range(first, first + _BLOCKS)]
    part = bytearray(CHUNK_BYTES)
    query = select(store.blocks.c.id, store.blocks.c.sealed).where(store.blocks.c.id.in_(ids))
    for row, sealed in connection.execute(query):
        plain = unpack(keys, sealed, _context(row))
        start = ((row >> _GROUP_BITS) - first) * _WIDTH
        part[start : start + _WIDTH] = plain[slot * _WIDTH : (slot + 1) * _WIDTH]
    return bytes(part)


def _next_group(change: Change) -> int | None:
    """The group that is going, or a new one when enough large sets wait; None when nothing is to be done."""
    connection, table = change.connection, store.subject_sets
    going = connection.scalar(select(store.groups.c.id).where(store.groups.c.done < store.groups.c.chunks))
    if going is not None:
        return int(going)
    loose = table.c.large & table.c.in_group.is_(None)
    waiting = select(table.c.number).where(loose).order_by(table.c.number).limit(GROUP)
    numbers = list(connection.scalars(waiting))
    if len(numbers) < GROUP:
        return None
    largest = connection.scalar(select(func.max(table.c.size)).where(table.c.number.in_(numbers))) or 0
    row = {"members": struct.pack(f">{GROUP}Q", *numbers), "chunks": -(-largest // store.CHUNK), "done": 0}
    group = connection.execute(insert(store.groups), row).inserted_primary_key[0]  # type: ignore[index]
    for slot, number in enumerate(numbers):
        connection.execute(update(table).where(table.c.number == number).values(in_group=group, slot=slot))
    return int(group)


def _step(db: Database, keys: Keys) -> int | None:
    """Compact one chunk of the group that is going: sets finished by it, or None when no group is going."""
    with db.read() as connection:
        going = connection.execute(
            select(store.groups).where(store.groups.c.done < store.groups.c.chunks)
        ).first()
        if going is None:
            return None
        numbers = struct.unpack(f">{len(going.members) // 8}Q", going.members)
        parts = _parts(connection, keys, numbers, going.done)
    rows = list(_rows(keys, parts, going.id, going.done))

    def replace(change: Change) -> int:
        moved = change.connection.execute(
            update(store.groups)
            .where((store.groups.c.id == going.id) & (store.groups.c.done == going.done))
            .values(done=going.done + 1)
        )
        if moved.rowcount == 0:
            return 0  # another process was quicker
        ids = [chunk_id(going.done, number) for number in numbers]
        change.connection.execute(delete(store.chunks).where(store.chunks.c.id.in_(ids)))
        if rows:
            change.connection.execute(insert(store.blocks), rows)
        return len(numbers) if going.done + 1 == going.chunks else 0

    return db.maintain(replace, [store.COMPACTS])


def _parts(connection: Connection, keys: Keys, numbers: tuple[int, ...], chunk: int) -> list[bytes]:
    """One chunk of each of these sets, by slot."""
    columns = store.subject_sets.c
    query = select(columns.number, columns.token).where(columns.number.in_(numbers))
    tokens = {row.number: row.token for row in connection.execute(query)}
    return [_from_chunk(connection, keys, number, tokens[number], chunk) for number in numbers]


def _rows(keys: Keys, parts: list[bytes], group: int, chunk: int) -> Iterator[dict[str, object]]:
    """The index rows of one chunk of a group. Sets made alike deflate well: two rows are tried."""
    deflate = False
    for block in range(_BLOCKS):
        start = block * _WIDTH
        plain = b"".join([part[start : start + _WIDTH] for part in parts])
        if not plain.strip(b"\0"):
            continue
        row = ((chunk * _BLOCKS + block) << _GROUP_BITS) | group
        sealed = pack(keys, plain, _context(row), deflate=deflate or block < 2)
        if block < 2:
            deflate = len(sealed) < 0.9 * len(plain)
        yield {"id": row, "sealed": sealed}


def _context(row: int) -> bytes:
    return b"index" + row.to_bytes(8, "big")
