"""Totals that follow from cells: grouping sets, FILTER, variances, along a dimension, and on one side of a limit.

Without noise and thresholds each is what plain DuckDB makes of it; with them none shows more than several plain
totals would.
"""

# ruff: noqa: E501 (a statement stays on its line)
from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest

from publica.gateway.aggregate import run
from publica.trust.privacy.rules import Parameters
from tests.attacks import corpus, world
from tests.attacks.world import Arena

from . import support
from .support import OPEN, plain, protected_as, rows
from .test_form import same

ANSWERED = (
    "SELECT sex, municipality, count(*) FROM population GROUP BY GROUPING SETS ((sex), (municipality), ())",
    "SELECT sex, municipality, count(*) FROM population GROUP BY ROLLUP (sex, municipality)",
    "SELECT sex, birth_date, count(*) AS n FROM population GROUP BY CUBE (sex, birth_date) HAVING count(*) > 100",
    "SELECT sex, municipality, birth_date, count(*) FROM population GROUP BY sex, ROLLUP ((municipality, birth_date))",
    "SELECT p.sex, i.year, avg(i.income) FROM incomes i JOIN population p USING (person_id) GROUP BY GROUPING SETS (1, 2)",
    "SELECT sex, count(*) FILTER (WHERE municipality = '1101') AS n, count(*) AS m FROM population GROUP BY sex",
    "SELECT count(*) FILTER (WHERE sex = 'F') * 100.0 / count(*) FROM population",
    "SELECT sum(income) FILTER (WHERE year = 2025) / sum(income) FILTER (WHERE year = 2024) FROM incomes",
    "SELECT municipality, count(*) FILTER (WHERE sex IN ('F', 'M') AND birth_date <> '20-29') FROM population GROUP BY 1",
    "SELECT year, stddev_samp(income), stddev_pop(income), var_samp(income), var_pop(income) FROM incomes GROUP BY year",
    "SELECT stddev(income), variance(income), avg(income), count(*) FROM incomes WHERE year IN (2024, 2025)",
    "SELECT count(DISTINCT municipality), count(DISTINCT sex), count(*) FROM population",
    "SELECT sex, count(DISTINCT birth_date) FROM population GROUP BY sex",
    "SELECT regr_slope(income, year), regr_intercept(income, year), corr(income, year) FROM incomes",
    "SELECT p.sex, covar_pop(i.income, i.year), covar_samp(i.year, i.income) FROM incomes i JOIN population p USING (person_id) GROUP BY 1",
)
REFUSED = {
    "a filter on a key": "SELECT count(*) FILTER (WHERE person_id <> 'P-0000001') FROM population",
    "a filter on a measure without limits": "SELECT count(*) FILTER (WHERE income > 50000) FROM incomes",
    "a grouping set of a measure": "SELECT income, count(*) FROM incomes GROUP BY ROLLUP (income)",
    "a grouping set of a key": "SELECT person_id, count(*) FROM population GROUP BY GROUPING SETS ((), (person_id))",
    "a slope along a key": "SELECT regr_slope(income, person_id) FROM incomes",
    "a slope along itself": "SELECT regr_slope(income, income) FROM incomes",
    "a slope of a dimension": "SELECT regr_slope(year, income) FROM incomes",
    "a slope along a text": "SELECT regr_slope(i.income, p.sex) FROM incomes i JOIN population p USING (person_id)",
    "a slope where there is one point": "SELECT regr_slope(income, year) FROM incomes WHERE year = 2025",
    "a slope by itself": "SELECT year, regr_slope(income, year) FROM incomes GROUP BY year",
    "persons along a dimension": "SELECT count(DISTINCT person_id) FILTER (WHERE year > 2024) FROM incomes",
    "a third moment": "SELECT skewness(income) FROM incomes",
    "a variance of distinct values": "SELECT var_pop(DISTINCT income) FROM incomes",
    "a variance of an expression": "SELECT var_pop(income * (year - 2024)) FROM incomes",
}  # fmt: skip


@pytest.mark.parametrize("sql", ANSWERED)
def test_without_noise_and_thresholds_the_answer_is_the_plain_one(sql: str) -> None:
    with protected_as(OPEN):
        found = rows(sql)
    assert found
    assert same(_rounded(found), _rounded(plain(sql)))


def _rounded(found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """To ten digits: sums are added up in other orders."""
    return [tuple(float(f"{v:.10g}") if isinstance(v, float) else v for v in row) for row in found]


@pytest.mark.parametrize("attempt", sorted(REFUSED))
def test_what_does_not_follow_is_refused(attempt: str) -> None:
    assert support.refusal(REFUSED[attempt])[0] == "aggregate-form"


def test_noise_is_that_of_the_totals_asked_for_one_by_one() -> None:
    """The same cells, so the same noise: asking in one statement brings nothing new."""
    with protected_as(Parameters()):
        together = rows(
            "SELECT sex, municipality, count(*) AS n, count(*) FILTER (WHERE birth_date = '30-39') AS m "
            "FROM population GROUP BY CUBE (sex, municipality)"
        )
        one_by_one: dict[tuple[Any, Any], list[Any]] = {}
        for columns, by in (("sex, municipality", "1, 2"), ("sex, NULL", "1"), ("NULL, municipality", "2")):
            for at, where in enumerate(("", "WHERE birth_date = '30-39'")):
                for row in rows(f"SELECT {columns}, count(*) FROM population {where} GROUP BY {by}"):
                    one_by_one.setdefault(row[:2], [None, None])[at] = row[2]
    by_set = {row[:2]: list(row[2:]) for row in together if row[:2] != (None, None)}
    assert by_set == one_by_one


def test_what_is_along_a_dimension_follows_from_what_comes_out_by_it() -> None:
    """A slope, the number of municipalities: nothing but what the table by that dimension shows."""
    with protected_as(Parameters(noise=5)):
        by = rows("SELECT year, count(income), sum(income) FROM incomes GROUP BY year")
        ((slope, towns),) = rows(
            "SELECT (SELECT regr_slope(income, year) FROM incomes), (SELECT count(DISTINCT municipality) FROM population)"
        )
        shown = rows("SELECT municipality FROM population GROUP BY municipality")
    count = sum(n for _, n, _ in by)
    at, mean = sum(year * n for year, n, _ in by) / count, float(sum(s for *_, s in by)) / count
    products = sum((year - at) * (float(s) - n * mean) for year, n, s in by)
    assert slope == pytest.approx(products / sum(n * (year - at) ** 2 for year, n, _ in by), rel=1e-6)
    assert towns == len(shown)


def test_a_variance_that_one_person_makes_does_not_come_out() -> None:
    """Nobody dominates the sum, but one does the squares."""
    with corpus_world() as place, parameters(Parameters(k=10, dominance=0.5, noise=0)):
        sql = "SELECT {} FROM persons WHERE postcode = 'AA1 1AA' AND sex = 'M'"
        mean, spread = (
            place.base.ask("statistics", sql.format(f)) for f in ("avg(income)", "stddev_samp(income)")
        )
    assert len(mean.rows) == 1
    assert spread.rows == ()


# one side of a limit: `income > 30000` where the dataset's record names 30000, and nowhere else


@pytest.fixture(scope="module")
def place() -> Iterator[Arena]:
    with corpus_world() as made:
        yield made


@pytest.mark.parametrize(
    "where",
    (
        "income > 30000",
        "30000 >= income",
        "income BETWEEN 20000 AND 40000",
        "income > 20000 AND income <= 45000 AND sex = 'F'",
        "income < 35000 AND postcode LIKE 'BB%'",
    ),
)
def test_the_answer_is_the_plain_one(place: Arena, where: str) -> None:
    sql = f"SELECT count(*) AS n, sum(income) AS s FROM persons WHERE {where}"
    found = place.base.ask("statistics", sql)
    with corpus.plain(place.base) as reference:
        assert corpus.alike(found.rows, reference.execute(sql).fetchall())


def test_in_a_filter_too(place: Arena) -> None:
    sql = "SELECT sex, count(*) FILTER (WHERE income >= 30000) FROM persons GROUP BY sex ORDER BY sex"
    assert [row[0] for row in place.base.ask("statistics", sql).rows] == ["F", "M"]


@pytest.mark.parametrize(
    "where",
    (
        "income > 30001",
        "income > 30000.5",
        "income > '30000'",
        "income = 30000",
        "NOT income > 30001",
        "income > 30000 OR sex = 'F'",
        "income + 1 > 30000",
        "income > 30000 + 1",
        "income > (SELECT min(population) FROM places)",
        "income IN (30000, 40000)",
        "income BETWEEN 30000 AND 30001",
        "income > $limit",
        "income > $text",
        "income > $wide",
        "income > $thin",
        "income > $true",
        "income BETWEEN 20000 AND $wide",
        "income > 30000.0000000000000001",
        "income > 5000.0000000000000000000000000000000001",
    ),
)
def test_any_other_value_is_refused(place: Arena, where: str) -> None:
    given = {
        "limit": 30001,
        "text": "30000",
        "wide": "３００００",
        "thin": Decimal("30000.000000000000001"),
        "true": True,
    }
    found = place.base.ask("statistics", f"SELECT count(*) FROM persons WHERE {where}", given)
    assert found.kind == "refused"
    assert "aggregate-form" in found.reasons[0]


def test_a_parameter_may_be_a_limit(place: Arena) -> None:
    sql = "SELECT count(*) FROM persons WHERE income > {}"
    for limit in (30000, 30000.0, Decimal("30000.00")):
        asked = place.base.ask("statistics", sql.format("$limit"), {"limit": limit})
        assert asked.rows == place.base.ask("statistics", sql.format("30000")).rows != ()


def test_both_sides_have_k_persons(place: Arena) -> None:
    """In every place and at every limit exactly those come out that have ten on either side."""
    seen = 0
    with corpus.plain(place.base) as reference:
        for limit in range(5_000, 100_001, 5_000):
            sql = "SELECT postcode, {} FROM persons {} GROUP BY postcode ORDER BY postcode"
            found = place.base.ask("statistics", sql.format("count(*)", f"WHERE income > {limit}"))
            both = sql.format(f"count(*) FILTER (WHERE income > {limit}), count(*)", "")
            wanted = [(p, n) for p, n, all_ in reference.execute(both).fetchall() if min(n, all_ - n) >= 10]
            assert list(found.rows) == wanted
            seen += len(wanted)
    assert seen > 100


def test_two_limits_with_few_people_between_do_not_both_come_out(place: Arena) -> None:
    """The history knows both sides of a limit: whoever is between it and the next can be in neither."""
    above, upto = ("SELECT count(*) FROM persons WHERE income " + sign for sign in ("> {}", "<= {}"))
    with corpus.plain(place.base) as reference:
        counts = {
            n: reference.execute(above.format(n)).fetchall()[0][0] for n in range(60_000, 95_001, 5_000)
        }
    low = next(n for n in counts if 0 < counts[n] - counts.get(n + 5_000, 0) < 10 and n + 5_000 in counts)
    pairs = ((above, above), (above, upto), (upto, above), (upto, upto))
    for first, second in pairs:
        place.base.forget()
        sql = f"SELECT ({first.format(low)}) AS one, ({second.format(low + 5_000)}) AS other"
        ((one, other),) = place.base.ask("statistics", sql).rows
        assert one is not None
        assert other is None


def corpus_world() -> Any:
    return world.arena(corpus.GIVEN, corpus.OURS, only="A")


def parameters(wanted: Parameters) -> Any:
    return mock.patch.object(run, "parameters", lambda facts: wanted)
