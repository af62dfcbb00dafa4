"""Folding: at any counter, from any snapshot, by any path, the same people are allowed."""

from __future__ import annotations

import random

import pytest
import states
from pyroaring import BitMap

from publica.governance.activities import Basis
from publica.kernel.errors import IntegrityBroken
from publica.trust import consent
from publica.trust.consent import reading, rules, store
from publica.trust.consent.model import CHOSEN, Action, Fold

from .conftest import BASES, CONSENT, LAW, OBJECTION, SAM, World, book

SIZE = 60
CHOICES = [
    (CONSENT, "grant"),
    (CONSENT, "refuse"),
    (CONSENT, "withdraw"),
    (OBJECTION, "object"),
    (OBJECTION, "withdraw"),
    (LAW, "withdraw"),
]


def _oracle(basis: Basis, states: dict[int, str | None]) -> set[int]:
    """The slow and obvious rule."""
    if rules.right(basis) == "consent":
        return {person for person in range(SIZE) if states.get(person) == "grant"}
    if rules.right(basis) == "objection":
        return {person for person in range(SIZE) if states.get(person) != "object"}
    return set(range(SIZE))


def _after(basis: Basis, state: str | None, action: str) -> str | None:
    """The slow and obvious table: what is in effect once somebody did that."""
    if action == "refuse":
        return "object" if state == "object" else "refuse"
    if action != "withdraw":
        return action
    stands = state == "refuse" or (state == "object" and basis != OBJECTION)
    return state if stands else None


@pytest.mark.parametrize("seed", range(4))
def test_every_path_to_a_state_gives_the_same(
    world: World, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random single and bulk choices, with snapshots kept often; the basis changes to law and back."""
    monkeypatch.setattr(rules, "SNAPSHOT_EVERY", 7)
    draw = random.Random(seed)
    history: list[dict[int, str | None]] = [{}]
    for _ in range(80):
        basis, action = draw.choice(CHOICES)
        its_book = book({"changing": basis})
        people = BitMap(draw.sample(range(SIZE), draw.choice([1, 1, 3, 20])))
        if len(people) == 1:
            made = consent.choose(world.db, world.keys, its_book, "changing", people.min(), action, SAM)
            counter = made.counter
        else:
            batch = consent.choose_many(world.db, world.keys, its_book, "changing", {action: people}, SAM)
            counter = batch.counter
        last_state = history[-1]
        state = {**last_state, **{each: _after(basis, last_state.get(each), action) for each in people}}
        history.append(state)
        if counter < len(history) - 1:
            assert {k: v for k, v in history.pop().items() if v} == {
                k: v for k, v in history[-1].items() if v
            }
    with world.db.read() as connection:
        last = consent.counter(connection, "changing")
        assert last == len(history) - 1
        assert store.snapshot_counter(connection, "changing") > 0
        for basis in (CONSENT, OBJECTION, LAW):
            for at in range(last + 1):
                found = consent.allowed(connection, "changing", basis, SIZE, at)
                assert set(found) == _oracle(basis, history[at])
                update = consent.update_since(connection, "changing", basis, SIZE, at)
                assert (update.counter, update.everything) == (last, False)
                assert set((found | update.allowed) - update.refused) == _oracle(basis, history[last])
            everything = consent.update_since(connection, "changing", basis, SIZE, None)
            assert everything.everything
            assert set(everything.allowed) == _oracle(basis, history[last])
        for person in range(SIZE):
            assert reading.state_of(connection, "changing", person) == history[last].get(person)
        assert not list(consent.altered(connection, world.keys))


@pytest.mark.parametrize("basis", [CONSENT, OBJECTION, LAW])
@pytest.mark.parametrize("action", CHOSEN)
@pytest.mark.parametrize("stood", [None, Action.GRANT, Action.REFUSE, Action.OBJECT])
def test_one_and_many_follow_the_same_table(basis: Basis, action: Action, stood: Action | None) -> None:
    everybody, nobody = BitMap([3]), BitMap()
    fold = Fold()
    if stood is not None:
        fold.apply(1, stood, everybody)
    changed = rules.changes(basis, stood, action)
    assert changed is (_after(basis, stood, action) != stood)
    assert rules.changing(basis, fold, action, everybody) == (everybody if changed else nobody)


def test_far_behind_everything_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "FAR", 3)
    for person in range(5):
        consent.choose(world.db, world.keys, world.book, "research", person, "grant", SAM)
    with world.db.read() as connection:
        assert consent.update_since(connection, "research", CONSENT, SIZE, 1).everything
        assert not consent.update_since(connection, "research", CONSENT, SIZE, 2).everything
        assert consent.update_since(connection, "research", CONSENT, SIZE, 1).allowed == BitMap(range(5))


def test_people_beyond_the_size_are_told_of_all_the_same(world: World) -> None:
    consent.choose(world.db, world.keys, world.book, "statistics", 1, "object", SAM)
    consent.choose(world.db, world.keys, world.book, "statistics", 1_000_000, "object", SAM)
    with world.db.read() as connection:
        everything = consent.update_since(connection, "statistics", BASES["statistics"], 10, None)
        changed = consent.update_since(connection, "statistics", BASES["statistics"], 10, 0)
    assert everything.allowed == BitMap(range(10)) - BitMap([1])
    assert changed.refused == BitMap([1, 1_000_000])


def test_a_missing_change_is_noticed_while_folding(world: World) -> None:
    for person in range(3):
        consent.choose(world.db, world.keys, world.book, "research", person, "grant", SAM)
    sql = "DELETE FROM choice_change WHERE counter = 2"
    world.db.maintain(lambda change: change.connection.exec_driver_sql(states.spelled(sql)))
    with world.db.read() as connection, pytest.raises(IntegrityBroken):
        consent.update_since(connection, "research", CONSENT, SIZE, None)


def test_a_damaged_set_is_noticed(world: World) -> None:
    sets = {"grant": BitMap(range(10))}
    consent.choose_many(world.db, world.keys, world.book, "research", sets, SAM)
    sql = "UPDATE choice_change SET subjects = x'00'"
    world.db.maintain(lambda change: change.connection.exec_driver_sql(states.spelled(sql)))
    with world.db.read() as connection, pytest.raises(IntegrityBroken):
        consent.allowed(connection, "research", CONSENT, SIZE)
