"""The year of a date that an agreement gives as a year: whatever asks for it gets it, nothing finer."""

from __future__ import annotations

import pytest

from publica.gateway.model import ColumnShape, Shape
from publica.gateway.parse import DIALECT, parse
from publica.gateway.resolve import resolve

SHAPES = {
    "p": Shape("p", {"born": ColumnShape("BIGINT", period="year"), "seen": ColumnShape("DATE")}),
    "q": Shape("q", {"born": ColumnShape("DATE"), "seen": ColumnShape("DATE")}),
}
BORN = '"p"."born"'
WRITTEN = {
    "year(born)": BORN,
    "date_part('year', born)": BORN,
    "datepart('YEAR', born)": BORN,
    "extract(year FROM born)": BORN,
    "year((born))": f"({BORN})",
    "date_trunc('year', born)": f"CAST(make_date({BORN}, 1, 1) AS TIMESTAMP)",
    "born >= DATE '1970-01-01'": f"{BORN} >= 1970",
    "born < '1970-01-01'": f"{BORN} < 1970",
    "born <= DATE '1979-12-31'": f"{BORN} <= 1979",
    "born > '1979-12-31'": f"{BORN} > 1979",
    "DATE '1970-01-01' <= born": f"1970 <= {BORN}",
    "'1979-12-31' < born": f"1979 < {BORN}",
    "born BETWEEN '1970-01-01' AND '1979-12-31'": f"{BORN} BETWEEN 1970 AND 1979",
}
KEPT = (
    "year(seen)",
    "month(born)",
    "date_part('month', born)",
    "date_trunc('month', born)",
    "born >= DATE '1970-06-01'",
    "born <= DATE '1970-01-01'",
    "born > DATE '1970-01-01'",
    "born < DATE '1979-12-31'",
    "born BETWEEN '1970-01-01' AND '1979-12-30'",
    "born = DATE '1970-01-01'",
    "seen >= DATE '1970-01-01'",
    "year(born + 1)",
)


def written(expression: str, table: str = "p") -> str:
    resolved = resolve(parse(f"SELECT {expression} AS x FROM {table}"), SHAPES)
    return str(DIALECT.generate(resolved.query.expressions[0].this, identify=True, normalize_functions=False))


@pytest.mark.parametrize("asked", sorted(WRITTEN))
def test_what_asks_for_the_year_gets_it(asked: str) -> None:
    assert written(asked) == WRITTEN[asked]


@pytest.mark.parametrize("asked", KEPT)
def test_what_asks_for_something_else_stays(asked: str) -> None:
    """As it does where the date is given as it is."""
    assert written(asked) == written(asked, "q").replace('"q"', '"p"')


def test_a_date_that_is_given_as_it_is_stays_one() -> None:
    assert written("year(born)", "q") == 'year("q"."born")'
    assert written("born >= DATE '1970-01-01'", "q") == '"q"."born" >= CAST(\'1970-01-01\' AS DATE)'
