"""The index: one person's uses are the same before, during and after compaction."""

from __future__ import annotations

import random
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from publica.kernel.database import Database
from publica.kernel.keys import Keys
from publica.trust.transparency import index, sealing, store
from publica.trust.transparency.sets import SubjectSet

from .world import many, some

SIZE = store.CHUNK * 2 + 1000


@pytest.fixture
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "GROUP", 8)


def add(database: Database, keys: Keys, subjects: SubjectSet) -> int:
    prepared = sealing.prepare(keys, subjects)
    return database.maintain(lambda change: sealing.add(change.connection, prepared)).number


def mixed(count: int) -> list[SubjectSet]:
    """Large and small, dense and sparse, of several sizes, some with empty chunks."""
    chance, found = random.Random(7), []
    for number in range(count):
        size = chance.choice((SIZE, 20_000, store.CHUNK))
        if number % 4 == 0:
            found.append(some(chance.sample(range(size), chance.choice((0, 1, 64))), size))
        elif number % 4 == 1:
            found.append(some(chance.sample(range(max(0, size - 9000), size), 200), size))
        else:
            found.append(many(size, number))
    return found


def expected(sets: dict[int, SubjectSet], position: int) -> list[int]:
    return sorted(number for number, subjects in sets.items() if subjects.contains(position))


def listed(database: Database, keys: Keys, position: int) -> list[int]:
    with database.read() as connection:
        return sorted(index.sets_with(connection, keys, position))


def check(database: Database, keys: Keys, sets: dict[int, SubjectSet]) -> None:
    chance = random.Random(3)
    people = [0, 1, 511, 512, 19_999, 20_000, store.CHUNK - 1, store.CHUNK, SIZE - 1, SIZE, 2**32 - 1]
    for position in people + chance.sample(range(SIZE), 20):
        assert listed(database, keys, position) == expected(sets, position)
    with database.read() as connection:
        for number, subjects in sets.items():
            assert index.load(connection, keys, number)[0] == subjects


@pytest.mark.usefixtures("small_groups")
def test_every_step_of_compaction_gives_the_same_lists(database: Database, keys: Keys) -> None:
    sets = {add(database, keys, subjects): subjects for subjects in mixed(28)}
    check(database, keys, sets)
    steps = 0
    while database.maintain(index._next_group) is not None:
        while index._step(database, keys) is not None:
            steps += 1
            check(database, keys, sets)
    assert steps >= 4
    with database.read() as connection:
        loose = store.subject_sets.c.large & store.subject_sets.c.in_group.is_(None)
        waiting = connection.scalar(select(func.count()).select_from(store.subject_sets).where(loose))
        assert waiting is not None and waiting < index.GROUP
        assert connection.scalar(select(func.count()).select_from(store.groups)) == 2


@pytest.mark.usefixtures("small_groups")
def test_two_may_compact_at_once_beside_a_reader(database: Database, keys: Keys) -> None:
    sets = {add(database, keys, subjects): subjects for subjects in mixed(24)}
    wrong, stop = [], threading.Event()

    def read() -> None:
        while not stop.is_set():
            for position in (5, 19_000, store.CHUNK + 5):
                if listed(database, keys, position) != expected(sets, position):
                    wrong.append(position)

    reader = threading.Thread(target=read)
    workers = [threading.Thread(target=index.compact, args=(database, keys)) for _ in range(2)]
    for thread in (reader, *workers):
        thread.start()
    for thread in workers:
        thread.join()
    stop.set()
    reader.join()
    assert not wrong
    check(database, keys, sets)


def test_too_few_sets_are_left_alone(database: Database, keys: Keys) -> None:
    add(database, keys, many(1000, 1))
    assert index.compact(database, keys) == 0


@pytest.mark.usefixtures("small_groups")
def test_a_moved_row_is_noticed(database: Database, keys: Keys) -> None:
    from publica.kernel.errors import IntegrityBroken

    for seed in range(8):
        add(database, keys, many(2000, seed))
    assert index.compact(database, keys) == 8
    with database.read() as connection:
        first, second = connection.execute(select(store.blocks).order_by(store.blocks.c.id).limit(2)).all()
    moved = store.blocks.update().where(store.blocks.c.id == first.id).values(sealed=second.sealed)
    database.maintain(lambda change: change.connection.execute(moved))
    with pytest.raises(IntegrityBroken):
        listed(database, keys, 3)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sets(st.integers(0, 299), max_size=120), max_size=5))
def test_any_sets(database: Database, keys: Keys, drawn: list[set[int]]) -> None:
    sets = {add(database, keys, some(positions, 300)): positions for positions in drawn}
    for position in (0, 64, 299):
        mine = [number for number in listed(database, keys, position) if number in sets]
        assert mine == sorted(number for number, positions in sets.items() if position in positions)
