"""Somebody who knows everybody else's choices and incomes: what do averages, and variances, say?

Each published average is a look at the sum of its cell, each variance at the sum of squares, and the margin
of an average at the largest. Who looks for the target's income knows what people of their age earn; who looks
for whether they are in knows even what they earn.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from publica.trust.privacy.exposure import Exposure
from publica.trust.privacy.rules import Parameters

from .arena import YEARS, Arena, Cell, Person
from .linear import deviation, ratio
from .score import CLOSE
from .tables import Answers, Table

Profile = tuple[int, ...]
"""Incomes of all years."""
PROFILES = 300
"""So many people of the target's age are what the analyst thinks possible; and the target, who must be."""
CERTAIN = 1.96
NEVER = 30.0
"""What a contradiction counts for: as much as a chance of e^-30."""


@dataclass
class Known:
    """Of one cell: how many others, the sum of their incomes and of the squares, and the largest two."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0
    largest: tuple[int, int] = (0, 0)

    def add(self, income: int) -> None:
        self.count += 1
        self.total += income
        self.squares += income**2
        first, second = self.largest
        self.largest = (income, first) if income > first else (first, max(second, income))


@dataclass(frozen=True)
class Look:
    """What one cell shows of the target: the mean shown, of what its others have; of squares or not."""

    year: int
    shown: float
    count: int
    total: float
    largest: float
    power: int
    deviation: float | None
    """As its margin says it."""


class Knowing:
    """Everybody's incomes and choices, by cells."""

    def __init__(self, arena: Arena, tables: Sequence[Table], noise: float) -> None:
        self.tables, self.noise, self.arena = tables, noise, arena
        self.cells: dict[tuple[Table, Cell], Known] = {}
        for person in arena.people:
            if person.adult and arena.inside[person.key]:
                for table in tables:
                    place = table, table.cell(person.cell)
                    self.cells.setdefault(place, Known()).add(_income(person, table.year))
        self.by_band: dict[int, list[Profile]] = {}
        for person in arena.draw.sample(arena.people, len(arena.people)):
            if person.adult:
                self.by_band.setdefault(person.band, []).append(person.incomes)

    def looks(self, person: Person, answers: Answers) -> list[Look]:
        """What is shown of each cell that the target is in, or would be."""
        found = []
        for table in self.tables:
            place = table, table.cell(person.cell)
            if place not in answers.means:
                continue
            known, income = self.cells.get(place, Known()), _income(person, table.year)
            here = self.arena.inside[person.key]
            count, total = known.count - here, known.total - here * income
            squares = known.squares - here * income**2
            first, second = known.largest
            largest = second if here and income == first else first
            shown, margin = answers.means[place], answers.margins[place]
            if table.spread and place in answers.spreads:
                of_squares = answers.spreads[place] + shown**2
                found.append(Look(table.year, of_squares, count, squares, float(largest) ** 2, 2, None))
            elif not table.spread:
                least = max(Parameters().k, answers.counts[place] - deviation(table, self.noise))
                spread = margin * least / CERTAIN
                found.append(Look(table.year, shown, count, total, largest, 1, spread))
        return found

    def likelihoods(self, looks: Sequence[Look], mine: Sequence[Profile]) -> tuple[list[float], float]:
        """The log-likelihood of what is shown, if the target is in and earns each of `mine`; and if they are
        out."""
        out = sum(self._surprise(look, None) for look in looks)
        return [sum(self._surprise(look, own[YEARS.index(look.year)]) for look in looks) for own in mine], out

    def _surprise(self, look: Look, income: int | None) -> float:
        count, total, largest = look.count, look.total, look.largest
        if income is not None:
            count, total = count + 1, total + income**look.power
            largest = max(largest, float(income**look.power))
        spread = Exposure(1, len(YEARS)).sums(self.noise, largest) or 0.5
        # the margin is that of the cell's mean: it says how large the noise is, and so the largest
        said = look.deviation
        if said is not None and self.noise and abs(said / spread - 1) > 0.2:
            return -NEVER
        far = (look.shown * count - total) / spread
        return -NEVER if abs(far) > 3.1 else -far * far / 2 - math.log(spread)

    def membership(self, person: Person, answers: Answers) -> float:
        """The log of how much likelier it is that they are in, for somebody who knows what they earn."""
        (into,), out = self.likelihoods(self.looks(person, answers), [person.incomes])
        return into - out

    def income(self, person: Person, answers: Answers) -> float:
        """The guess of the last income that is within a tenth of the most likely ones."""
        mine = [*self.by_band[person.band][:PROFILES], person.incomes]
        into, _ = self.likelihoods(self.looks(person, answers), mine)
        top = max(into)
        weighed = sorted((own[-1], math.exp(one - top)) for own, one in zip(mine, into, strict=True))
        return _densest(weighed)


def _income(person: Person, year: int) -> int:
    return person.incomes[YEARS.index(year)]


def _densest(weighed: Sequence[tuple[int, float]]) -> float:
    """The guess that most weight is within a tenth of."""
    best, guess, start, inside = -1.0, 0.0, 0, 0.0
    for high, weight in weighed:
        inside += weight
        while weighed[start][0] * (1 + CLOSE) < high * (1 - CLOSE):
            inside -= weighed[start][1]
            start += 1
        if inside > best:
            best, guess = inside, high * (1 - CLOSE)
    return guess


class Sides:
    """How many of everybody are on a side of a limit, by cells."""

    def __init__(self, arena: Arena, tables: Sequence[Table], noise: float) -> None:
        self.arena, self.tables, self.noise = arena, tables, noise
        self.counts: Counter[tuple[Table, Cell]] = Counter()
        for person in arena.people:
            if person.adult and arena.inside[person.key]:
                self.counts.update((table, table.cell(person.cell)) for table in self.of(person))

    def of(self, person: Person) -> list[Table]:
        """The tables in which a person would be."""
        return [table for table in self.tables if table.keeps(_income(person, table.year))]

    def membership(self, person: Person, answers: Answers) -> float:
        """The log of how much likelier it is that they are in, of all counts on their sides of limits."""
        score, here = 0.0, self.arena.inside[person.key]
        for table in self.of(person):
            place = table, table.cell(person.cell)
            if place in answers.counts:
                others = self.counts[place] - here
                score += ratio(round(answers.counts[place]) - others, deviation(table, self.noise))
        return score
