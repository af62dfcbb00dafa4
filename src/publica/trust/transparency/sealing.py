"""Subject sets as they are stored: sealed, a large one in chunks, a small one with tags to find it by."""

from __future__ import annotations

import hmac
import secrets
import struct
import zlib
from dataclasses import dataclass, replace
from hashlib import sha256

from sqlalchemy import Connection, insert

from publica.kernel.keys import Keys
from publica.kernel.ledger.canonical import new_salt
from publica.trust.transparency import sets, store
from publica.trust.transparency.model import StoredSet
from publica.trust.transparency.sets import SubjectSet

CHUNK_BYTES = store.CHUNK // 8
_RAW, _DEFLATED = b"\0", b"\1"
_SET, _TAG, _CHUNK = insert(store.subject_sets), insert(store.tags), insert(store.chunks)
_SPARSE = 100  # bits in random positions shrink quickly only when fewer than one in so many is set


@dataclass(frozen=True)
class PreparedSet:
    """A set, committed to and sealed, ready to be added."""

    token: bytes
    root: str
    size: int
    digest: bytes
    large: bool
    sealed: bytes
    chunks: tuple[tuple[int, bytes], ...] = ()
    tags: tuple[int, ...] = ()


def subject_tag(key: bytes, position: int) -> int:
    """The tag of a subject, as a signed 64-bit integer. `key`: see `tag_key`."""
    tag = hmac.digest(key, position.to_bytes(4, "big"), "sha256")[:8]
    return int.from_bytes(tag, "big", signed=True)


def tag_key(keys: Keys) -> bytes:
    return tag_keys(keys)[0]


def tag_keys(keys: Keys) -> tuple[bytes, ...]:
    """Also those of sealing keys that were replaced: older sets have their tags."""
    return keys.derive_each("subject-tag")


def pack(keys: Keys, plain: bytes, context: bytes, *, deflate: bool) -> bytes:
    """Seal bytes, deflated first if asked to and if that makes them smaller."""
    small = zlib.compress(plain, 1) if deflate else plain
    shrunk = len(small) < len(plain)
    return keys.seal(_DEFLATED + small if shrunk else _RAW + plain, context)


def unpack(keys: Keys, sealed: bytes, context: bytes) -> bytes:
    """What `pack` was given."""
    plain = keys.unseal(sealed, context)
    return zlib.decompress(plain[1:]) if plain[:1] == _DEFLATED else plain[1:]


def digest_of(subjects: SubjectSet) -> bytes:
    """By which equal sets are known."""
    return sha256(subjects.bits).digest()


def prepare(keys: Keys, subjects: SubjectSet) -> PreparedSet:
    """Commit to a set under a fresh salt and seal it. The costly part: do it before the transaction."""
    salt, token = new_salt(), secrets.token_bytes(16)
    large = subjects.count > store.SMALL
    members = () if large else tuple(subjects.positions())
    kept = PreparedSet(
        token=token,
        root=sets.commit(subjects, salt),
        size=subjects.size,
        digest=digest_of(subjects),
        large=large,
        sealed=keys.seal(salt + struct.pack(f">{len(members)}I", *members), b"set" + token),
    )
    if large:
        return replace(kept, chunks=_chunks(keys, token, subjects))
    key = tag_key(keys)
    return replace(kept, tags=tuple(subject_tag(key, position) for position in members))


def add(connection: Connection, prepared: PreparedSet) -> StoredSet:
    """Store a prepared set."""
    row = {name: getattr(prepared, name) for name in ("token", "root", "size", "large", "sealed")}
    number = connection.execute(_SET, row).inserted_primary_key[0]  # type: ignore[index]
    if prepared.tags:
        connection.execute(_TAG, [{"tag": tag, "in_set": number} for tag in prepared.tags])
    if prepared.chunks:
        rows = [{"id": chunk_id(chunk, number), "sealed": data} for chunk, data in prepared.chunks]
        connection.execute(_CHUNK, rows)
    return StoredSet(number, prepared.root, prepared.size, prepared.digest)


def chunk_id(chunk: int, number: int) -> int:
    """Rows lie chunk by chunk, so that one person's look-up reads neighbours."""
    return (chunk << 40) | number


def chunk_context(token: bytes, chunk: int) -> bytes:
    return b"chunk" + token + chunk.to_bytes(4, "big")


def _chunks(keys: Keys, token: bytes, subjects: SubjectSet) -> tuple[tuple[int, bytes], ...]:
    deflate = subjects.count * _SPARSE < subjects.size
    parts = (
        (chunk, subjects.bits[start : start + CHUNK_BYTES])
        for chunk, start in enumerate(range(0, len(subjects.bits), CHUNK_BYTES))
    )
    return tuple(
        (chunk, pack(keys, part, chunk_context(token, chunk), deflate=deflate))
        for chunk, part in parts
        if part.strip(b"\0")
    )
