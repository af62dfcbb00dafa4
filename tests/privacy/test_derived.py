"""What follows from sums is what DuckDB computes of the values themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, replace

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from publica.trust.privacy.derived import DERIVED, Moments, Spread, Sums, computed, deviation

POINTS = st.lists(st.tuples(st.integers(-3, 3), st.integers(-50, 50)), min_size=1, max_size=25)


def sums(points: list[tuple[int, int]]) -> list[Sums]:
    """Cells by x: how many, their sum, the sum of their squares."""
    found = []
    for x in sorted({x for x, _ in points}):
        values = [y for at, y in points if at == x]
        found.append(Sums(len(values), sum(values), sum(y * y for y in values), x))
    return found


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": "1"}) as made:
        yield made


@pytest.mark.parametrize("kind", sorted(DERIVED))
@given(points=POINTS)
def test_as_the_engine_computes_it(
    engine: duckdb.DuckDBPyConnection, kind: str, points: list[tuple[int, int]]
) -> None:
    arguments = "y, x" if kind.startswith(("regr", "covar", "corr")) else "y"
    rows = ", ".join(f"({x}, {y})" for x, y in points)
    told = engine.execute(f"SELECT {kind}({arguments}) FROM (VALUES {rows}) t(x, y)").fetchone()
    (wanted,) = told or (None,)
    found = computed(DERIVED[kind], sums(points))
    if wanted is None or wanted != wanted:  # NULL, or not a number: of too few points, or all in one place
        assert found is None
    else:
        assert found == pytest.approx(wanted, rel=1e-9, abs=1e-9)


def test_noise_makes_no_spread_less_than_nothing() -> None:
    assert computed(DERIVED["var_pop"], [Sums(10, 100.0, 900.0)]) == 0.0


STEPS = st.tuples(st.integers(-1, 40), st.integers(-500, 500), st.integers(-500, 5_000))


@given(points=POINTS.filter(lambda points: len({x for x, _ in points}) > 1), step=STEPS)
def test_a_step_of_one_cell_is_reckoned_without_the_others(
    points: list[tuple[int, int]], step: tuple[int, int, int]
) -> None:
    first, *others = sums(points)
    more, total, squares = step
    moved = replace(
        first, count=first.count + more, total=first.total + total, squares=first.squares + squares
    )
    found = Moments.of([first, *others]).moved(first.at, step)
    assert astuple(found) == pytest.approx(astuple(Moments.of([moved, *others])), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("kind", sorted(DERIVED))
def test_a_margin_over_many_cells_looks_at_each_once(kind: str) -> None:
    """Over 10,000: were all others looked at for each of them, it would take many minutes."""
    parts = [
        (Sums(20 + n % 7, 20_000.0 + n, 2e8 + 50 * n, n), Spread(3.0, 900.0, 8e5)) for n in range(10_000)
    ]
    margin = deviation(DERIVED[kind], parts)
    assert margin is not None and margin > 0
