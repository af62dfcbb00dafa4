"""Thresholds and dominance: which cells come out, against a slow count of persons over the plain tables."""

# ruff: noqa: E501 (a statement stays on its line)
from __future__ import annotations

import pytest

from publica.trust.privacy.rules import Parameters

from .support import plain, protected_as, rows

JOINED = "FROM incomes i JOIN population p USING (person_id)"
KEPT = """
SELECT {keys} FROM (
    SELECT {keys}, person_id, sum(abs(income)) AS s FROM (SELECT {columns}, person_id, i.income {joined}) GROUP BY ALL)
GROUP BY {keys}
HAVING count(*) >= {k} AND sum(s) > 0 AND max(s) <= {share} * sum(s)
    AND list_sum(max(s, 2)) <= {two} * sum(s)"""


@pytest.mark.parametrize("k", [3, 10, 40])
@pytest.mark.parametrize("dominance", [0.05, 0.2, 0.5])
@pytest.mark.parametrize(
    "columns", [("p.municipality", "p.sex"), ("p.municipality", "p.birth_date", "i.year"), ("p.sex",)]
)
def test_exactly_the_cells_of_the_rule_come_out(k: int, dominance: float, columns: tuple[str, ...]) -> None:
    wanted = Parameters(k=k, dominance=dominance, noise=0)
    keys = ", ".join(column.partition(".")[2] for column in columns)
    sql = f"SELECT {', '.join(columns)} {JOINED} GROUP BY ALL HAVING sum(i.income) <> 0"
    with protected_as(wanted):
        found = rows(sql)
    kept = KEPT.format(
        keys=keys, columns=", ".join(columns), joined=JOINED, k=k, share=dominance, two=wanted.two
    )
    assert sorted(map(str, found)) == sorted(map(str, plain(kept)))


def test_conditions_that_choose_several_values_leave_small_cells_out() -> None:
    """Each town and sex is a cell; the small ones are no part of the sum."""
    with protected_as(Parameters(noise=0)):
        found = rows(
            f"SELECT count(*), sum(i.income) {JOINED} WHERE i.year = 2025 AND NOT (p.municipality = '3104' AND p.sex = 'X')"
        )
    cells = f"SELECT p.municipality, p.sex, count(*) AS n, sum(i.income) AS s, max(i.income) AS m {JOINED} WHERE i.year = 2025 GROUP BY ALL"
    wanted = plain(f"SELECT sum(n), sum(s) FROM ({cells}) WHERE n >= 10 AND m <= 0.5 * s")
    assert [tuple(map(int, row)) for row in found] == [tuple(map(int, row)) for row in wanted]
