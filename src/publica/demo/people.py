"""Synthetic people: households, incomes and hospital stays, from a fixed seed.

Person n is the same in every demo of at least n persons (the last household may be cut short).
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from random import Random

from publica.demo import names, places

TODAY = date(2026, 1, 1).toordinal()
"""The day on which ages are counted; nobody is born after it."""
YEARS = (2023, 2024, 2025)
"""Every adult (18 or over on the first day of the first year) has an income in each."""
_ADULT = date(YEARS[0] - 18, 1, 1).toordinal()
_STAYS_FROM = date(2024, 1, 1).toordinal()
_YEAR = 365.2425


@dataclass(frozen=True, slots=True)
class Person:
    """One synthetic person; `born` is a proleptic Gregorian ordinal."""

    key: str
    name: str
    sex: str
    born: int
    municipality: str
    address: str
    household: str

    @property
    def age(self) -> int:
        return int((TODAY - self.born) / _YEAR)

    @property
    def adult(self) -> bool:
        return self.born <= _ADULT


@dataclass(frozen=True, slots=True)
class Stay:
    """One hospital stay; days are ordinals."""

    admitted: int
    discharged: int
    diagnosis: str
    hospital: str


def seeded(what: str) -> Random:
    """The demo's own random numbers for one job, the same in every run."""
    return Random(f"publica demo: {what}")  # noqa: S311 (synthetic data must be the same again; no secrets)


def key(number: int) -> str:
    """The key of person `number` (from 1)."""
    return f"P-{number:07d}"


def people(persons: int) -> Iterator[Person]:
    """The first `persons` people, household by household."""
    random = seeded("households")
    made = household = 0
    while made < persons:
        household += 1
        for member in _household(random, f"H-{household:07d}", made)[: persons - made]:
            made += 1
            yield member


def incomes(random: Random, person: Person) -> tuple[int, ...]:
    """The person's yearly income in each of YEARS, whole euros; empty for children."""
    if not person.adult:
        return ()
    draw, age = random.random(), person.age
    if age < 25:
        base = 4_000 + 26_000 * draw
    elif age < 66:
        base = 0.0 if draw < 0.06 else 15_000 * (1 - 0.998 * draw) ** -0.5 + 4_500 * random.random()
    else:
        base = 9_500 + 24_000 * draw * draw
    rise = 1 + 0.05 * random.random()
    return tuple(int(base * rise**step) for step in range(len(YEARS)))


def stays(random: Random, person: Person) -> list[Stay]:
    """The person's hospital stays of 2024 and 2025, by date of admission; most people have none."""
    draw, age = random.random(), person.age
    chance = 0.05 if age < 18 else 0.07 if age < 45 else 0.11 if age < 65 else 0.24
    if draw >= chance:
        return []
    count = 1 + (draw < chance / 4) + (draw < chance / 16)
    return sorted((_stay(random, person, age) for _ in range(count)), key=lambda stay: stay.admitted)


def _household(random: Random, household: str, before: int) -> list[Person]:
    municipality = _weighted(random, _MUNICIPALITIES, _MUNICIPALITY_STEPS)
    size = 1 + bisect(_SIZE_STEPS, random.random())
    address = f"{_pick(random, names.STREETS)} {1 + int(random.random() ** 2 * 140)}"
    family = _pick(random, names.FAMILY)
    head = 20 + (74 * random.random() ** 1.1 if size < 3 else 36 * random.random())
    members: list[Person] = []
    for position in range(size):
        partner = position == 1 and random.random() < 0.82
        age = head if position == 0 else _partner_age(random, head) if partner else _child_age(random, head)
        surname = _pick(random, names.FAMILY) if partner and random.random() < 0.3 else family
        sex = _sex(random)
        given = _pick(random, names.FEMALE if sex == "F" else names.MALE if sex == "M" else names.GIVEN)
        born = TODAY - 1 - int(age * _YEAR)
        number = before + position + 1
        members.append(Person(key(number), f"{given} {surname}", sex, born, municipality, address, household))
    return members


def _stay(random: Random, person: Person, age: int) -> Stay:
    first = max(_STAYS_FROM, person.born)
    admitted = first + int(random.random() * max(1, TODAY - 20 - first))
    if person.sex == "F" and 18 <= age < 45 and random.random() < 0.45:
        diagnosis = places.CHILDBIRTH
    else:
        group = bisect((18, 65), age)
        codes = (places.DIAGNOSES_YOUNG, places.DIAGNOSES_MIDDLE, places.DIAGNOSES_OLD)[group]
        diagnosis = codes[int(random.random() ** 1.7 * len(codes))]
    length = 1 + int(random.random() ** 3 * (9 if age < 65 else 18))
    hospital = _weighted(random, places.HOSPITALS, _HOSPITAL_STEPS)
    return Stay(admitted, admitted + length, diagnosis, hospital)


def _sex(random: Random) -> str:
    draw = random.random()
    return "X" if draw < 0.002 else "F" if draw < 0.507 else "M"


def _partner_age(random: Random, head: float) -> float:
    return max(19.0, min(99.0, head + 12 * (random.random() - 0.5)))


def _child_age(random: Random, head: float) -> float:
    return max(0.0, head - 20 - 16 * random.random()) if head < 56 else 18 + 14 * random.random()


def _pick(random: Random, values: Sequence[str]) -> str:
    return values[int(random.random() * len(values))]


def _weighted(random: Random, values: Sequence[str], steps: Sequence[int]) -> str:
    return values[bisect(steps, random.random() * steps[-1])]


_SIZE_STEPS = (0.36, 0.68, 0.82, 0.95)
_MUNICIPALITIES = tuple(place.code for place in places.MUNICIPALITIES)
_MUNICIPALITY_STEPS = tuple(accumulate(place.share for place in places.MUNICIPALITIES))
_HOSPITAL_STEPS = tuple(accumulate(places.HOSPITAL_WEIGHTS))
