"""The closed form: what is answered, what is refused, and that both mean what they say."""

# ruff: noqa: E501 (a statement stays on its line)
from __future__ import annotations

import pytest

from . import support
from .support import OPEN, plain, protected_as, refusal, rows

REFUSED = {
    "rows": "SELECT sex FROM population",
    "keys": "SELECT person_id, count(*) FROM population GROUP BY person_id",
    "a filter on people": "SELECT sum(income) - sum(income) FILTER (WHERE person_id <> 'P-0000001') FROM incomes",
    "a case inside a sum": "SELECT sum(CASE WHEN person_id = 'P-0000001' THEN income ELSE 1000000 END) FROM incomes",
    "a product inside a sum": "SELECT sum(income * 2) FROM incomes",
    "bisection by exists": (
        "SELECT count(*) FROM population p WHERE EXISTS "
        "(SELECT 1 FROM incomes i WHERE i.person_id = p.person_id AND i.income > 50000)"
    ),
    "bisection by in": (
        "SELECT count(*) FROM population WHERE person_id IN (SELECT person_id FROM incomes WHERE income > 50000)"
    ),
    "a measure in a condition": "SELECT count(*) FROM incomes WHERE income > 50000",
    "a key in a condition": "SELECT count(*) FROM population WHERE person_id <> 'P-0000001'",
    "a cross join": "SELECT sum(i.income) FROM population p CROSS JOIN incomes i",
    "a join on a dimension": "SELECT count(*) FROM population a JOIN population b ON a.municipality = b.municipality",
    "an unequal join": "SELECT count(*) FROM population a JOIN population b ON a.person_id < b.person_id",
    "an outer join": "SELECT count(*) FROM population p LEFT JOIN incomes i USING (person_id)",
    "a semi join": "SELECT count(*) FROM population p SEMI JOIN incomes i ON p.person_id = i.person_id",
    "two stages": (
        "SELECT count(*) FROM (SELECT person_id, sum(income) AS s FROM incomes GROUP BY person_id) WHERE s > 90000"
    ),
    "two stages over a group": (
        "SELECT max(s) FROM (SELECT person_id, sum(income) AS s FROM incomes GROUP BY person_id)"
    ),
    "the largest": "SELECT max(income) FROM incomes",
    "the median": "SELECT median(income) FROM incomes",
    "a list": "SELECT list(income ORDER BY income) FROM incomes",
    "a sum of distinct values": "SELECT sum(DISTINCT income) FROM incomes",
    "counting distinct values": "SELECT count(DISTINCT income) FROM incomes",
    "a window over rows": "SELECT sum(income) OVER () FROM incomes",
    "a window with a measure": "SELECT sum(income) OVER (), count(*) FROM incomes",
    "grouping by a measure": "SELECT income, count(*) FROM incomes GROUP BY income",
    "grouping by an expression": "SELECT hash(person_id) % 7, count(*) FROM population GROUP BY 1",
    "grouping by the richest": (
        "SELECT sum(income) FROM (SELECT income FROM incomes ORDER BY income DESC LIMIT 1)"
    ),
    "a limit inside": "SELECT count(*) FROM (SELECT sex FROM population LIMIT 17)",
    "a qualified row": (
        "SELECT sum(income) FROM (SELECT income FROM incomes QUALIFY row_number() OVER (ORDER BY income) = 1)"
    ),
    "a union of rows": (
        "SELECT count(*) FROM (SELECT sex FROM population UNION ALL SELECT sex FROM population)"
    ),
    "rows in a subquery": "SELECT (SELECT sex FROM population ORDER BY sex LIMIT 1), count(*) FROM incomes",
    "a computed column looked through": "SELECT sum(x) FROM (SELECT income * 2 AS x FROM incomes)",
    "an unused list of people": "WITH q AS (SELECT sex FROM population) SELECT count(*) FROM incomes",
    "order by a measure": "SELECT count(*) FROM incomes GROUP BY year ORDER BY max(income)",
}
"""What it attempts → the statement. The first ten are DESIGN's reasons for closing the form."""

ANSWERED = (
    "SELECT count(*) FROM population",
    "SELECT count(1), count(person_id), count(DISTINCT person_id) FROM population",
    "SELECT sex, count(*) AS n FROM population GROUP BY sex",
    "SELECT sex, municipality, count(*) FROM population GROUP BY ALL",
    "SELECT municipality FROM population GROUP BY municipality",
    "SELECT sum(income), avg(income), count(income) FROM incomes WHERE year = 2024",
    "SELECT year, sum(income) AS s FROM incomes GROUP BY year HAVING count(*) > 5",
    "SELECT count(*), count(DISTINCT person_id), sum(income) FROM incomes",
    "SELECT p.municipality, i.year, avg(i.income) FROM incomes i JOIN population p USING (person_id) GROUP BY ALL",
    "SELECT p.sex, sum(i.income) FROM incomes i, population p WHERE i.person_id = p.person_id GROUP BY p.sex",
    "SELECT count(*) FROM population WHERE municipality LIKE '11%' AND sex IN ('F', 'M')",
    "SELECT count(*) FROM population WHERE NOT (sex = 'F' OR birth_date IN ('0-9', '10-19'))",
    "SELECT count(*) FROM population WHERE left(municipality, 1) = '1' AND length(sex) = 1 AND TRUE",
    "SELECT count(*) FROM population WHERE municipality BETWEEN '1101' AND '2101'",
    "SELECT count(*) FROM population WHERE CASE WHEN sex = 'F' THEN birth_date = '20-29' ELSE sex IS NOT NULL END",
    "SELECT count(*) FROM (SELECT sex AS s FROM population WHERE municipality <> '1101') WHERE s = 'F'",
    "WITH q AS (SELECT municipality, sex FROM population) SELECT sex, count(*) FROM q GROUP BY 1",
    "SELECT count(*) FROM population WHERE municipality IN (SELECT code FROM municipalities WHERE region = 'Coast')",
    (
        "SELECT count(*) FROM population p WHERE EXISTS "
        "(SELECT 1 FROM municipalities m WHERE m.code = p.municipality AND m.region = 'Coast')"
    ),
    (
        "SELECT m.name, t.n FROM (SELECT municipality, count(*) AS n FROM population GROUP BY 1) t "
        "JOIN municipalities m ON m.code = t.municipality"
    ),
    "SELECT sex, count(*) * 100.0 / sum(count(*)) OVER () AS share FROM population GROUP BY sex",
    "SELECT (SELECT count(*) FROM population) - (SELECT count(*) FROM population WHERE sex = 'F') AS d",
    "SELECT municipality, count(*) AS n FROM population GROUP BY 1 ORDER BY n DESC, 1 LIMIT 3",
    "SELECT a.sex, count(*) FROM population a JOIN population b USING (person_id) GROUP BY a.sex",
    "SELECT sex, rank() OVER (ORDER BY count(*) DESC) FROM population GROUP BY sex",
    "SELECT 'all' AS what, count(*) FROM population UNION ALL SELECT sex, count(*) FROM population GROUP BY sex",
)


@pytest.mark.parametrize("attempt", sorted(REFUSED))
def test_what_is_not_proved_closed_is_refused(attempt: str) -> None:
    reason, what = refusal(REFUSED[attempt])
    assert reason == "aggregate-form", attempt
    assert what


@pytest.mark.parametrize("sql", ANSWERED)
def test_without_noise_and_thresholds_the_answer_is_the_plain_one(sql: str) -> None:
    with protected_as(OPEN):
        found = rows(sql)
    assert same(found, plain(sql), ordered="ORDER BY n" in sql)


def test_parameters_select_as_literals_do() -> None:
    sql = "SELECT count(*) FROM population WHERE sex = {} AND municipality IN ({}, '2101')"
    with protected_as(OPEN):
        assert rows(sql.format("$sex", "$town"), sex="F", town="1101") == rows(sql.format("'F'", "'1101'"))


def test_open_tables_alone_are_answered_as_they_are() -> None:
    answer = support.ask("SELECT count(*) AS n FROM municipalities")
    assert answer.protected is None
    assert support.tuples(answer) == [(12,)]


def same(found: list[tuple[object, ...]], wanted: list[tuple[object, ...]], *, ordered: bool = False) -> bool:
    def shown(row: tuple[object, ...]) -> tuple[str, ...]:
        return tuple(
            f"{float(v):.6f}" if isinstance(v, (int, float)) or hasattr(v, "quantize") else str(v)
            for v in row
        )

    one, other = [shown(row) for row in found], [shown(row) for row in wanted]
    return one == other if ordered else sorted(one) == sorted(other)
