"""What follows from protected values: variances, and how a measure goes with a dimension. Pure.

None of these is a function of anything but what could be published by itself: counts, sums, sums of squares,
and these by the values of a dimension.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Sums:
    """Protected: how many rows, the sum of their values, and of the squares; `at`: where on the axis."""

    count: float
    total: float
    squares: float = 0.0
    at: float = 0.0


Step = tuple[float, float, float]
"""Changes of a count, a sum and a sum of squares."""


@dataclass(frozen=True)
class Spread:
    """The standard deviations of a count (both sums go along: means stay), of a sum, and of squares."""

    count: float
    total: float
    squares: float = 0.0

    def moves(self, of: Sums) -> tuple[Step, ...]:
        """One step in each of the three."""
        along = self.count, self.count * of.total / of.count, self.count * of.squares / of.count
        return along, (0.0, self.total, 0.0), (0.0, 0.0, self.squares)


@dataclass(frozen=True)
class Moments:
    """Of all cells together: counts, means, and the sums of squares and products about them."""

    count: float
    at: float
    mean: float
    squares: float  # noise can make it less than nothing
    squares_at: float
    products: float

    @classmethod
    def of(cls, parts: Sequence[Sums]) -> Moments:
        count = math.fsum(part.count for part in parts)
        at = math.fsum(part.count * part.at for part in parts) / count
        mean = math.fsum(part.total for part in parts) / count
        squares = math.fsum(part.squares for part in parts) - mean * mean * count
        squares_at = math.fsum(part.count * (part.at - at) ** 2 for part in parts)
        products = math.fsum((part.at - at) * (part.total - part.count * mean) for part in parts)
        return cls(count, at, mean, squares, squares_at, products)

    @property
    def spread(self) -> float:
        return max(0.0, self.squares)

    def moved(self, at: float, step: Step) -> Moments:
        """After a step at one place of the axis. Sums are about the old means, then the new ones."""
        more, total, squares = step
        count, place = self.count + more, at - self.at
        by_at, by_mean = more * place / count, (total - more * self.mean) / count
        about = self.squares + squares - 2 * self.mean * total + more * self.mean**2
        return Moments(
            count,
            self.at + by_at,
            self.mean + by_mean,
            about - count * by_mean**2,
            self.squares_at + more * place**2 - count * by_at**2,
            self.products + place * (total - more * self.mean) - count * by_at * by_mean,
        )


Derived = Callable[[Moments], float | None]


def _variance(less: int) -> Derived:
    return lambda all_: all_.spread / (all_.count - less) if all_.count > less else None


def _deviation(less: int) -> Derived:
    def computed(moments: Moments) -> float | None:
        found = _variance(less)(moments)
        return None if found is None else math.sqrt(found)

    return computed


def _slope(along: Moments) -> float | None:
    return along.products / along.squares_at if along.squares_at > 0 else None


def _intercept(along: Moments) -> float | None:
    slope = _slope(along)
    return None if slope is None else along.mean - slope * along.at


def _covariance(less: int) -> Derived:
    return lambda along: along.products / (along.count - less) if along.count > less else None


def _correlation(along: Moments) -> float | None:
    both = math.sqrt(max(0.0, along.squares_at) * along.spread)
    return max(-1.0, min(1.0, along.products / both)) if both else None


def computed(compute: Derived, parts: Sequence[Sums]) -> float | None:
    """What protected cells come to; nothing, where there are none."""
    return compute(Moments.of(parts)) if parts else None


def deviation(compute: Derived, parts: Sequence[tuple[Sums, Spread]]) -> float | None:
    """The standard deviation, to first order, of what is computed of protected cells; None if it has none."""
    whole = Moments.of([sums for sums, _ in parts])
    shown = compute(whole)
    if shown is None:
        return None
    there: dict[float, float] = {}
    for sums, _ in parts:
        there[sums.at] = there.get(sums.at, 0.0) + sums.count

    def swing(at: float, sign: int, move: Step) -> float:
        """How far it moves with one step; no way that leaves nobody, or where it has no value."""
        step = sign * move[0], sign * move[1], sign * move[2]
        found = compute(whole.moved(at, step)) if there[at] + step[0] > 0 else None
        return 0.0 if found is None else abs(found - shown)

    return math.hypot(
        *(
            max(swing(sums.at, -1, move), swing(sums.at, 1, move))
            for sums, spread in parts
            for move in spread.moves(sums)
        )
    )


VARIANCES: dict[str, Derived] = {
    **dict.fromkeys(("var_samp", "variance"), _variance(1)),
    **dict.fromkeys(("stddev_samp", "stddev"), _deviation(1)),
    "var_pop": _variance(0),
    "stddev_pop": _deviation(0),
}
"""Of a measure and its square."""

ALONG: dict[str, Derived] = {
    "regr_slope": _slope,
    "regr_intercept": _intercept,
    "covar_samp": _covariance(1),
    "covar_pop": _covariance(0),
    "corr": _correlation,
}
"""Of a measure and a dimension; the last also of the measure's square."""

DERIVED: dict[str, Derived] = {**VARIANCES, **ALONG}
