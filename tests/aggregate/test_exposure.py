"""Noise grows with how much of one person a table shows, so that many tables together show little more."""

# ruff: noqa: E501 (a statement stays on its line)
from __future__ import annotations

import math
from itertools import combinations

import pytest

from publica.trust.privacy.exposure import Exposure, coarseness
from publica.trust.privacy.rules import Parameters

from .support import ask, plain, protected_as, tuples

JOINED = "FROM incomes i JOIN population p USING (person_id)"


def test_noise_grows_with_the_values_of_what_is_left_out_up_to_six() -> None:
    assert coarseness([]) == 1
    assert coarseness([2]) == math.sqrt(2)
    assert coarseness([6]) == coarseness([30]) == coarseness([0]) == math.sqrt(6)
    assert coarseness([3, 0, 0]) == pytest.approx(6 * math.sqrt(3))
    assert coarseness([0] * 20) == 36


@pytest.mark.parametrize("values", [(0,), (3, 0), (3, 0, 0), (2, 2, 2, 2), (0, 0, 0)])
def test_all_tables_together_tell_of_one_person_little_more_than_one(values: tuple[int, ...]) -> None:
    """Precisions (1 / variance) add up: 2^d for d dimensions if all had the same noise, but so (1 + 1/6)^d."""
    sets = [left for n in range(len(values) + 1) for left in combinations(values, n)]
    together = sum(1 / coarseness(left) ** 2 for left in sets)
    assert together == pytest.approx(math.prod(1 + 1 / (value or 6) for value in values))
    assert together <= len(sets) * 0.75


def test_several_rows_of_a_person_count_together() -> None:
    """Three cells of one row each, or one of three, or of each of two cells two rows."""
    assert Exposure(1, 3).rows(5) == pytest.approx(5 * math.sqrt(3))
    assert Exposure(3, 3).rows(5) == 15
    assert Exposure(2, 4).rows(5) == pytest.approx(10 * math.sqrt(2))
    assert Exposure(3, 3).persons(5) == 5
    assert Exposure(1, 3).persons(5) == Exposure(1, 3).rows(5)
    assert Exposure(3, 3).sums(5, 100) == 500  # the largest contribution is 300, its rung 500
    assert Exposure(1, 4).sums(5, 100) == 200
    assert Exposure(datasets=4).rows(5) == 10


@pytest.mark.parametrize(
    ("sql", "deviation"),
    [
        ("SELECT count(*) FROM population", 5 * 6 * 3**0.5),
        ("SELECT count(*) FROM population GROUP BY sex", 5 * 6),
        ("SELECT count(*) FROM population WHERE municipality = '1101'", 5 * 18**0.5),
        ("SELECT count(*) FROM population GROUP BY municipality, birth_date", 5 * 3**0.5),
        ("SELECT count(*) FROM population GROUP BY municipality, sex, birth_date", 5),
        ("SELECT count(*) FROM incomes GROUP BY year", 5 * 3**0.5 * 6 * 3**0.5),
        ("SELECT count(*) FROM incomes", 5 * 3 * 216**0.5 * 3**0.5),
        ("SELECT count(DISTINCT person_id) FROM incomes", 5 * 216**0.5 * 3**0.5),
        (f"SELECT count(*) {JOINED} GROUP BY p.municipality, i.year", 5 * 6**0.5 * 18**0.5),
    ],
)
def test_the_margin_says_how_much(sql: str, deviation: float) -> None:
    with protected_as(Parameters()):
        answer = ask(sql)
    assert set(answer.margins[0]) == {math.ceil(1.96 * deviation)}


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
        assert ask(sql).margins == {1: [59.0, 59.0]}


@pytest.mark.parametrize("sql", COMPUTED)
def test_what_is_computed_of_values_has_none(sql: str) -> None:
    with protected_as(Parameters()):
        assert ask(sql).margins == {}


def test_a_row_without_a_value_has_no_margin() -> None:
    sql = (
        "SELECT 'all' AS who, 10 AS n UNION ALL SELECT sex, count(*) FROM population GROUP BY sex ORDER BY 1"
    )
    with protected_as(Parameters()):
        assert ask(sql).margins == {1: [59.0, 59.0, None]}


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
        assert n < 300 or float(answer.margins[3][at] or 0) < 0.8 * float(answer.margins[2][at] or 0) / n
        close += abs(a - wanted[town][3]) <= float(answer.margins[3][at] or 0)
    assert close >= len(wanted) - 3
