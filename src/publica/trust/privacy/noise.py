"""Cell-key perturbation: noise that is a function of who is in a cell, so that asking again changes nothing.

The method of the Australian Bureau of Statistics and of Eurostat (Fraser & Wooton 2005; Thompson, Broadfoot
& Elazar 2013): every person has a random record key, a cell's key is the sum of its records' keys, and the
noise is looked up under that key. The noise of counts is the distribution of largest entropy among the whole
numbers from -3 to +3 standard deviations with mean 0 and the given variance.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate
from statistics import NormalDist

BOUND = 3
"""Noise never exceeds this many standard deviations."""

CERTAIN = 1.96
"""The half-width of a 95 % interval, in standard deviations."""

FULL_SUM = 3.0
"""The noise parameter at which a sum's standard deviation is the largest contribution (a rung above it)."""

WIDE = 250.0
"""Above this deviation counts are drawn from the normal distribution, cut off, that the table comes to: no
chance to be at most some number is more than 1e-6 off. A table has a line for each number in 6 deviations."""

DIGITS = 9
"""Digits of a floating-point sum that its noise depends on: the last ones depend on the order of adding."""


@lru_cache(maxsize=64)
def table(deviation: float) -> tuple[tuple[int, float], ...]:
    """The published table for a standard deviation: (noise, probability), from the lowest."""
    most = max(1, round(BOUND * deviation))
    weights = _weights(most, _rate(most, deviation))
    whole = sum(weights)
    return tuple(
        (value, weight / whole) for value, weight in zip(range(-most, most + 1), weights, strict=True)
    )


def _rate(most: int, deviation: float) -> float:
    """The c of the weights exp(-c x²) that gives the deviation."""
    low, high = -1 / deviation**2, 60 / deviation**2
    for _ in range(50):
        middle = (low + high) / 2
        if _variance(_weights(most, middle)) > deviation**2:
            low = middle
        else:
            high = middle
    return high


def _weights(most: int, rate: float) -> list[float]:
    """exp(-rate x²), relative to the largest of them."""
    exponents = [-rate * value * value for value in range(-most, most + 1)]
    top = max(exponents)
    return [math.exp(exponent - top) for exponent in exponents]


def _variance(weights: list[float]) -> float:
    most = len(weights) // 2
    return sum(w * v * v for v, w in zip(range(-most, most + 1), weights, strict=True)) / sum(weights)


@lru_cache(maxsize=64)
def _steps(deviation: float) -> tuple[list[int], list[float]]:
    values, chances = zip(*table(deviation), strict=True)
    return list(values), list(accumulate(chances))


def count_noise(secret: bytes, cell: int, deviation: float, of: str = "count") -> int:
    """The noise of a count: the same for the same cell key and deviation. `of` sets draws apart."""
    if deviation <= 0:
        return 0
    drawn = _uniform(secret, f"{of} {deviation!r} {cell}")
    if deviation > WIDE:
        return _wide(drawn, deviation)
    values, steps = _steps(deviation)
    return values[min(bisect_right(steps, drawn), len(values) - 1)]


def _wide(drawn: float, deviation: float) -> int:
    """The number whose share of the distribution `drawn` (from 0 to 1) falls on."""
    most = round(BOUND * deviation)
    width = _width((most + 0.5) / deviation)
    edge = _NORMAL.cdf(-(most + 0.5) / deviation / width)
    found = deviation * width * _NORMAL.inv_cdf(edge + drawn * (1 - 2 * edge))
    return max(-most, min(most, round(found)))


@lru_cache(maxsize=64)
def _width(bound: float) -> float:
    """The deviation of the normal distribution that has deviation 1 once it is cut off at `bound`."""
    low, high = 1.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        at = bound / middle
        inside = 1 - 2 * at * _NORMAL.pdf(at) / (2 * _NORMAL.cdf(at) - 1)
        low, high = (middle, high) if middle**2 * inside < 1 else (low, middle)
    return high


def sum_noise(secret: bytes, cell: int, total: object, deviation: float) -> float:
    """The noise of a sum, normal, cut off at 3 deviations: the same for the same people with the same sum.

    A sum that changed while the people stayed the same gets fresh noise, or else the difference of the two
    would be the exact change of one person's value.
    """
    if deviation <= 0:
        return 0.0
    known = f"{total:.{DIGITS}g}" if isinstance(total, float) else str(total)
    edge = _NORMAL.cdf(-BOUND)
    drawn = _uniform(secret, f"sum {deviation!r} {cell} {known}")
    return deviation * _NORMAL.inv_cdf(edge + drawn * (1 - 2 * edge))


_NORMAL = NormalDist()


def _uniform(secret: bytes, label: str) -> float:
    """A number in [0, 1) that only the secret's holder can foresee."""
    return int.from_bytes(hmac.digest(secret, label.encode(), hashlib.sha256)[:8]) / 2**64


def sum_deviation(noise: float, largest: float) -> float:
    """The standard deviation of a sum's noise: `noise` / 3 of the (rounded-up) largest contribution."""
    return noise / FULL_SUM * largest


def margin(deviation: float) -> float:
    """Half the width of the 95 % interval."""
    return CERTAIN * deviation


def count_margin(deviation: float) -> float:
    """The same for a count, which is a whole number."""
    return float(math.ceil(margin(deviation)))
