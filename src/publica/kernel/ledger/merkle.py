"""Merkle trees as RFC 9162 section 2.1 has them: roots, proofs, and their verification.

Trees are given by their leaf hashes, or (for a tree too large to hold) by `Subtree`, which fetches the root
of any complete subtree. A path lists hashes from the leaf's side up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from publica.kernel.ledger.canonical import NODE

EMPTY = hashlib.sha256().digest()
"""The root of the tree without leaves."""

Subtree = Callable[[int, int], bytes]
"""(height, index) -> root over the leaves index * 2**height to (index + 1) * 2**height - 1."""


def node(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(NODE + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """The root over these leaf hashes; `EMPTY` when there are none."""
    level = list(leaves)
    while len(level) > 1:
        level = _parents(level)
    return level[0] if level else EMPTY


def path(leaves: Sequence[bytes], position: int) -> list[bytes]:
    """The inclusion path of the leaf at `position` among these leaf hashes. Raises IndexError beyond them."""
    if not 0 <= position < len(leaves):
        raise IndexError(position)
    level, found = list(leaves), []
    while len(level) > 1:
        if position ^ 1 < len(level):
            found.append(level[position ^ 1])
        level, position = _parents(level), position >> 1
    return found


def root_at(size: int, subtree: Subtree) -> bytes:
    """The root of the tree's first `size` leaves."""
    return _range(0, size, subtree) if size else EMPTY


def inclusion_path(position: int, size: int, subtree: Subtree) -> list[bytes]:
    """PATH(position, D[size]) of section 2.1.3.1. Raises IndexError when the leaf is not in that tree."""
    if not 0 <= position < size:
        raise IndexError(position)
    start, end, found = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if position < middle:
            found.append(_range(middle, end, subtree))
            end = middle
        else:
            found.append(_range(start, middle, subtree))
            start = middle
    return found[::-1]


def consistency_path(old: int, new: int, subtree: Subtree) -> list[bytes]:
    """PROOF(old, D[new]) of section 2.1.4.1. Raises IndexError unless 0 < old <= new."""
    if not 0 < old <= new:
        raise IndexError(old)
    start, end, found = 0, new, []
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            found.append(_range(middle, end, subtree))
            end = middle
        else:
            found.append(_range(start, middle, subtree))
            start = middle
    if start:  # the old tree is not itself a node of the new one's left edge: its last part must be shown
        found.append(_range(start, end, subtree))
    return found[::-1]


def includes(leaf: bytes, position: int, size: int, proof: Sequence[bytes], claimed: bytes) -> bool:
    """Whether `proof` shows that `leaf` is at `position` in the tree of this size and root (2.1.3.2)."""
    if not 0 <= position < size or not _hashes(leaf, *proof):
        return False
    here, last, found = position, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if here & 1 or here == last:
            found = node(sibling, found)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            found = node(found, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and found == claimed


def extends(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the tree `new` begins with the whole tree `old` (2.1.4.2).

    False for an empty old tree: everything extends it, so nothing would be shown.
    """
    if not 0 < old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    if not _hashes(old_root, *proof):
        return False
    steps = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not proof or not steps:
        return False
    here, last = old - 1, new - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    old_found = new_found = steps[0]
    for sibling in steps[1:]:
        if last == 0:
            return False
        if here & 1 or here == last:
            old_found, new_found = node(sibling, old_found), node(sibling, new_found)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            new_found = node(new_found, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and old_found == old_root and new_found == new_root


def _hashes(*values: bytes) -> bool:
    """Whether all are of a hash's length: otherwise two nodes could be cut apart elsewhere."""
    return all(len(value) == 32 for value in values)


def _parents(level: list[bytes]) -> list[bytes]:
    """The level above; a last node without a sibling moves up unchanged."""
    digest = hashlib.sha256
    above = [digest(NODE + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
    return above + level[-1:] if len(level) & 1 else above


def _range(start: int, end: int, subtree: Subtree) -> bytes:
    """MTH(D[start:end]) of a range that is a node of some tree, so that its complete parts are aligned."""
    size = end - start
    if size & (size - 1) == 0:
        height = size.bit_length() - 1
        return subtree(height, start >> height)
    middle = start + _split(size)
    return node(_range(start, middle, subtree), _range(middle, end, subtree))


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1
