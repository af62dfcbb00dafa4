"""Attacks on a change: many tables before and after; who of those it may have been was it?

Each game has a pool of people, and the analyst knows that it was one (or some) of them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence

from .arena import CITIZEN, Arena, Person
from .linear import Equation, Register, solve
from .score import Trial
from .tables import EVERYTHING, PEOPLE, Answers, Table, ask

POOL = 30


def _pool(arena: Arena) -> list[Person]:
    """Some who are alone, some of the crowd; all are in."""
    some = arena.draw.sample(arena.alone, min(POOL // 2, len(arena.alone)))
    pool = [*some, *arena.draw.sample(arena.crowd, POOL - len(some))]
    arena.choose({person.key: True for person in pool})
    return pool


def evidence(before: Answers, after: Answers, person: Person, tables: Sequence[Table]) -> float:
    """How many of the person's cells are missing or changed, less how many of the others' are."""
    own = {(table, table.cell(person.cell)) for table in tables}
    moved = {place: before.counts[place] != after.counts.get(place) for place in before.counts}
    ours = [moved[place] for place in own if place in moved]
    others = [moved[place] for place in moved if place not in own]
    return sum(ours) / max(1, len(ours)) - sum(others) / max(1, len(others))


def same_tables(arena: Arena, games: int) -> Iterator[Trial]:
    """One of the pool objects; all tables of the register before and after: what is missing, what changed?"""
    for game in range(games):
        pool = _pool(arena)
        chooser = arena.draw.choice(pool)
        with arena.office() as analyst:
            before = ask(analyst, PEOPLE)
            arena.choose({chooser.key: False})
            after = ask(analyst, PEOPLE)
        for person in pool:
            yield Trial(evidence(before, after, person, PEOPLE), person is chooser, game)


def other_tables(
    arena: Arena, register: Register, games: int, *, noise: float, many: bool
) -> Iterator[Trial]:
    """One of the pool objects (or a half of it: `many`); half of all tables before, the others after; then
    the most likely of all."""
    for game in range(games):
        pool = _pool(arena)
        leaving = {arena.draw.choice(pool).key}
        if many:
            leaving = {person.key for person in pool if arena.draw.random() < 0.5}
        mixed = tuple(arena.draw.sample(EVERYTHING, len(EVERYTHING)))
        half = len(mixed) // 2
        with arena.office() as analyst:
            first = register.equations(ask(analyst, mixed[:half]).counts, noise)
            arena.choose(dict.fromkeys(leaving, False))
            then = register.equations(ask(analyst, mixed[half:]).counts, noise)
        solution = solve(register, [*first, *then])
        for person in pool:
            yield Trial(_left(register, then, solution, person), person.key in leaving, game)


def _left(register: Register, then: Sequence[Equation], solution: Sequence[float], person: Person) -> float:
    """The log-likelihood, but for a constant, that the person was in before and not after."""
    atom = register.at[person.cell, person.adult]
    return -sum(
        equation.weight * (equation.surprise - sum(solution[a] for a in equation.atoms))
        for equation in then
        if atom in equation.atoms
    )


def crowds(arena: Arena, games: int) -> Iterator[Trial]:
    """Dozens object at once, half of the pool among them: which cells came again, and which did not?"""
    for game in range(games):
        pool = _pool(arena)
        leaving = {person.key: arena.draw.random() < 0.5 for person in pool}
        others = {person.key: False for person in arena.draw.sample(arena.people, 2 * POOL)}
        with arena.office() as analyst:
            before = ask(analyst, PEOPLE)
            arena.choose({**others, **{key: not left for key, left in leaving.items()}})
            after = ask(analyst, PEOPLE)
        for person in pool:
            yield Trial(evidence(before, after, person, PEOPLE), leaving[person.key], game)
        arena.choose(dict.fromkeys(others, True))


def versions(arena: Arena, games: int) -> Iterator[Trial]:
    """A new version of the register, from which half of the pool has moved away: who?"""
    for game in range(games):
        pool = _pool(arena)
        gone = {person.key for person in pool if arena.draw.random() < 0.5}
        with arena.office() as analyst:
            before = ask(analyst, PEOPLE)
            _load(arena, gone)
            after = ask(analyst, PEOPLE)
        for person in pool:
            yield Trial(evidence(before, after, person, PEOPLE), person.key in gone, game)
    _load(arena, set())


def _load(arena: Arena, gone: set[str]) -> None:
    """The register without some people."""
    file = arena.folder / "population.csv"
    with arena.files["population"].open(encoding="utf-8", newline="") as source:
        rows = [row for row in csv.reader(source) if row[0] not in gone]
    with file.open("w", encoding="utf-8", newline="") as target:
        csv.writer(target).writerows(rows)
    arena.instance.load("population", [file], CITIZEN)
