"""Masks: a stored column that says what the choices and the scope say, at the counter it names."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pytest
from pyroaring import BitMap

from publica.data.engines import MaskUpdate, Scope
from publica.data.engines.duckdb import Engine
from publica.kernel.errors import IntegrityBroken

from .world import Choices, people, publish, rows


def _masked(engine: Engine, table: str, mask: str, column: str = "__subject_person_id") -> list[int]:
    sql = f'SELECT {column} AS s FROM "{table}" WHERE "{mask}" ORDER BY 1'
    return [row["s"] for row in rows(engine, sql)]


def test_a_mask_lets_through_exactly_the_allowed(engine: Engine, tmp_path: Path) -> None:
    version, schema = publish(tmp_path, people(1000))
    choices = Choices(BitMap(range(0, 1000, 3)))
    table = engine.table(version, schema)
    mask = engine.mask(version, schema, "research", 0, (), choices.fetch)
    assert _masked(engine, table, mask) == list(range(0, 1000, 3))


@pytest.mark.parametrize("changed", [1, 99, 101, 5_000, 60_000])
def test_changes_are_followed_in_every_size(engine: Engine, tmp_path: Path, changed: int) -> None:
    count = 100_000
    draw = random.Random(changed)
    version, schema = publish(tmp_path, people(count))
    choices = Choices(BitMap(draw.sample(range(count), 70_000)))
    table = engine.table(version, schema)
    for _ in range(3):
        some = draw.sample(range(count), 2 * changed if 2 * changed <= count else count)
        counter = choices.change(allow=some[:changed], refuse=some[changed:])
        mask = engine.mask(version, schema, "research", counter, (), choices.fetch)
        with engine.snapshot(30) as snapshot:
            assert snapshot.counter(mask) == counter
        assert _masked(engine, table, mask) == list(choices.states[counter])


def test_everything_may_be_told_again(engine: Engine, tmp_path: Path) -> None:
    version, schema = publish(tmp_path, people(100))
    table = engine.table(version, schema)
    engine.mask(version, schema, "a", 0, (), lambda _: MaskUpdate(0, True, BitMap([1, 2])))
    mask = engine.mask(version, schema, "a", 5, (), lambda _: MaskUpdate(5, True, BitMap([2, 99])))
    assert _masked(engine, table, mask) == [2, 99]


def test_a_mask_that_is_new_enough_is_not_asked_about_again(engine: Engine, tmp_path: Path) -> None:
    version, schema = publish(tmp_path, people(10))
    asked: list[int | None] = []

    def fetch(since: int | None) -> MaskUpdate:
        asked.append(since)
        return MaskUpdate(7, since is None, BitMap([1]))

    for counter in (3, 7, 5):
        engine.mask(version, schema, "a", counter, (), fetch)
    assert asked == [None]
    engine.mask(version, schema, "b", 3, (), fetch)
    assert asked == [None, None]


def test_a_mask_that_cannot_reach_its_counter_is_refused(engine: Engine, tmp_path: Path) -> None:
    version, schema = publish(tmp_path, people(10))
    with pytest.raises(IntegrityBroken):
        engine.mask(version, schema, "a", 3, (), lambda _: MaskUpdate(2, True, BitMap([1])))
    with pytest.raises(IntegrityBroken):
        engine.mask(version, schema, "a", 0, (), lambda _: MaskUpdate(0, False, BitMap([1])))


def test_people_who_came_after_the_version_change_nothing(engine: Engine, tmp_path: Path) -> None:
    version, schema = publish(tmp_path, people(10))
    table = engine.table(version, schema)
    choices = Choices(BitMap([3, 4_000_000]))
    mask = engine.mask(version, schema, "a", 0, (), choices.fetch)
    counter = choices.change(allow=[5, 5_000_000], refuse=[4_000_000])
    assert engine.mask(version, schema, "a", counter, (), choices.fetch) == mask
    assert _masked(engine, table, mask) == [3, 5]


def test_a_row_is_out_of_scope_without_a_value(engine: Engine, tmp_path: Path) -> None:
    table = pa.table(
        {
            "person_id": ["a", "b", "c", "d"],
            "town": ["x", "y", None, "it's"],
            "born": pa.array([0, 1, 0, 0], pa.date32()),
            "__subject_person_id": pa.array(range(4), pa.uint32()),
        }
    )
    version, schema = publish(tmp_path, table)
    name = engine.table(version, schema)
    everybody = Choices(BitMap(range(4)))
    for scope, expected in (
        ((Scope("town", ("x", "it's")),), [0, 3]),
        ((Scope("town", ("x", "y")), Scope("born", ("1970-01-01",))), [0]),
        ((Scope("town", ()),), []),
        ((), [0, 1, 2, 3]),
    ):
        mask = engine.mask(version, schema, "a", 0, scope, everybody.fetch)
        assert _masked(engine, name, mask) == expected
    scope = (Scope("town", ("x", "it's")),)
    counter = everybody.change(refuse=[0, 3])
    engine.mask(version, schema, "a", counter, scope, everybody.fetch)
    counter = everybody.change(allow=[0, 1, 2, 3])
    mask = engine.mask(version, schema, "a", counter, scope, everybody.fetch)
    assert _masked(engine, name, mask) == [0, 3], "an allowed person's row stays out of scope"


def _pairs(count: int) -> pa.Table:
    draw = random.Random(1)
    first = sorted(draw.randrange(200) for _ in range(count))
    second = [draw.choice([None, draw.randrange(200)]) for _ in range(count)]
    first_or_nobody = [None if draw.random() < 0.05 else value for value in first]
    return pa.table(
        {
            "child": pa.array([f"c{i}" for i in first]),
            "parent": pa.array([f"p{i}" for i in first]),
            "__subject_child": pa.array(first_or_nobody, pa.uint32()),
            "__subject_parent": pa.array(second, pa.uint32()),
        }
    )


@pytest.mark.parametrize("changed", [1, 40, 120])
def test_a_row_about_two_people_needs_both(engine: Engine, tmp_path: Path, changed: int) -> None:
    table = _pairs(2_000)
    version, schema = publish(tmp_path, table, "bonds", subjects=200)
    named = [
        {row["__subject_child"], row["__subject_parent"]} - {None}
        for row in table.select(["__subject_child", "__subject_parent"]).to_pylist()
    ]
    assert set() in named, "some row names nobody: it never leaves"
    draw = random.Random(changed)
    choices = Choices(BitMap(draw.sample(range(200), 140)))
    name = engine.table(version, schema)
    for _ in range(5):
        some = draw.sample(range(200), changed)
        counter = choices.change(allow=some[::2], refuse=some[1::2])
        mask = engine.mask(version, schema, "a", counter, (), choices.fetch)
        allowed = set(choices.states[counter])
        expected = [bool(people) and people <= allowed for people in named]
        got = [row["m"] for row in rows(engine, f'SELECT "{mask}" AS m FROM "{name}"')]
        assert got == expected


def test_a_table_about_nobody_has_only_a_scope(engine: Engine, tmp_path: Path) -> None:
    version, schema = publish(tmp_path, pa.table({"town": ["x", "y"]}), "towns")

    def fetch(_: int | None) -> MaskUpdate:
        raise AssertionError("nobody is asked")

    name = engine.table(version, schema)
    mask = engine.mask(version, schema, "", 0, (Scope("town", ("y",)),), fetch)
    mask = engine.mask(version, schema, "", 9, (Scope("town", ("y",)),), fetch)
    assert _masked(engine, name, mask, "town") == ["y"]
    with engine.snapshot(5) as snapshot:
        assert snapshot.counter(mask) == 9


def test_a_failed_change_leaves_the_mask_where_it_stood(engine: Engine, tmp_path: Path) -> None:
    version, schema = publish(tmp_path, people(10))
    name = engine.table(version, schema)
    choices = Choices(BitMap([1, 2]))
    mask = engine.mask(version, schema, "a", 0, (), choices.fetch)
    counter = choices.change(refuse=[1])

    def failing(since: int | None) -> MaskUpdate:
        raise IntegrityBroken("no state")

    with pytest.raises(IntegrityBroken):
        engine.mask(version, schema, "a", counter, (), failing)
    with engine.snapshot(5) as snapshot:
        assert snapshot.counter(mask) == 0
    assert _masked(engine, name, mask) == [1, 2]
    engine.mask(version, schema, "a", counter, (), choices.fetch)
    assert _masked(engine, name, mask) == [2]
