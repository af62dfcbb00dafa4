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
