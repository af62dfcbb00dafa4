"""What a cell of a statistic must satisfy before it may come out. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from publica.trust.privacy.sketch import widest

LADDER = (1.0, 2.0, 5.0)
SMALLEST, LARGEST = 1e-300, 1e300


@dataclass(frozen=True)
class Parameters:
    """How the totals of one activity are protected; public, and printed with every answer.

    `k`: fewest persons of a cell. `dominance`: largest share of a sum that one person may have.
    `noise`: standard deviation of the noise of a count, in persons; 0 turns noise off.
    """

    k: int = 10
    dominance: float = 0.5
    noise: float = 5.0

    @property
    def changed(self) -> int:
        """Once so many people of a cell have changed, it comes out again; mostly earlier."""
        return widest(self.k)

    @property
    def two(self) -> float:
        """Largest share of a sum that two persons may have together."""
        return (1 + self.dominance) / 2

    def __str__(self) -> str:
        return f"k={self.k}, dominance={self.dominance:g}, noise={self.noise:g}"


@dataclass(frozen=True)
class Contributions:
    """What is known of a measure in one cell: how many persons have a value; of their absolute
    contributions the total, the largest, and the largest two together."""

    persons: int
    total: float
    largest: float
    two: float


def clearly_safe(
    rows: int, largest_row: float, total: float, per_person: int, parameters: Parameters, *, summed: bool
) -> bool:
    """Safe by the pigeonhole: nobody has more than `per_person` rows, each of at most `largest_row`.

    `total` may be too small (the absolute value of a sum of mixed signs), never too large.
    """
    if rows < parameters.k * per_person:
        return False
    most = largest_row * per_person
    return not summed or (
        0 < most <= parameters.dominance * total and 2 * most <= parameters.two * total < math.inf
    )


def safe(known: Contributions, parameters: Parameters, *, summed: bool) -> bool:
    """The exact rule: at least k persons, and nobody (nor any two) has too large a share of the sum.

    A sum of nothing but zeros is unsafe: it says what everybody has. So is one too large for a number: what
    is a share of it?
    """
    if known.persons < parameters.k:
        return False
    if not summed:
        return True
    if not 0 < known.total < math.inf:
        return False
    return known.largest <= parameters.dominance * known.total and known.two <= parameters.two * known.total


def rung(largest: float) -> float:
    """The smallest of 1, 2, 5, 10, 20, 50 … that is no less: what noise is scaled on, so that its size does
    not tell the largest value. What is not finite, or smaller than any of them, is its own."""
    if largest <= 0:
        return 0.0
    if not SMALLEST <= largest < LARGEST:
        return largest
    power = 10.0 ** math.floor(math.log10(largest))
    steps = (near * step for near in (power / 10, power, power * 10) for step in LADDER)  # log10 may be off
    return next(step for step in steps if step >= largest)
