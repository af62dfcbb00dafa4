"""Choosing: who may choose what, what is recorded of it, and what the ledger commits to."""

from __future__ import annotations

import json
import struct
import threading
from typing import Any

import pytest
import states
from pyroaring import BitMap
from sqlalchemy import select

from publica.kernel.errors import BadInput, Refused
from publica.kernel.ledger.canonical import commit
from publica.kernel.ledger.store import entries
from publica.trust import consent
from publica.trust.consent import store

from .conftest import BASES, CONSENT, SAM, World, book


def choose(world: World, activity: str, position: int, action: str) -> consent.Made:
    return consent.choose(world.db, world.keys, world.book, activity, position, action, SAM)


def choose_many(world: World, activity: str, **sets: Any) -> consent.Batch:
    people = {action: BitMap(positions) for action, positions in sets.items()}
    return consent.choose_many(world.db, world.keys, world.book, activity, people, SAM)


def entries_of(world: World) -> list[dict[str, Any]]:
    """The entries of choices."""
    query = select(entries.c.body).where(entries.c.kind == "choice")
    with world.db.read() as connection:
        return [json.loads(body) for body in connection.execute(query).scalars()]


def problems(world: World) -> list[str]:
    with world.db.read() as connection:
        return list(consent.altered(connection, world.keys))


@pytest.mark.parametrize(
    ("activity", "action", "reason"),
    [
        ("research", "object", "choice-no-objection"),
        ("statistics", "grant", "choice-basis-is-law"),
        ("statistics", "refuse", "choice-basis-is-law"),
        ("aid", "grant", "choice-basis-is-law"),
        ("aid", "refuse", "choice-basis-is-law"),
        ("aid", "object", "choice-no-objection"),
    ],
)
def test_a_choice_without_a_right_is_refused(world: World, activity: str, action: str, reason: str) -> None:
    right = {"research": "consent", "statistics": "objection", "aid": "none"}[activity]
    for attempt in (
        lambda: choose(world, activity, 1, action),
        lambda: choose_many(world, activity, **{action: [1]}),
    ):
        with pytest.raises(Refused) as refused:
            attempt()
        [clause] = refused.value.decision.missing
        assert (clause.reason, clause.params) == (reason, {"activity": activity, "right": right})
    assert entries_of(world) == []


@pytest.mark.parametrize("activity", ["nothing", "own-data", ""])
def test_an_unknown_activity_is_bad_input(world: World, activity: str) -> None:
    with pytest.raises(BadInput):
        choose(world, activity, 1, "withdraw")


def test_an_unknown_action_is_bad_input(world: World) -> None:
    with pytest.raises(BadInput, match="revoke"):
        choose(world, "research", 1, "revoke")


def test_a_choice_is_a_step_and_an_entry(world: World) -> None:
    made = choose(world, "research", 7, "grant")
    assert (made.counter, made.allowed, made.changed) == (1, True, True)
    [entry] = entries_of(world)
    assert {key: entry[key] for key in ("kind", "activity", "action", "counter")} == {
        "kind": "choice",
        "activity": "research",
        "action": "grant",
        "counter": 1,
    }
    with world.db.read() as connection:
        row = connection.execute(select(store.changes)).one()
    assert entry["subject"] == commit(row.salt, struct.pack(">I", 7)), "the citizen can open it"
    assert entry["actor"] == commit(row.actor_salt, SAM.canonical)
    assert b"sam" not in row.actor, "who recorded it is sealed"
    assert row.entry == made.entry


def test_a_choice_that_stands_makes_no_step(world: World) -> None:
    assert not choose(world, "research", 7, "withdraw").changed, "nothing to withdraw"
    choose(world, "research", 7, "grant")
    again = choose(world, "research", 7, "grant")
    assert (again.counter, again.allowed, again.changed, again.entry) == (1, True, False, None)
    assert choose(world, "research", 7, "withdraw").counter == 2
    assert not choose(world, "research", 7, "withdraw").allowed
    assert len(entries_of(world)) == 2


def test_withdrawing_is_always_possible(world: World) -> None:
    for activity in BASES:
        made = choose(world, activity, 3, "withdraw")
        assert made.allowed is (activity not in ("research", "other_research"))


def test_an_objection_can_be_withdrawn(world: World) -> None:
    assert not choose(world, "statistics", 3, "object").allowed
    assert choose(world, "statistics", 3, "withdraw").allowed


def test_a_no_is_recorded_from_the_first_on(world: World) -> None:
    """A step and an entry where nothing was said, and where a yes stood; once."""
    first = choose(world, "research", 3, "refuse")
    assert (first.counter, first.allowed, first.changed) == (1, False, True)
    assert first.entry is not None and entries_of(world)[-1]["action"] == "refuse"
    assert not choose(world, "research", 3, "refuse").changed, "it stands already"
    assert not choose(world, "research", 3, "withdraw").changed, "a no is not taken back, but answered anew"
    assert choose(world, "research", 3, "grant").allowed
    ended = choose(world, "research", 3, "refuse")
    assert (ended.counter, ended.allowed) == (3, False)
    with world.db.read() as connection:
        assert consent.allowed(connection, "research", BASES["research"], 10) == BitMap()
        assert consent.status(connection, world.book, "research", 3).action == "refuse"
    assert problems(world) == []


@pytest.mark.parametrize("action", ["refuse", "withdraw"])
def test_a_no_leaves_an_objection_as_it_is(world: World, action: str) -> None:
    """Also when its basis became consent meanwhile: where a law is the basis again, it still objects."""
    choose(world, "statistics", 3, "object")
    asking = World(world.db, world.keys, book({**BASES, "statistics": CONSENT}))
    made = choose(asking, "statistics", 3, action)
    assert (made.allowed, made.changed) == (False, False)
    assert choose_many(asking, "statistics", **{action: [3]}).changed == {action: 0}
    with world.db.read() as connection:
        assert 3 not in consent.allowed(connection, "statistics", BASES["statistics"], 10)
    assert choose(world, "statistics", 3, "withdraw").allowed, "an objection is taken back where it was made"


def test_a_no_is_no_objection(world: World) -> None:
    """Where a law is the basis afterwards, who said no is used, and may object."""
    asking = World(world.db, world.keys, book({**BASES, "statistics": CONSENT}))
    choose(asking, "statistics", 3, "refuse")
    with world.db.read() as connection:
        assert 3 in consent.allowed(connection, "statistics", BASES["statistics"], 10)
    assert not choose(world, "statistics", 3, "object").allowed


def test_many_refuse_at_once(world: World) -> None:
    """Also once the folded state was kept: who refused before is not recorded again."""
    batch = choose_many(world, "research", refuse=range(2000))
    assert batch.changed == {"refuse": 2000}
    with world.db.read() as connection:
        assert store.snapshot_counter(connection, "research") == 1
    again = choose_many(world, "research", refuse=range(1999, 2003))
    assert again.changed == {"refuse": 3}
    assert not choose(world, "research", 7, "refuse").changed
    assert problems(world) == []
    world.db.maintain(
        lambda change: change.connection.exec_driver_sql("UPDATE choice_snapshot SET refused = granted")
    )
    assert any("kept" in problem for problem in problems(world))


def test_what_was_kept_before_a_no_was_a_choice_holds_none(world: World) -> None:
    choose_many(world, "research", grant=range(2000))
    world.db.maintain(
        lambda change: change.connection.exec_driver_sql("UPDATE choice_snapshot SET refused = NULL")
    )
    assert problems(world) == []
    assert choose(world, "research", 7, "refuse").changed
    assert choose_many(world, "research", refuse=range(5, 10)).changed == {"refuse": 4}
    assert problems(world) == []


def test_activities_have_counters_of_their_own(world: World) -> None:
    choose(world, "research", 1, "grant")
    choose(world, "other_research", 1, "grant")
    choose(world, "research", 2, "grant")
    with world.db.read() as connection:
        assert consent.counters(connection, ["research", "other_research", "aid"]) == {
            "research": 2,
            "other_research": 1,
            "aid": 0,
        }


def test_a_batch_is_one_step_and_one_entry_per_action(world: World) -> None:
    choose(world, "research", 5, "grant")
    batch = choose_many(world, "research", grant=range(10), withdraw=[20, 21])
    assert batch.changed == {"grant": 9, "withdraw": 0}
    assert (batch.counter, len(batch.entries)) == (2, 1)
    entry = entries_of(world)[-1]
    assert entry["count"] == 9
    with world.db.read() as connection:
        row = connection.execute(select(store.changes).where(store.changes.c.counter == 2)).one()
    positions = struct.pack(">9I", 0, 1, 2, 3, 4, 6, 7, 8, 9)
    assert entry["subjects"] == commit(row.salt, positions), "an auditor can compute it again"
    both = choose_many(world, "research", grant=[30], withdraw=[1])
    assert (both.counter, both.changed) == (4, {"grant": 1, "withdraw": 1})
    same = choose_many(world, "research", grant=[30], withdraw=[1])
    assert (same.counter, same.changed, same.entries) == (4, {"grant": 0, "withdraw": 0}, ())
    assert choose_many(world, "research", grant=[]).counter == 4
    assert problems(world) == []


def test_a_batch_with_two_choices_of_one_person_is_refused(world: World) -> None:
    with pytest.raises(BadInput):
        choose_many(world, "research", grant=[1, 2], withdraw=[2])


def test_status_tells_the_state_and_how_it_came_about(world: World) -> None:
    choose(world, "research", 4, "grant")
    choose_many(world, "research", withdraw=[4], grant=[5])
    choose(world, "research", 9, "grant")
    with world.db.read() as connection:
        found = consent.status(connection, world.book, "research", 4)
        other = consent.status(connection, world.book, "research", 5)
        never = consent.status(connection, world.book, "statistics", 4)
    assert [(step.action, step.in_bulk) for step in found.history] == [("grant", False), ("withdraw", True)]
    assert (found.allowed, found.action, found.counter) == (False, None, 4)
    assert (other.allowed, other.action) == (True, "grant")
    assert (never.allowed, never.action, never.history) == (True, None, ())


def test_many_at_once_make_dense_counters_and_lose_nothing(world: World) -> None:
    def work(first: int) -> None:
        for position in range(first, first + 20):
            choose(world, "research", position, "grant")

    threads = [threading.Thread(target=work, args=(number * 20,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with world.db.read() as connection:
        assert consent.counter(connection, "research") == 320
        assert consent.allowed(connection, "research", BASES["research"], 1000) == BitMap(range(320))
    assert sorted(entry["counter"] for entry in entries_of(world)) == list(range(1, 321))
    assert [entry["counter"] for entry in entries_of(world)] == list(range(1, 321)), "in ledger order"
    assert problems(world) == []


@pytest.mark.parametrize(
    ("tampering", "told"),
    [
        ("UPDATE choice_change SET action = 'grant' WHERE counter = 2", "choice 2"),
        ("UPDATE choice_change SET subject = 8 WHERE counter = 2", "choice 2"),
        ("UPDATE choice_change SET actor = x'00' WHERE counter = 1", "choice 1"),
        ("UPDATE choice_change SET recorded_at = '2020-01-01T00:00:00.000Z' WHERE counter = 3", "choice 3"),
        ("DELETE FROM choice_change WHERE counter = 2", "choice 2"),
        ("DELETE FROM choice_change WHERE counter = 3", "choice 3"),
        ("DELETE FROM ledger_entry WHERE id = 3", "choice 2"),
        ("UPDATE choice_counter SET value = 2", "counter"),
        ("UPDATE choice_snapshot SET granted = objected", "kept"),
        ("UPDATE choice_snapshot SET counter = 99", "kept"),
    ],
)
def test_tampering_shows(world: World, tampering: str, told: str) -> None:
    choose(world, "research", 7, "grant")
    choose(world, "research", 7, "withdraw")
    choose_many(world, "research", grant=range(2000))
    assert problems(world) == []
    world.db.maintain(lambda change: change.connection.exec_driver_sql(states.spelled(tampering)))
    assert any(told in problem.lower() for problem in problems(world))
