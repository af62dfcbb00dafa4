"""What follows from sums is what DuckDB computes of the values themselves."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from publica.trust.privacy.derived import DERIVED, Sums, computed

POINTS = st.lists(st.tuples(st.integers(-3, 3), st.integers(-50, 50)), min_size=1, max_size=25)


def sums(points: list[tuple[int, int]]) -> list[Sums]:
    """Cells by x: how many, their sum, the sum of their squares."""
    found = []
    for x in sorted({x for x, _ in points}):
        values = [y for at, y in points if at == x]
        found.append(Sums(len(values), sum(values), sum(y * y for y in values), x))
    return found


@pytest.mark.parametrize("kind", sorted(DERIVED))
@given(points=POINTS)
def test_as_the_engine_computes_it(kind: str, points: list[tuple[int, int]]) -> None:
    arguments = "y, x" if kind.startswith(("regr", "covar", "corr")) else "y"
    rows = ", ".join(f"({x}, {y})" for x, y in points)
    with duckdb.connect() as engine:
        (wanted,) = engine.execute(f"SELECT {kind}({arguments}) FROM (VALUES {rows}) t(x, y)").fetchone() or (
            None,
        )
    found = computed(DERIVED[kind], sums(points))
    if wanted is None or wanted != wanted:  # NULL, or not a number: of too few points, or all in one place
        assert found is None
    else:
        assert found == pytest.approx(wanted, rel=1e-9, abs=1e-9)


def test_noise_makes_no_spread_less_than_nothing() -> None:
    assert computed(DERIVED["var_pop"], [Sums(10, 100.0, 900.0)]) == 0.0
