"""How much of one person a table shows, which is what its noise is scaled on. Pure.

A person is counted in every table that covers them. If all tables had the same noise, somebody who knows
everybody else could average it away over them: d dimensions make 2^d tables. So a table that leaves
dimensions out has more noise, as if its finest cells had been changed one by one and then added up, but as
if a dimension had no more than six values. Relative to its counts, which grow by as many values as the
dimension has, the noise does not grow. Where a person has several rows, what all of them show together counts; and a table
joined of several datasets is one more in which a person is counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from publica.trust.privacy.noise import sum_deviation
from publica.trust.privacy.rules import rung

VALUES, MOST = 6, 36.0
"""As many values as a dimension left out counts for, at most; and the most that noise grows by all of them."""


def coarseness(left_out: Iterable[int], limits: int = 0) -> float:
    """What the noise of counts grows by; of each dimension left out how many values it has (0: unknown).

    `limits`: at how many limits a measure may be cut, if this table is cut at one of them. Each makes a table
    of its own, so that all of them together show as much as one that is not cut.
    """
    factors = (math.sqrt(min(values or VALUES, VALUES)) for values in left_out)
    return min(MOST, math.prod(factors)) * math.sqrt(max(1, limits))


@dataclass(frozen=True)
class Exposure:
    """The most rows that a person may have in one cell, and in all cells; of how many datasets the table is
    joined; and how coarse it is."""

    in_cell: int = 1
    in_all: int = 1
    datasets: int = 1
    coarse: float = 1.0

    @property
    def cells(self) -> float:
        """In how many cells a person may be."""
        return max(1.0, self.in_all / self.in_cell)

    def rows(self, noise: float) -> float:
        """The standard deviation of a count of rows."""
        return self.persons(noise) * self.in_cell

    def persons(self, noise: float) -> float:
        """The standard deviation of a count of persons."""
        return noise * self.coarse * math.sqrt(self.cells * self.datasets)

    def sums(self, noise: float, largest_row: float) -> float:
        """The standard deviation of a sum, given its largest value (in absolute terms)."""
        return sum_deviation(noise, rung(largest_row * self.in_cell)) * math.sqrt(self.cells)
