"""Noise grows with how much of one person a table shows, so that many tables together show little more."""

# ruff: noqa: E501 (a statement stays on its line)
from __future__ import annotations

import math
from itertools import combinations

import pytest

from publica.trust.privacy.exposure import Exposure, Source, coarseness, cuts, looks
from publica.trust.privacy.rules import Parameters

from .support import ask, plain, protected_as, tuples

JOINED = "FROM incomes i JOIN population p USING (person_id)"


def test_noise_grows_with_the_values_of_what_is_left_out_up_to_twelve() -> None:
    assert coarseness([]) == 1
    assert coarseness([2]) == math.sqrt(2)
    assert coarseness([12]) == coarseness([30]) == coarseness([0]) == math.sqrt(12)
    assert coarseness([3, 0, 0]) == pytest.approx(12 * math.sqrt(3))
    assert coarseness([0] * 20) == 36
    assert coarseness([3], cuts=4) == pytest.approx(2 * math.sqrt(3))


@pytest.mark.parametrize("values", [(), (0,), (3, 0), (3, 0, 0), (2, 2, 2, 2), (0, 0, 0)])
def test_all_tables_of_a_dataset_tell_of_one_person_what_one_count_does(values: tuple[int, ...]) -> None:
    """Precisions (1 / variance) add up: 2^d for d dimensions if all had the same noise."""
    seen = looks([Source(values)])
    sets = [left for n in range(len(values) + 1) for left in combinations(values, n)]
    precision = sum(1 / Exposure(coarse=coarseness(left), looks=seen).rows(5) ** 2 for left in sets)
    assert 0.95 / 25 <= precision <= 1 / 25


def test_all_tables_of_an_activity_tell_of_one_person_what_one_count_does() -> None:
    """Two datasets, the second with three rows a person, a row a period; alone and joined, by any dimensions."""
    seen = looks([Source((0, 3)), Source((0,), (0,))])
    precision = 0.0
    for members in ("a", "b", "ab"):
        own = [v for name, v in (("a", 0), ("a", 3), ("b", 0)) if name in members]
        always = [v for name, v in (("a", 0), ("a", 3), ("b", 0)) if name not in members]
        for left in (left for n in range(len(own) + 1) for left in combinations(own, n)):
            yearly = Exposure(1, 3, len(members), coarseness([*left, *always]), seen)
            ever = Exposure(3, 3, len(members), coarseness([*left, *always, 0]), seen)
            if "b" in members:
                precision += 3 / yearly.rows(5) ** 2 + 9 / ever.rows(5) ** 2 + 1 / ever.persons(5) ** 2
            else:
                precision += 1 / Exposure(coarse=yearly.coarse, looks=seen).rows(5) ** 2
    assert 0.8 / 25 <= precision <= 1 / 25


@pytest.mark.parametrize("dimensions", [6, 10])
def test_where_noise_grows_no_further_the_tables_count_all_the_same(dimensions: int) -> None:
    seen = looks([Source((0,) * dimensions)])
    precision = sum(
        math.comb(dimensions, n) / Exposure(coarse=coarseness([0] * n), looks=seen).rows(5) ** 2
        for n in range(dimensions + 1)
    )
    assert precision <= 1 / 25


@pytest.mark.parametrize("limits", [1, 2, 3, 4, 20])
def test_cuts_are_the_cells_that_one_value_is_in(limits: int) -> None:
    ends = range(-1, limits + 1)  # from one limit to another, or from below all, or to above all
    most = max(
        sum(low < value <= high for low, high in combinations(ends, 2)) - 1 for value in range(limits + 1)
    )
    assert cuts(limits) == most


def test_limits_and_measures_that_may_lack_values_make_more_tables() -> None:
    plain = looks([Source((0,))])
    assert looks([Source((0,), limited=1)]) == pytest.approx(2 * plain)
    assert looks([Source((0,), partial=2)]) == pytest.approx(3 * plain)
    assert looks([Source((0,)), Source()]) > plain


def test_several_rows_of_a_person_count_together() -> None:
    """Three cells of one row each, or one of three, or of each of two cells two rows; where rows and persons
    are counted apart, each has a draw of its own."""
    assert Exposure(1, 3).rows(5) == pytest.approx(5 * math.sqrt(3))
    assert Exposure(3, 3).rows(5) == pytest.approx(15 * math.sqrt(2))
    assert Exposure(2, 4).rows(5) == pytest.approx(20)
    assert Exposure(3, 3).persons(5) == pytest.approx(5 * math.sqrt(2))
    assert Exposure(1, 3).persons(5) == Exposure(1, 3).rows(5)
    assert Exposure(3, 3).sums(3, 100) == 500  # the largest contribution is 300, its rung 500
    assert Exposure(1, 4).sums(3, 100) == 200
    assert Exposure(datasets=4).rows(5) == 20


LOOKS = looks([Source((0, 3, 0)), Source(periods=(0,))])
"""Of labour_statistics: municipality, sex and age band; and the year of incomes."""


@pytest.mark.parametrize(
    ("sql", "deviation"),
    [
        ("SELECT count(*) FROM population", 5 * 12 * 3**0.5),
        ("SELECT count(*) FROM population GROUP BY sex", 5 * 12),
        ("SELECT count(*) FROM population WHERE municipality = '1101'", 5 * 36**0.5),
        ("SELECT count(*) FROM population GROUP BY municipality, birth_date", 5 * 3**0.5),
        ("SELECT count(*) FROM population GROUP BY municipality, sex, birth_date", 5),
        ("SELECT count(*) FROM incomes GROUP BY year", 5 * 3**0.5 * 12 * 3**0.5),
        ("SELECT count(*) FROM incomes", 5 * 3 * 2**0.5 * 36),
        ("SELECT count(DISTINCT person_id) FROM incomes", 5 * 2**0.5 * 36),
        (f"SELECT count(*) {JOINED} GROUP BY p.municipality, i.year", 5 * 2 * 3**0.5 * 6),
        (
            "SELECT count(*) FROM incomes i JOIN incomes j USING (person_id) WHERE i.year = 2024 AND j.year = 2025",
            5 * 8 * 3 * 12 * 3**0.5,
        ),
    ],
)
def test_the_margin_says_how_much(sql: str, deviation: float) -> None:
    with protected_as(Parameters()):
        answer = ask(sql)
    assert set(answer.margins[0]) == {math.ceil(1.96 * deviation * LOOKS**0.5)}


BY_SEX = math.ceil(1.96 * 60 * LOOKS**0.5)
PASSED_ON = (
    "WITH q AS (SELECT sex, count(*) AS n FROM population GROUP BY sex) SELECT * FROM q",
    "WITH q AS (SELECT sex, count(*) AS n FROM population GROUP BY sex), r AS (SELECT sex AS s, n AS m FROM q) SELECT s, m FROM r",
    "SELECT a.s, a.n FROM (SELECT sex AS s, count(*) AS n FROM population GROUP BY sex) a JOIN municipalities m ON m.code = '1101'",
    "SELECT b.x, b.y FROM (SELECT sex, count(*) FROM population GROUP BY sex) AS b(x, y) WHERE b.y > 5 ORDER BY b.y LIMIT 2",
    "SELECT sex, count(*) FROM population WHERE sex = 'F' GROUP BY sex UNION ALL SELECT sex, count(*) FROM population WHERE sex = 'M' GROUP BY sex",
)
COMPUTED = (
    "SELECT sex, count(*) + 1 FROM population GROUP BY sex",
    "WITH q AS (SELECT sex, count(*) AS n FROM population GROUP BY sex) SELECT max(sex), max(n) FROM q",
    "SELECT DISTINCT sex, count(*) FROM population GROUP BY sex",
    "SELECT sex, count(*) FROM population GROUP BY sex UNION SELECT 'M', 10",
    "SELECT code, inhabitants FROM municipalities, (SELECT count(*) AS n FROM population) t",
)


@pytest.mark.parametrize("sql", PASSED_ON)
def test_a_value_that_is_passed_on_keeps_its_margin(sql: str) -> None:
    with protected_as(Parameters()):
        assert ask(sql).margins == {1: [BY_SEX, BY_SEX]}


@pytest.mark.parametrize("sql", COMPUTED)
def test_what_is_computed_of_values_has_none(sql: str) -> None:
    with protected_as(Parameters()):
        assert ask(sql).margins == {}


def test_a_row_without_a_value_has_no_margin() -> None:
    sql = (
        "SELECT 'all' AS who, 10 AS n UNION ALL SELECT sex, count(*) FROM population GROUP BY sex ORDER BY 1"
    )
    with protected_as(Parameters()):
        assert ask(sql).margins == {1: [BY_SEX, BY_SEX, None]}


def test_a_count_of_rows_does_not_show_its_remainder() -> None:
    """Three rows each: were noise a multiple of three, then a person of one row would show in the remainder."""
    sql = "SELECT p.municipality, p.sex, p.birth_date, count(*) {} GROUP BY ALL"
    with protected_as(Parameters()):
        shown = {row[:3]: row[3] for row in tuples(ask(sql.format(JOINED)))}
    true = {row[:3]: row[3] for row in plain(sql.format(JOINED))}
    assert {(shown[cell] - true[cell]) % 3 for cell in shown} == {0, 1, 2}


def test_an_average_is_the_published_sum_over_the_published_count() -> None:
    """And its noise does not grow with that of the count: whoever is in changes both alike."""
    sql = f"SELECT p.municipality, count(i.income) AS n, sum(i.income) AS s, avg(i.income) AS a {JOINED} WHERE i.year = 2025 AND p.sex IN ('F', 'M') GROUP BY 1 ORDER BY 1"
    with protected_as(Parameters()):
        answer = ask(sql)
    wanted = {row[0]: row for row in plain(sql)}
    close = 0
    for at, (town, n, s, a) in enumerate(tuples(answer)):
        assert abs(float(s) - n * a) <= 1
        assert n < 600 or float(answer.margins[3][at] or 0) < 0.8 * float(answer.margins[2][at] or 0) / n
        close += abs(a - wanted[town][3]) <= float(answer.margins[3][at] or 0)
    assert close >= len(wanted) - 3
