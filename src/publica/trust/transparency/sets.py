"""Sets of subjects as packed bits, and the Merkle tree that commits to one without showing it.

Bit p is `0x80 >> (p & 7)` of byte `p >> 3`; zeros pad the bits to whole blocks of 4,096 positions. The
commitment is an RFC 9162 tree over the blocks: leaf b = salt_b || bits of block b, where salt_b is the
first 16 bytes of SHA-256(salt of the set || b as uint32, big-endian). Whoever sees one block and its salt
learns nothing of the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from publica.kernel.errors import IntegrityBroken
from publica.kernel.ledger import merkle
from publica.kernel.ledger.canonical import LEAF, b64

BLOCK = 4096
"""Positions per block of the commitment: the anonymity of an opening, and its cost."""
BLOCK_BYTES = BLOCK // 8


def padded(size: int) -> int:
    """Bytes that a set over `size` positions takes."""
    return -(-size // BLOCK) * BLOCK_BYTES


@dataclass(frozen=True)
class SubjectSet:
    """Some of the positions 0 … size-1. Raises IntegrityBroken when the bits do not fit the size."""

    bits: bytes
    size: int

    def __post_init__(self) -> None:
        if len(self.bits) != padded(self.size) or self._beyond():
            raise IntegrityBroken(f"A set over {self.size} subjects does not have the bits of one.")

    @classmethod
    def empty(cls, size: int) -> SubjectSet:
        return cls(bytes(padded(size)), size)

    @classmethod
    def from_positions(cls, positions: Iterable[int], size: int) -> SubjectSet:
        """Raises IntegrityBroken when a position is not below `size`."""
        bits = bytearray(padded(size))
        for position in positions:
            if not 0 <= position < size:
                raise IntegrityBroken(f"Position {position} is not below {size}.")
            bits[position >> 3] |= 0x80 >> (position & 7)
        return cls(bytes(bits), size)

    @cached_property
    def count(self) -> int:
        """How many subjects are in the set."""
        step = 8 * BLOCK_BYTES
        parts = range(0, len(self.bits), step)
        return sum(int.from_bytes(self.bits[at : at + step], "big").bit_count() for at in parts)

    def contains(self, position: int) -> bool:
        """Whether this subject is in the set; one who joined the directory later is not."""
        return 0 <= position < self.size and bool(self.bits[position >> 3] & (0x80 >> (position & 7)))

    def positions(self) -> Iterator[int]:
        """The members, ascending. Quick for few members: blocks without any are skipped whole."""
        nobody = bytes(BLOCK_BYTES)
        for start in range(0, len(self.bits), BLOCK_BYTES):
            block = self.bits[start : start + BLOCK_BYTES]
            if block != nobody:
                for index, byte in enumerate(block, start):
                    if byte:
                        yield from (8 * index + bit for bit in range(8) if byte & (0x80 >> bit))

    def union(self, other: SubjectSet) -> SubjectSet:
        """Both sets' members, over the larger of the two sizes."""
        small, large = sorted((self, other), key=lambda each: each.size)
        bits = small.bits.ljust(len(large.bits), b"\0")
        both = int.from_bytes(bits, "big") | int.from_bytes(large.bits, "big")
        return SubjectSet(both.to_bytes(len(large.bits), "big"), large.size)

    def _beyond(self) -> bool:
        """Whether any bit of the padding is set."""
        last, more = divmod(self.size, 8)
        padding = self.bits[last:]
        return bool(padding.strip(b"\0")) and (
            bool(padding[0] & (0xFF >> more)) or bool(padding[1:].strip(b"\0"))
        )


@dataclass(frozen=True)
class Opening:
    """One block of a committed set: its salt, its bits, and the path of hashes to the root."""

    block: int
    salt: bytes
    bits: bytes
    path: tuple[bytes, ...]

    def contains(self, position: int) -> bool:
        offset = position - self.block * BLOCK
        return bool(self.bits[offset >> 3] & (0x80 >> (offset & 7)))


def block_salt(salt: bytes, block: int) -> bytes:
    """The 16-byte salt of one block; shows nothing of the set's salt or of other blocks'."""
    return sha256(salt + block.to_bytes(4, "big")).digest()[:16]


def leaf(salt: bytes, bits: bytes) -> bytes:
    """The RFC 9162 leaf hash of one block under its own salt."""
    return sha256(LEAF + salt + bits).digest()


def commit(subjects: SubjectSet, salt: bytes) -> str:
    """The set's root, base64. `salt`: 16 random bytes, never used for another set."""
    return b64(merkle.root(_leaves(subjects, salt)))


def opening(subjects: SubjectSet, salt: bytes, position: int) -> Opening:
    """What shows whether `position` (below the set's size) is in the set that `commit` committed to."""
    block = position // BLOCK
    path = merkle.path(_leaves(subjects, salt), block)
    bits = subjects.bits[block * BLOCK_BYTES : (block + 1) * BLOCK_BYTES]
    return Opening(block, block_salt(salt, block), bits, tuple(path))


def _leaves(subjects: SubjectSet, salt: bytes) -> list[bytes]:
    bits, width = subjects.bits, BLOCK_BYTES
    salts = [sha256(salt + block.to_bytes(4, "big")).digest()[:16] for block in range(len(bits) // width)]
    return [
        sha256(b"%b%b%b" % (LEAF, own, bits[at : at + width])).digest()
        for own, at in zip(salts, range(0, len(bits), width), strict=True)
    ]
