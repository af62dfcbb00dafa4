"""What follows from protected values: variances, and how a measure goes with a dimension. Pure.

None of these is a function of anything but what could be published by itself: counts, sums, sums of squares,
and these by the values of a dimension.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Sums:
    """Protected: how many rows, the sum of their values, and of the squares; `at`: where on the axis."""

    count: float
    total: float
    squares: float = 0.0
    at: float = 0.0

    def moved(self, count: float, total: float, squares: float) -> Sums:
        return Sums(self.count + count, self.total + total, self.squares + squares, self.at)


@dataclass(frozen=True)
class Spread:
    """The standard deviations of a count (both sums go along: means stay), of a sum, and of squares."""

    count: float
    total: float
    squares: float = 0.0

    def moves(self, of: Sums) -> tuple[tuple[float, float, float], ...]:
        """One step in each of the three, as changes of count, sum and squares."""
        along = self.count, self.count * of.total / of.count, self.count * of.squares / of.count
        return along, (0.0, self.total, 0.0), (0.0, 0.0, self.squares)


def added(parts: Sequence[Sums]) -> Sums:
    """Several cells as one."""
    return Sums(
        sum(part.count for part in parts),
        math.fsum(part.total for part in parts),
        math.fsum(part.squares for part in parts),
    )


def spread(whole: Sums) -> float:
    """The sum of squared distances from the mean; noise cannot make it less than nothing."""
    return max(0.0, whole.squares - whole.total**2 / whole.count)


def _variance(less: int) -> Callable[[Sequence[Sums]], float | None]:
    def computed(parts: Sequence[Sums]) -> float | None:
        whole = added(parts)
        return spread(whole) / (whole.count - less) if whole.count > less else None

    return computed


def _deviation(less: int) -> Callable[[Sequence[Sums]], float | None]:
    def computed(parts: Sequence[Sums]) -> float | None:
        found = _variance(less)(parts)
        return None if found is None else math.sqrt(found)

    return computed


@dataclass(frozen=True)
class Along:
    """Moments of a measure along an axis: counts, means, and the sums of squares and products about them."""

    count: float
    at: float
    mean: float
    squares_at: float
    products: float

    @classmethod
    def of(cls, parts: Sequence[Sums]) -> Along:
        count = sum(part.count for part in parts)
        at = math.fsum(part.count * part.at for part in parts) / count
        mean = math.fsum(part.total for part in parts) / count
        squares = math.fsum(part.count * (part.at - at) ** 2 for part in parts)
        products = math.fsum((part.at - at) * (part.total - part.count * mean) for part in parts)
        return cls(count, at, mean, squares, products)


def _slope(parts: Sequence[Sums]) -> float | None:
    along = Along.of(parts)
    return along.products / along.squares_at if along.squares_at else None


def _intercept(parts: Sequence[Sums]) -> float | None:
    slope, along = _slope(parts), Along.of(parts)
    return None if slope is None else along.mean - slope * along.at


def _covariance(less: int) -> Callable[[Sequence[Sums]], float | None]:
    def computed(parts: Sequence[Sums]) -> float | None:
        along = Along.of(parts)
        return along.products / (along.count - less) if along.count > less else None

    return computed


def _correlation(parts: Sequence[Sums]) -> float | None:
    along, about = Along.of(parts), spread(added(parts))
    both = math.sqrt(along.squares_at * about)
    return max(-1.0, min(1.0, along.products / both)) if both else None


Derived = Callable[[Sequence[Sums]], float | None]


def deviation(compute: Derived, parts: Sequence[tuple[Sums, Spread]]) -> float | None:
    """The standard deviation, to first order, of what is computed of protected cells; None if it has none."""
    by_place: dict[float, list[tuple[Sums, Spread]]] = {}
    for part in parts:
        by_place.setdefault(part[0].at, []).append(part)
    whole = {at: replace(added([sums for sums, _ in cells]), at=at) for at, cells in by_place.items()}

    shown = compute(list(whole.values()))

    def swing(at: float, sign: int, move: tuple[float, float, float]) -> float:
        """How far it moves with one step; no way that leaves nobody, or where it has no value."""
        changed = whole[at].moved(*(sign * step for step in move))
        found = compute(list({**whole, at: changed}.values())) if changed.count > 0 else None
        return 0.0 if found is None or shown is None else abs(found - shown)

    swings = (
        max(swing(at, -1, move), swing(at, 1, move))
        for at, cells in by_place.items()
        for sums, spread in cells
        for move in spread.moves(sums)
    )
    return None if shown is None else math.hypot(*swings)


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
