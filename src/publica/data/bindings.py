"""What binds a person's key to a position: salted commitments under a tree whose root is in the ledger.

The commitment of position p is SHA-256(salt || canonical JSON of [concept, key, p]). 256 commitments in a row
are one leaf of an RFC 9162 tree, one tree per segment of the directory. To show one binding is to show its
salt, the commitments of its 255 neighbours (which say nothing without their salts), and a path.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from publica.kernel.keys import Keys
from publica.kernel.ledger.canonical import canonical, leaf_hash, unb64
from publica.kernel.ledger.merkle import includes

BLOCK = 256
"""Commitments per leaf."""


@dataclass(frozen=True)
class Binding:
    """The proof that `key` stands at `position`. Bytes are base64; `entry` is the segment's ledger entry.

    `first` and `count` are the segment's positions, `root` the tree over its blocks of commitments.
    """

    concept: str
    key: str
    position: int
    salt: str
    segment: int
    first: int
    count: int
    block: tuple[str, ...]
    path: tuple[str, ...]
    root: str
    entry: str


def order_key(keys: Keys) -> bytes:
    """The secret by which new people are put in random order."""
    return keys.derive("directory", "order")


def salt_key(keys: Keys) -> bytes:
    """The secret from which each position's salt is made."""
    return keys.derive("directory", "salt")


def salt_of(secret: bytes, position: int) -> bytes:
    """16 bytes: the start of SHA-256(secret || position as 4 bytes, big-endian)."""
    return hashlib.sha256(secret + position.to_bytes(4, "big")).digest()[:16]


def commitment(salt: bytes, concept: str, key: str, position: int) -> bytes:
    """32 bytes that say nothing of the key until the salt is shown."""
    return hashlib.sha256(salt + canonical([concept, key, position])).digest()


def block_leaf(commitments: Sequence[bytes]) -> bytes:
    """The leaf hash of one block."""
    return leaf_hash(b"".join(commitments))


def verify_binding(binding: Binding) -> bool:
    """Whether the proof holds for its root.

    That a ledger entry has this segment, first, count and root is for the ledger's proof to show.
    """
    index, place = divmod(binding.position - binding.first, BLOCK)
    blocks = -(-binding.count // BLOCK)
    width = min(BLOCK, binding.count - index * BLOCK)
    if not 0 <= binding.position - binding.first < binding.count or len(binding.block) != width:
        return False
    try:
        commitments = [unb64(text) for text in binding.block]
        path = [unb64(text) for text in binding.path]
        own = commitment(unb64(binding.salt), binding.concept, binding.key, binding.position)
        root = unb64(binding.root)
    except ValueError:
        return False
    if any(len(each) != 32 for each in (*commitments, *path)) or commitments[place] != own:
        return False
    return includes(block_leaf(commitments), index, blocks, path, root)
