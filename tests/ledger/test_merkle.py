"""Merkle proofs against published vectors, and against the recursions of the RFC."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publica.kernel.ledger import merkle
from publica.kernel.ledger.canonical import leaf_hash, unb64

from .naive import NaiveTree

VECTORS = Path(__file__).parents[1] / "data" / "tlog" / "merkle"
LEAVES = [hashlib.sha256(n.to_bytes(4, "big")).digest() for n in range(100_000)]
NAIVE = NaiveTree(LEAVES)


def cases(kind: str) -> list[Any]:
    return [
        pytest.param(json.loads(path.read_text()), id=str(path.relative_to(VECTORS)))
        for path in sorted((VECTORS / kind).rglob("*.json"))
    ]


def proof(case: dict[str, Any]) -> list[bytes]:
    return [unb64(text) for text in case["proof"] or []]


def subtree(height: int, index: int) -> bytes:
    return NAIVE.mth(index << height, (index + 1) << height)


def test_no_vector_is_missing() -> None:
    assert len(cases("inclusion")) == len(cases("consistency")) == 98


@pytest.mark.parametrize("case", cases("inclusion"))
def test_inclusion_vectors(case: dict[str, Any]) -> None:
    shown = merkle.includes(
        unb64(case["leafHash"]), case["leafIdx"], case["treeSize"], proof(case), unb64(case["root"])
    )
    assert shown is not case["wantErr"]


@pytest.mark.parametrize("case", cases("consistency"))
def test_consistency_vectors(case: dict[str, Any]) -> None:
    shown = merkle.extends(
        case["size1"], case["size2"], unb64(case["root1"]), unb64(case["root2"]), proof(case)
    )
    assert shown is not case["wantErr"]


def test_the_eight_leaves_of_certificate_transparency() -> None:
    inputs = (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
    leaves = [leaf_hash(bytes.fromhex(text)) for text in inputs]
    roots = [merkle.root(leaves[:size]).hex() for size in range(1, 9)]
    assert roots[0] == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert roots[1] == "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
    assert roots[7] == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def test_every_size_to_600() -> None:
    draw = random.Random(1)
    for size in range(601):
        root = NAIVE.mth(0, size)
        assert merkle.root(LEAVES[:size]) == merkle.root_at(size, subtree) == root
        for position in {0, size - 1, *draw.choices(range(size), k=6)} if size else ():
            path = NAIVE.path(position, 0, size)
            assert merkle.inclusion_path(position, size, subtree) == path
            assert merkle.path(LEAVES[:size], position) == path
            assert merkle.includes(LEAVES[position], position, size, path, root)
        for old in {1, size, *draw.choices(range(1, size + 1), k=6)} if size else ():
            path = NAIVE.proof(old, size)
            assert merkle.consistency_path(old, size, subtree) == path
            assert merkle.extends(old, size, NAIVE.mth(0, old), root, path)


@settings(max_examples=100)
@given(st.integers(1, 100_000), st.data())
def test_large_trees(size: int, data: st.DataObject) -> None:
    position, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    path, root = merkle.inclusion_path(position, size, subtree), NAIVE.mth(0, size)
    assert path == NAIVE.path(position, 0, size)
    assert merkle.includes(LEAVES[position], position, size, path, root)
    grown = merkle.consistency_path(old, size, subtree)
    assert grown == NAIVE.proof(old, size)
    assert merkle.extends(old, size, NAIVE.mth(0, old), root, grown)


@settings(max_examples=200)
@given(st.integers(1, 300), st.data())
def test_what_is_altered_shows_nothing(size: int, data: st.DataObject) -> None:
    position, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    root, before = NAIVE.mth(0, size), NAIVE.mth(0, old)
    path, grown = NAIVE.path(position, 0, size), NAIVE.proof(old, size)
    other = data.draw(st.integers(0, size - 1))
    if other != position:
        assert not merkle.includes(LEAVES[other], position, size, path, root)
        assert not merkle.includes(LEAVES[position], other, size, path, root)
    assert not merkle.includes(LEAVES[position], position, size, [*path, root], root)
    if path:
        assert not merkle.includes(LEAVES[position], position, size, path[:-1], root)
        assert not merkle.includes(LEAVES[position], position, size, [*path[:-1], root], root)
    assert not merkle.extends(old, size, before, root, [*grown, root])
    if grown:
        assert not merkle.extends(old, size, before, root, grown[1:])
        assert not merkle.extends(old, size, root, root, grown)
        assert not merkle.extends(old, size, before, before, grown)


def test_what_is_not_in_the_tree_has_no_proof() -> None:
    for position, size in ((-1, 5), (5, 5), (0, 0)):
        with pytest.raises(IndexError):
            merkle.inclusion_path(position, size, subtree)
        with pytest.raises(IndexError):
            merkle.path(LEAVES[:size], position)
    for old, new in ((0, 5), (6, 5), (0, 0)):
        with pytest.raises(IndexError):
            merkle.consistency_path(old, new, subtree)
