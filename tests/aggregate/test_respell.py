"""Statements outside the closed form, answered in other words: the words that one could have used, no others."""

# ruff: noqa: E501 (a statement stays on its line)
from __future__ import annotations

import pytest

from publica.trust.privacy.rules import Parameters

from .support import OPEN, plain, protected_as, refusal, rows
from .test_form import same

ANSWERED = {
    "a condition in a sum": "SELECT sum(CASE WHEN year = 2025 THEN income END) FROM incomes",
    "a condition in a sum, or nothing": "SELECT sum(CASE WHEN year = 2025 THEN income ELSE 0 END) FROM incomes",
    "a condition in an average": "SELECT avg(if(year = 2025, income, NULL)) FROM incomes",
    "a condition that is counted": "SELECT sum(CASE WHEN sex = 'F' THEN 1 ELSE 0 END), count(CASE WHEN sex = 'F' THEN 1 END), count_if(sex = 'F'), sum((sex = 'F')::INT) FROM population",
    "distinct values": "SELECT DISTINCT municipality FROM population",
    "a dimension counted": "SELECT count(sex), count(municipality) FROM population",
    "a computed group": "SELECT left(municipality, 1) AS area, count(*), count(DISTINCT person_id) FROM population GROUP BY area",
    "a band of years": "SELECT CASE WHEN year < 2024 THEN 'before' ELSE 'after' END AS time, sum(income), avg(income), count(income) FROM incomes GROUP BY time",
    "an open table": "SELECT m.region, count(*) AS n FROM population p JOIN municipalities m ON m.code = p.municipality GROUP BY m.region",
    "an open table first": "SELECT m.region, count(*) AS n FROM municipalities m JOIN population p ON m.code = p.municipality WHERE p.sex = 'F' GROUP BY m.region",
    "an open table beside two of people": "SELECT m.region, i.year, avg(i.income) FROM incomes i JOIN population p USING (person_id) JOIN municipalities m ON m.code = p.municipality GROUP BY ALL",
    "half an open table": "SELECT count(*) FROM population p SEMI JOIN municipalities m ON m.code = p.municipality AND m.region = 'Coast'",
    "all but an open table": "SELECT sex, count(*) FROM population p ANTI JOIN (SELECT code FROM municipalities WHERE region = 'Coast') m ON m.code = p.municipality GROUP BY sex",
    "a correlated total": "SELECT m.code, (SELECT count(*) FROM population p WHERE p.municipality = m.code) FROM municipalities m",
    "a derived column": "WITH a AS (SELECT left(municipality, 1) AS area, sex FROM population), b AS (SELECT area FROM a WHERE sex = 'F') SELECT area, count(*) FROM b GROUP BY area",
    "a joined CTE": "WITH j AS (SELECT p.sex, m.region FROM population p JOIN municipalities m ON m.code = p.municipality) SELECT region, sex, count(*) FROM j GROUP BY ALL",
    "a pattern": "SELECT count(*) FROM population WHERE regexp_matches(municipality, '^1')",
    "a place found by another question": "SELECT count(*) FROM population WHERE municipality = (SELECT min(code) FROM municipalities)",
    "which set it is": "SELECT sex, grouping(sex) AS g, count(*) FROM population GROUP BY ROLLUP (sex)",
    "the first and the last": "SELECT min(municipality), max(municipality) FROM population",
    "a value or none": "SELECT count(*), avg(income) FROM incomes WHERE income IS NOT NULL",
}
IN_OTHER_WORDS = {
    "SELECT left(municipality, 1) AS a, count(*) FROM population GROUP BY a": "SELECT left(municipality, 1) AS a, sum(n)::BIGINT FROM (SELECT municipality, count(*) AS n FROM population GROUP BY 1) GROUP BY a",
    "SELECT region, avg(income) FROM incomes JOIN population USING (person_id) JOIN municipalities ON code = municipality GROUP BY region": "SELECT region, sum(s)::DOUBLE / sum(n) FROM (SELECT municipality, sum(income) AS s, count(income) AS n FROM incomes JOIN population USING (person_id) GROUP BY 1) JOIN municipalities ON code = municipality WHERE s IS NOT NULL GROUP BY region",
    "SELECT count(*) FROM population WHERE CAST(municipality AS INTEGER) = 1101": "SELECT sum(n)::BIGINT FROM (SELECT municipality, count(*) AS n FROM population GROUP BY 1) WHERE CAST(municipality AS INTEGER) = 1101",
    "SELECT sum(CASE WHEN year = 2025 THEN income END) FROM incomes": "SELECT sum(income) FILTER (WHERE year = 2025) FROM incomes",
}
REFUSED = {
    "people in a band of their incomes": "SELECT floor(income / 10000) AS band, count(*) FROM incomes GROUP BY band",
    "people beside what they know": "SELECT count(*) FROM incomes i JOIN (VALUES (1000.0), (2000.0)) v(x) ON i.income > v.x",
    "a key compared with a list": "SELECT count(*) FROM population p JOIN (VALUES ('P-0000001')) v(k) ON v.k = p.person_id",
    "a key hashed": "SELECT hash(person_id) % 7, count(*) FROM population GROUP BY 1",
    "the largest beside an open table": "SELECT region, max(income) FROM incomes JOIN population USING (person_id) JOIN municipalities ON code = municipality GROUP BY region",
    "a measure weighed": "SELECT sum(CASE WHEN year = 2025 THEN income * 2 END) FROM incomes",
    "a measure chosen by a key": "SELECT sum(CASE WHEN person_id = 'P-0000001' THEN income END) FROM incomes",
    "a measure chosen by itself": "SELECT sum(CASE WHEN income > 50000 THEN income END) FROM incomes",
    "rows kept by an open table": "SELECT m.region, count(*) FROM municipalities m LEFT JOIN population p ON p.municipality = m.code GROUP BY 1",
    "persons in several cells": "SELECT left(year::VARCHAR, 3), count(DISTINCT person_id) FROM incomes GROUP BY 1",
    "distinct incomes": "SELECT DISTINCT income FROM incomes",
    "a limit inside": "SELECT count(*) FROM (SELECT left(municipality, 1) AS a FROM population LIMIT 17)",
}


@pytest.mark.parametrize("what", sorted(ANSWERED))
def test_without_noise_and_thresholds_the_answer_is_the_plain_one(what: str) -> None:
    with protected_as(OPEN):
        assert same(rows(ANSWERED[what]), plain(ANSWERED[what]))


@pytest.mark.parametrize("sql", sorted(IN_OTHER_WORDS))
def test_under_protection_it_says_what_the_other_words_say(sql: str) -> None:
    with protected_as(Parameters(k=10, dominance=0.5, noise=5)):
        assert same(rows(sql), rows(IN_OTHER_WORDS[sql]))


@pytest.mark.parametrize("what", sorted(REFUSED))
def test_what_has_no_other_words_is_refused(what: str) -> None:
    reason, told = refusal(REFUSED[what])
    assert reason == "aggregate-form"
    assert told
