"""Noise: its distribution is the published one, and it is a function of who is in a cell."""

# ruff: noqa: E501 (a statement stays on its line)
from __future__ import annotations

import json
import math
import statistics
from collections import Counter
from pathlib import Path

import pytest

from publica.gateway.aggregate import run
from publica.instance import Instance
from publica.trust.privacy import noise
from publica.trust.privacy.rules import Contributions, Parameters, clearly_safe, rung, safe

from . import support
from .support import plain, protected_as, rows, tuples
from .test_exposure import LOOKS

SECRET = b"s" * 32
DRAWS = 20_000


@pytest.mark.parametrize("deviation", [1.0, 2.0, 5.0, 12.5, 50.0])
def test_the_table_has_the_stated_variance_mean_zero_and_a_bound(deviation: float) -> None:
    values = noise.table(deviation)
    assert math.isclose(sum(chance for _, chance in values), 1, rel_tol=1e-12)
    assert math.isclose(sum(v * chance for v, chance in values), 0, abs_tol=1e-9)
    assert math.isclose(sum(v * v * chance for v, chance in values), deviation**2, rel_tol=1e-6)
    assert max(abs(v) for v, _ in values) == round(3 * deviation)
    assert [chance for _, chance in values] == pytest.approx([chance for _, chance in reversed(values)])


def test_draws_follow_the_table() -> None:
    drawn = [noise.count_noise(SECRET, cell, 5.0) for cell in range(DRAWS)]
    assert abs(statistics.fmean(drawn)) < 0.12
    assert statistics.pvariance(drawn) == pytest.approx(25, rel=0.05)
    shares = Counter(drawn)
    assert all(abs(shares[v] / DRAWS - chance) < 0.01 for v, chance in noise.table(5.0))


def test_noise_of_sums_is_bounded_and_has_its_deviation() -> None:
    drawn = [noise.sum_noise(SECRET, cell, 1_000, 200.0) for cell in range(DRAWS)]
    assert statistics.pstdev(drawn) == pytest.approx(200, rel=0.05)
    assert max(map(abs, drawn)) <= 3 * 200 + 1e-6


def test_draws_of_other_cells_secrets_deviations_and_sums_are_others() -> None:
    def alike(one: list[float], other: list[float]) -> float:
        return abs(statistics.correlation(one, other))

    cells = range(4_000)
    base = [float(noise.count_noise(SECRET, cell, 5.0)) for cell in cells]
    assert base == [noise.count_noise(SECRET, cell, 5.0) for cell in cells]
    assert alike(base, [noise.count_noise(SECRET, cell + 1, 5.0) for cell in cells]) < 0.06
    assert alike(base, [noise.count_noise(b"t" * 32, cell, 5.0) for cell in cells]) < 0.06
    assert alike(base, [noise.count_noise(SECRET, cell, 5.5) for cell in cells]) < 0.06
    sums = [noise.sum_noise(SECRET, cell, 10, 5.0) for cell in cells]
    assert alike(base, sums) < 0.06
    assert alike(sums, [noise.sum_noise(SECRET, cell, 11, 5.0) for cell in cells]) < 0.06


def test_no_noise_is_none() -> None:
    assert noise.count_noise(SECRET, 1, 0) == 0
    assert noise.sum_noise(SECRET, 1, 5, 0) == 0


def test_large_deviations_have_theirs_too() -> None:
    values = noise.table(780.5)
    assert math.isclose(sum(v * v * chance for v, chance in values), 780.5**2, rel_tol=1e-4)
    assert max(abs(v) for v, _ in values) == round(3 * 780.5)


def test_a_rung_is_just_above() -> None:
    assert [rung(x) for x in (0.0, 0.3, 1.0, 1.1, 5.0, 5.1, 99.0, 101.0, 4e6)] == [
        0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 100.0, 200.0, 5e6,
    ]  # fmt: skip
    assert (rung(1.5e200), rung(5e-324), rung(math.inf)) == (2e200, 5e-324, math.inf)


def test_what_is_too_large_for_a_number_has_no_shares() -> None:
    """Squares of large values are; a cell of them is left out."""
    wanted = Parameters(k=3)
    assert not safe(Contributions(9, math.inf, math.inf, math.inf), wanted, summed=True)
    assert not safe(Contributions(9, math.inf, 1e200, 2e200), wanted, summed=True)
    assert not clearly_safe(9, math.inf, math.inf, 1, wanted, summed=True)
    assert not clearly_safe(9, 1e200, math.inf, 1, wanted, summed=True)


def test_the_pigeonhole_is_never_laxer_than_the_exact_rule() -> None:
    wanted = Parameters(k=3, dominance=0.5)
    for per_person in (1, 2):
        for values in (
            [1, 1, 1],
            [10, 1, 1, 1],
            [4, 4, 1],
            [5, 5, 5, 5, 5, 5],
            [0, 0, 0],
            [9, 9, 9, 9, 9, 9, 9],
        ):
            people = [sum(values[n : n + per_person]) for n in range(0, len(values), per_person)]
            top = sorted(people, reverse=True)
            known = Contributions(len(people), sum(people), top[0], sum(top[:2]))
            quick = clearly_safe(len(values), max(values), sum(values), per_person, wanted, summed=True)
            assert not quick or safe(known, wanted, summed=True)


@pytest.mark.parametrize(
    ("contributions", "summed", "holds"),
    [
        (Contributions(10, 100, 30, 50), True, True),
        (Contributions(9, 100, 30, 50), True, False),  # too few
        (Contributions(10, 100, 51, 60), True, False),  # one has half
        (Contributions(10, 100, 40, 76), True, False),  # two have three quarters
        (Contributions(10, 100, 51, 60), False, True),  # a count has no dominant one
        (Contributions(10, 0, 0, 0), True, False),  # all have nothing
    ],
)
def test_the_exact_rule(contributions: Contributions, summed: bool, holds: bool) -> None:
    assert safe(contributions, Parameters(), summed=summed) is holds


SPELLINGS = (
    "SELECT count(*) FROM population WHERE municipality LIKE '11%'",
    "SELECT COUNT(1) FROM population WHERE municipality LIKE '11%'",
    "SELECT count(*) + 0 FROM population WHERE municipality LIKE '11%'",
    "SELECT 1 * count(*) FROM population WHERE municipality LIKE '11%'",
    "SELECT count(*) AS n FROM population WHERE municipality LIKE '11%' AND TRUE",
    "SELECT count(*) FROM population WHERE municipality LIKE '11%' AND 1 = 1",
    "SELECT count(*) FROM population WHERE starts_with(municipality, '11')",
    "SELECT count(*) FROM population WHERE left(municipality, 2) = '11'",
    "SELECT count(*) FROM population WHERE substr(municipality, 1, 2) = '11'",
    "SELECT count(*) FROM population WHERE municipality >= '11' AND municipality < '12'",
    "SELECT count(person_id) FROM population WHERE municipality LIKE '11%'",
    "SELECT count(*) FROM (SELECT 1 FROM population WHERE municipality LIKE '11%')",
    "WITH q AS (SELECT municipality FROM population WHERE municipality LIKE '11%') SELECT count(*) FROM q",
    "SELECT count(*) FROM population p WHERE p.municipality LIKE '11%'",
    "SELECT count(*) FROM main.population WHERE municipality LIKE '11%'",
    "SELECT count(*) FROM population WHERE municipality IN ('1101', '1102', '1103', '1104')",
    "SELECT count(*) FROM population WHERE municipality IN (SELECT code FROM municipalities WHERE region = 'Coast')",
    "SELECT count(*) FROM population a JOIN population b USING (person_id) WHERE a.municipality LIKE '11%'",
    "SELECT (SELECT count(*) FROM population WHERE municipality LIKE '11%')",
)  # fmt: skip


def test_the_same_people_give_the_same_noise_however_they_are_spelt() -> None:
    with protected_as(Parameters()):
        answers = {rows(sql)[0][0] for sql in SPELLINGS}
    assert len(answers) == 1


def test_a_condition_on_several_values_is_the_sum_over_them() -> None:
    """So that asking for the same people by many conditions does not bring many draws to average."""
    with protected_as(Parameters()):
        each = dict(rows("SELECT municipality, count(*) FROM population GROUP BY 1"))
        sexes = dict(rows("SELECT sex, count(*) FROM population GROUP BY 1"))
        for towns in (["1101", "1102"], ["1102", "2101", "3101"], ["1101", "2101"]):
            named = ", ".join(f"'{town}'" for town in towns)
            found = rows(f"SELECT count(*) FROM population WHERE municipality IN ({named})")
            assert found == [(sum(each[town] for town in towns),)]
        assert rows("SELECT count(*) FROM population WHERE sex IS NOT NULL") == [(sum(sexes.values()),)]


def test_one_person_in_or_out_of_a_small_cell_changes_nothing_else() -> None:
    """A town's sex and age band of one person is no part of any answer, there or not."""
    with protected_as(Parameters()):
        small = "municipality = '3104' AND sex = 'X'"
        assert rows(f"SELECT count(*) FROM population WHERE {small}") == []
        towns = rows("SELECT count(*) FROM population WHERE municipality IN ('1101', '1102')")
        assert (
            rows(f"SELECT count(*) FROM population WHERE municipality IN ('1101', '1102') OR ({small})")
            != towns
        )
        both = "(municipality IN ('1101', '1102') AND sex <> 'X')"
        kept = rows(f"SELECT count(*) FROM population WHERE {both}")
        assert rows(f"SELECT count(*) FROM population WHERE {both} OR ({small})") == kept


def test_the_given_spellings_give_one_answer_or_none() -> None:
    """The 24 spellings of one question that were given with the design, over our own tables."""
    given = Path(__file__).parents[1] / "data" / "privacy" / "averaging_equivalents.json"
    answers, refused = set(), 0
    for sql in json.loads(given.read_text("utf-8"))["queries"]:
        ours = sql.replace("postcode", "municipality").replace("'AA%'", "'11%'").replace("'AA'", "'11'")
        ours = (
            ours.replace("'AB'", "'12'").replace("persons", "population").replace("places", "municipalities")
        )
        ours = ours.replace(
            "('AA1 1AA', 'AA2 2AA', 'AA3 3AA', 'AA4 4AA', 'AA5 5AA')", "('1101', '1102', '1103', '1104')"
        )
        if support.refusal(ours)[0]:
            refused += 1
            continue
        with protected_as(Parameters()):
            answers.add(rows(ours)[0][0])
    assert len(answers) <= 2  # the total less its complement is a value of its own
    assert refused <= 8


def test_noise_is_within_its_stated_bound_and_uncertainty_is_given() -> None:
    sql = (
        "SELECT municipality, count(*) AS n, sum(income) AS s, avg(income) AS a FROM {} GROUP BY 1 ORDER BY 1"
    )
    table = "(SELECT p.municipality, i.income FROM incomes i JOIN population p USING (person_id) WHERE i.year = 2025)"
    with protected_as(Parameters()):
        answer = support.ask(sql.format(table))
    wanted = {row[0]: row for row in plain(sql.format(table))}
    assert set(answer.margins) == {1, 2, 3}
    off = 0
    for at, (town, n, s, a) in enumerate(tuples(answer)):
        deviation = (
            5 * 6 * 2 * (3 * LOOKS) ** 0.5
        )  # sex and age band left out, two tables, one of three years
        assert abs(n - wanted[town][1]) <= 3 * deviation
        assert abs(float(s) / n - a) <= 1 / n
        margins = [answer.margins[column][at] for column in (1, 2, 3)]
        assert margins[0] == math.ceil(1.96 * deviation)
        found, true = (n, float(s), a), [float(value) for value in wanted[town][1:]]
        off += sum(abs(x - y) > float(m or 0) for x, y, m in zip(found, true, margins, strict=True))
    assert off <= 6  # of 36, at 95 %


def test_an_activity_has_safe_parameters_unless_it_chooses() -> None:
    opened: Instance = support.instance()
    activity = opened.book().get("activity", support.ACTIVITY)
    assert activity is not None
    assert activity.spec.aggregates is None
    assert str(Parameters()) == "k=10, dominance=0.5, noise=5"
    assert run.Aggregates().k == 10
