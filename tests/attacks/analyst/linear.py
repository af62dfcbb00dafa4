"""Reconstruction: all published cells as linear equations about who is in, and their most likely solution.

The analyst knows how many people live in each finest cell (town, sex, age band; adult or child), and that
some five in a hundred object. Each published count is the sum of its finest cells plus noise of a published
size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from publica.trust.privacy.exposure import Exposure, Source, coarseness, cuts, looks
from publica.trust.privacy.noise import table as noise_table

from .arena import LIMITS, OBJECTING, YEARS, Arena, Cell, Person
from .tables import EVER, REGISTER, Answers, Table

CODES = (0, 3, 0)
"""How many values each dimension has as far as its record says: municipality, sex, age band."""

LOOKS = looks([Source(CODES), Source(periods=(0,))])
"""As how many tables all that the activity could ask for show of one person."""
LIMITED = looks([Source(CODES), Source(periods=(0,), limited=1)])
"""The same where incomes have limits."""

Atom = tuple[Cell, bool]
"""People who cannot be told apart: of one finest cell, adult or not."""


def deviation(table: Table, noise: float) -> float:
    """The standard deviation of a count of this table, as docs/statistics.md says."""
    left_out = [CODES[at] for at in range(3) if at not in table.by]
    if table.year == REGISTER:
        return Exposure(coarse=coarseness(left_out), looks=LOOKS).rows(noise)
    years, joined = len(YEARS), 1 if table.alone else 2
    if table.side:
        return Exposure(1, years, joined, coarseness(left_out, cuts(len(LIMITS))), LIMITED).rows(noise)
    if table.year == EVER:
        return Exposure(years, years, joined, coarseness([*left_out, 0]), LOOKS).persons(noise)
    return Exposure(1, years, joined, coarseness(left_out), LOOKS).rows(noise)


@dataclass(frozen=True)
class Equation:
    """The sum of some atoms, as published: its surprise (shown less expected), its weight (1 / variance)."""

    atoms: tuple[int, ...]
    surprise: float
    weight: float


class Register:
    """What the analyst knows beforehand: the atoms, how many people each has, how many are to be expected."""

    def __init__(self, arena: Arena) -> None:
        sizes: dict[Atom, int] = {}
        for person in arena.people:
            atom = person.cell, person.adult
            sizes[atom] = sizes.get(atom, 0) + 1
        self.atoms = list(sizes)
        self.at = {atom: number for number, atom in enumerate(self.atoms)}
        self.mean = [sizes[atom] * (1 - OBJECTING) for atom in self.atoms]
        self.variance = [sizes[atom] * OBJECTING * (1 - OBJECTING) for atom in self.atoms]
        self._members: dict[tuple[Table, Cell], tuple[int, ...]] = {}

    def members(self, table: Table, cell: Cell) -> tuple[int, ...]:
        """The atoms of a cell."""
        if not self._members or (table, cell) not in self._members:
            found: dict[Cell, list[int]] = {}
            for number, (finest, adult) in enumerate(self.atoms):
                if adult or table.year == REGISTER:
                    found.setdefault(table.cell(finest), []).append(number)
            self._members.update({(table, key): tuple(atoms) for key, atoms in found.items()})
        return self._members.get((table, cell), ())

    def equations(self, counts: Mapping[tuple[Table, Cell], float], noise: float) -> list[Equation]:
        """What each published count says. Without noise they are exact, nearly."""
        found = []
        for (table, cell), shown in counts.items():
            atoms = self.members(table, cell)
            spread = deviation(table, noise) or 0.1
            found.append(Equation(atoms, shown - sum(self.mean[a] for a in atoms), 1 / spread**2))
        return found

    def score(self, person: Person, solution: Sequence[float]) -> float:
        """The log-likelihood, but for a factor, that the person is in rather than out."""
        atom = self.at[person.cell, person.adult]
        return solution[atom] / self.variance[atom]


def solve(register: Register, equations: Sequence[Equation], steps: int = 200) -> list[float]:
    """The most likely surprise of every atom: ridge regression by conjugate gradients."""
    size = len(register.atoms)
    precision = [1 / variance for variance in register.variance]

    def times(vector: Sequence[float]) -> list[float]:
        result = [p * v for p, v in zip(precision, vector, strict=True)]
        for equation in equations:
            total = equation.weight * sum(vector[a] for a in equation.atoms)
            for a in equation.atoms:
                result[a] += total
        return result

    right, diagonal = [0.0] * size, list(precision)
    for equation in equations:
        for a in equation.atoms:
            right[a] += equation.weight * equation.surprise
            diagonal[a] += equation.weight
    solution, rest = [0.0] * size, right
    scaled = [r / d for r, d in zip(rest, diagonal, strict=True)]
    direction, known = scaled, _dot(rest, scaled)
    first = known
    for _ in range(steps):
        if known <= 1e-14 * first:
            break
        image = times(direction)
        step = known / _dot(direction, image)
        solution = [x + step * d for x, d in zip(solution, direction, strict=True)]
        rest = [r - step * i for r, i in zip(rest, image, strict=True)]
        scaled = [r / d for r, d in zip(rest, diagonal, strict=True)]
        before, known = known, _dot(rest, scaled)
        direction = [s + known / before * d for s, d in zip(scaled, direction, strict=True)]
    return solution


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(one, other, strict=True))


class Insider:
    """Somebody who knows of everybody else whether they are in: each cell of the target is one noisy look."""

    def __init__(self, arena: Arena, noise: float) -> None:
        self.noise = noise
        self.known: dict[Atom, int] = {}
        for person in arena.people:
            if arena.inside[person.key]:
                atom = person.cell, person.adult
                self.known[atom] = self.known.get(atom, 0) + 1
        self._totals: dict[tuple[Table, Cell], int] = {}

    def score(self, person: Person, inside: bool, answers: Answers, tables: Sequence[Table]) -> float:
        """The exact log-likelihood ratio that the target is in, of what their cells show."""
        total = 0.0
        for table in tables:
            cell = table.cell(person.cell)
            shown = answers.counts.get((table, cell))
            if shown is not None and (person.adult or table.year == REGISTER):
                others = self._total(table, cell) - inside
                total += ratio(round(shown) - others, deviation(table, self.noise))
        return total

    def _total(self, table: Table, cell: Cell) -> int:
        if (table, cell) not in self._totals:
            for (finest, adult), count in self.known.items():
                if adult or table.year == REGISTER:
                    place = table, table.cell(finest)
                    self._totals[place] = self._totals.get(place, 0) + count
        return self._totals.get((table, cell), 0)


IMPOSSIBLE = 1e-9
"""What stands for a chance of 0, since a count is never shown as less than k."""


@lru_cache(maxsize=32)
def _chances(spread: float) -> dict[int, float]:
    return dict(noise_table(spread)) if spread else {0: 1.0}


def ratio(found: int, spread: float) -> float:
    """log P(noise = found - 1) - log P(noise = found)."""
    chances = _chances(spread)
    return math.log(chances.get(found - 1, IMPOSSIBLE) / chances.get(found, IMPOSSIBLE))
