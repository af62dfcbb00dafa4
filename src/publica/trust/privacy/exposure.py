"""How much of one person all tables of an activity show, which is what their noise is scaled on. Pure.

A person is counted in every table that covers them. If all tables had the same noise, somebody who knows
everybody else could average it away over them: d dimensions make 2^d tables. So a table that leaves
dimensions out has more noise, as if its finest cells had been changed one by one and then added up, but as
if a dimension had no more than twelve values. Relative to its counts, which grow by as many values as the
dimension has, the noise does not grow. Where a person has several rows, all of them count together.

What is left is added up over all tables that an activity could ask for (`looks`), and the noise of each grows
by that: so that all of them together show as much of one person as one count whose noise is the activity's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from publica.trust.privacy.noise import sum_deviation
from publica.trust.privacy.rules import rung

VALUES, MOST = 12, 36.0
"""As many values as a dimension left out counts for, at most; the most that noise grows by all of them."""

AGAIN = 8
"""What the noise of a table grows by for each dataset of several rows a person that is joined once more."""


def coarseness(left_out: Iterable[int], cuts: int = 1) -> float:
    """What the noise of counts grows by; of each dimension left out how many values it has (0: unknown).

    `cuts`: in how many tables that are cut at limits a person may be, if this is one of them. All of them
    together show as much as one that is not cut.
    """
    return min(MOST, math.prod(math.sqrt(_counted(values)) for values in left_out)) * math.sqrt(cuts)


def _counted(values: int) -> int:
    return min(values or VALUES, VALUES)


def cuts(limits: int) -> int:
    """Of the cells between two limits of a measure, or on one side of one, how many the same person may be in
    (who is in the middle)."""
    return max(1, (limits // 2 + 1) * ((limits + 1) // 2 + 1) - 1)


@dataclass(frozen=True)
class Source:
    """A dataset of an activity: how many values its dimensions have (0: unknown), and its periods.

    `limited`: how many of its measures have limits; `partial`: how many may lack values, so that those who
    have one are counted apart.
    """

    dimensions: tuple[int, ...] = ()
    periods: tuple[int, ...] = ()
    limited: int = 0
    partial: int = 0

    @property
    def kinds(self) -> float:
        """In how many ways a table of given dimensions counts a person: cut or not, those with a value, and
        joined with itself."""
        return 2.0**self.limited * (1 + self.partial) * AGAIN**2 / (AGAIN**2 - 1)


def looks(sources: Iterable[Source]) -> float:
    """As how many tables of the finest kind all that could be asked for show of one person.

    The sum over all tables of 1 / variance, relative to that of a table of one dataset by all dimensions.
    """
    known = list(sources)
    total = _over_joins(
        (
            source.kinds * math.prod(1 + 1 / _counted(v) for v in (*source.dimensions, *source.periods)),
            math.prod(1 / _counted(v) for v in source.dimensions),
        )
        for source in known
    )
    every = (v for source in known for v in (*source.dimensions, *source.periods))
    if math.prod(_counted(v) for v in every) > MOST**2:
        capped = ((s.kinds * 2 ** len((*s.dimensions, *s.periods)), 1.0) for s in known)
        total += _over_joins(capped) / MOST**2
    return total


def _over_joins(factors: Iterable[tuple[float, float]]) -> float:
    """Summed over all joins: of each dataset what it counts for when it is joined, and when it is not; over
    the square of how many are."""
    by_number = [1.0]
    for joined, left_out in factors:
        longer = [*(one * left_out for one in by_number), 0.0]
        for number, one in enumerate(by_number):
            longer[number + 1] += one * joined
        by_number = longer
    return sum(one / number**2 for number, one in enumerate(by_number) if number)


@dataclass(frozen=True)
class Exposure:
    """The most rows that a person may have in one cell, and in all cells; of how many datasets the table is
    joined; how coarse it is; and as how many tables all that could be asked for show of one person."""

    in_cell: int = 1
    in_all: int = 1
    datasets: int = 1
    coarse: float = 1.0
    looks: float = 1.0

    @property
    def cells(self) -> float:
        """In how many cells a person may be."""
        return max(1.0, self.in_all / self.in_cell)

    @property
    def draws(self) -> int:
        """Where people have several rows in a cell, rows and persons are counted with draws of their own."""
        return 2 if self.in_cell > 1 else 1

    def deviations(self, noise: float) -> tuple[float, float, float]:
        """What all noise of the table follows from, given who is in a cell and what they have."""
        return self.rows(noise), self.persons(noise), self.sums(noise, 1.0)

    def rows(self, noise: float) -> float:
        """The standard deviation of a count of rows."""
        return self.persons(noise) * self.in_cell

    def persons(self, noise: float) -> float:
        """The standard deviation of a count of persons."""
        return noise * self.coarse * self.datasets * math.sqrt(self.cells * self.draws * self.looks)

    def sums(self, noise: float, largest_row: float) -> float:
        """The standard deviation of a sum, given its largest value (in absolute terms)."""
        return sum_deviation(noise, rung(largest_row * self.in_cell)) * math.sqrt(self.cells)
