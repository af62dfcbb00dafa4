"""Subject sets: membership, and a commitment that opens one block at a time."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publica.kernel.errors import IntegrityBroken
from publica.kernel.ledger import merkle
from publica.kernel.ledger.canonical import b64, unb64
from publica.trust.transparency.sets import BLOCK, SubjectSet, block_salt, commit, leaf, opening, padded

SALT = bytes(range(16))
SIZES = st.integers(0, 5 * BLOCK)


@st.composite
def members(draw: st.DrawFn) -> tuple[set[int], int]:
    size = draw(SIZES)
    return draw(st.sets(st.integers(0, size - 1), max_size=200) if size else st.just(set())), size


@given(members())
def test_a_set_is_its_members(given_: tuple[set[int], int]) -> None:
    positions, size = given_
    subjects = SubjectSet.from_positions(positions, size)
    assert set(subjects.positions()) == positions
    assert subjects.count == len(positions)
    assert all(subjects.contains(position) for position in positions)
    assert not any(subjects.contains(p) for p in {0, size - 1, size, size + 7, -1} - positions)


@given(members(), members())
def test_union(one: tuple[set[int], int], other: tuple[set[int], int]) -> None:
    both = SubjectSet.from_positions(*one).union(SubjectSet.from_positions(*other))
    assert set(both.positions()) == one[0] | other[0]
    assert both.size == max(one[1], other[1])


@given(members(), st.data())
def test_an_opening_shows_its_block_and_no_other(given_: tuple[set[int], int], data: st.DataObject) -> None:
    positions, size = given_
    if not size:
        return
    subjects, asked = SubjectSet.from_positions(positions, size), data.draw(st.integers(0, size - 1))
    root, shown = unb64(commit(subjects, SALT)), opening(subjects, SALT, asked)
    blocks = padded(size) // 512
    assert shown.contains(asked) == (asked in positions)
    assert merkle.includes(leaf(shown.salt, shown.bits), shown.block, blocks, shown.path, root)
    turned = bytes([shown.bits[0] ^ 1]) + shown.bits[1:]
    assert not merkle.includes(leaf(shown.salt, turned), shown.block, blocks, shown.path, root)


def test_the_commitment_is_the_documented_one() -> None:
    subjects = SubjectSet.from_positions([0, 9, 5000], 2 * BLOCK + 1)
    leaves = []
    for block in range(3):
        salt = hashlib.sha256(SALT + block.to_bytes(4, "big")).digest()[:16]
        leaves.append(hashlib.sha256(b"\0" + salt + subjects.bits[512 * block : 512 * block + 512]).digest())
    left = hashlib.sha256(b"\1" + leaves[0] + leaves[1]).digest()
    assert commit(subjects, SALT) == b64(hashlib.sha256(b"\1" + left + leaves[2]).digest())
    assert block_salt(SALT, 1) == hashlib.sha256(SALT + b"\0\0\0\1").digest()[:16]
    assert subjects.bits[:2] == b"\x80\x40"


def test_equal_sets_under_other_salts_have_other_roots() -> None:
    assert commit(SubjectSet.empty(BLOCK), SALT) != commit(SubjectSet.empty(BLOCK), bytes(16))


def test_nobody_at_all() -> None:
    assert SubjectSet.empty(0).count == 0
    assert commit(SubjectSet.empty(0), SALT) == b64(hashlib.sha256().digest())


@pytest.mark.parametrize(
    ("bits", "size"),
    [(b"", 1), (bytes(512), 0), (bytes(511), 1), (b"\x01" + bytes(511), 7), (b"\xff" * 512, 4095)],
)
def test_bits_that_do_not_fit_are_refused(bits: bytes, size: int) -> None:
    with pytest.raises(IntegrityBroken):
        SubjectSet(bits, size)


def test_a_position_beyond_the_directory_is_refused() -> None:
    with pytest.raises(IntegrityBroken):
        SubjectSet.from_positions([10], 10)
