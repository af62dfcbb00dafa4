"""Whose rows a use touched, and whose left."""

from __future__ import annotations

import itertools
import random
from typing import Any

import duckdb
import pytest

from publica.gateway.model import SIZE, ColumnShape, Governed, Shape
from publica.gateway.parse import parse
from publica.gateway.resolve import resolve
from publica.gateway.rewrite import rewrite

from .world import ask, default_people, reference, same, understand

ALL = frozenset({"p1", "p3", "p4", "p5", "p7", "p8"})  # p2 and p6 refused
WOMEN = frozenset({"p1", "p3", "p5"})
EARNERS = frozenset({"p1", "p3", "p5", "p8"})
POPULATION = ALL - {"p8"}

TOUCHED: list[tuple[str, dict[str, Any], frozenset[str]]] = [
    ("SELECT count(*) FROM population", {}, POPULATION),
    ("SELECT count(*) FROM municipalities", {}, frozenset()),
    ("SELECT count(*) FROM population WHERE sex = 'F'", {}, WOMEN),
    ("SELECT count(*) FROM population WHERE sex = 'F' AND income > 15", {}, frozenset({"p5"})),
    ("SELECT count(*) FROM population WHERE sex = 'M' OR income > 15", {}, frozenset({"p4", "p5", "p7"})),
    ("SELECT count(*) FROM population WHERE NOT sex = 'F'", {}, frozenset({"p4", "p7"})),
    ("SELECT count(*) FROM population WHERE birth_date BETWEEN '1980-01-01' AND DATE '1995-01-01'", {},
     frozenset({"p1", "p3"})),
    ("SELECT count(*) FROM population WHERE income IS NULL", {}, frozenset({"p3"})),
    ("SELECT count(*) FROM population WHERE municipality IN ('m1', 'm9')", {}, frozenset({"p1", "p7"})),
    ("SELECT count(*) FROM population WHERE sex = $sex", {"sex": "F"}, WOMEN),
    ("SELECT count(*) FROM population WHERE income > $n", {"n": 15}, frozenset({"p5"})),
    ("SELECT year(birth_date), income::VARCHAR FROM population WHERE sex = 'F'", {}, WOMEN),
    ("SELECT count(*) FROM (SELECT * FROM population WHERE sex = 'F') WHERE income > 15", {}, WOMEN),
    ("SELECT 1 FROM municipalities WHERE code IN (SELECT municipality FROM population WHERE sex = 'F')", {},
     WOMEN),
    ("SELECT 1 FROM population p, incomes i WHERE p.person_id = i.person_id AND year = 2021 AND sex = 'F'",
     {}, WOMEN | {"p1", "p3", "p5"}),
    # whatever could fail on a row that a condition drops, or needs a row that it drops: the whole mask
    ("SELECT count(*) FROM population WHERE sex = 'F' AND note::INTEGER IS NULL OR FALSE", {}, POPULATION),
    ("SELECT count(*) FROM population WHERE sex = 'F' AND income + 1 > 5", {}, POPULATION),
    ("SELECT sex FROM population WHERE sex = 'F' GROUP BY sex HAVING sum(income + 1) > 0", {}, POPULATION),
    ("SELECT count(*) FROM population WHERE sex = 'F' AND income = '10'", {}, POPULATION),
    ("SELECT count(*) FROM population WHERE sex = 'F' AND (income IS TRUE OR FALSE)", {}, POPULATION),
    ("SELECT count(*) FROM population WHERE sex = 'F' AND (income = 10) IS TRUE", {}, WOMEN),
    ("SELECT x FROM (SELECT TRY_CAST(note AS INT) AS x FROM population WHERE sex = 'F') WHERE x > 1", {},
     POPULATION),
    ("SELECT 1 FROM municipalities LEFT JOIN population ON code = municipality WHERE sex = 'F'", {},
     POPULATION),
    ("SELECT 1 FROM population WHERE upper(sex) = 'F'", {}, POPULATION),
    ("SELECT 1 FROM population WHERE income > (SELECT 3)", {}, POPULATION),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "params", "touched"), TOUCHED)
def test_touched(sql: str, params: dict[str, Any], touched: frozenset[str]) -> None:
    people = default_people()
    rows = [row if row[5] != "a%b" else (*row[:5], "7") for row in people.population]
    people.population[:] = [row if row[5] in (None, "7", "12") else (*row[:5], "3") for row in rows]
    assert ask(people, sql, params).touched == touched


def test_without_its_value_a_parameter_narrows_nothing() -> None:
    assert (
        ask(default_people(), "SELECT count(*) FROM population WHERE income > $n", {"n": "15"}).touched
        == POPULATION
    )


RELEASED = [
    ("SELECT sex FROM population", POPULATION),
    ("SELECT sex FROM population WHERE income > 15", frozenset({"p5"})),
    ("SELECT count(*) FROM population", frozenset()),
    ("SELECT count(*) FROM population WHERE person_id = 'p1'", frozenset({"p1"})),
    ("SELECT municipality, sum(income) FROM population GROUP BY 1", frozenset({"p1", "p5", "p7"})),
    ("SELECT DISTINCT municipality FROM population", frozenset({"p1", "p5", "p7"})),
    ("SELECT person_id, sum(income) FROM incomes GROUP BY person_id", EARNERS),
    ("SELECT sum(income) FROM population UNION ALL SELECT income FROM incomes WHERE year = 2021",
     frozenset({"p1", "p3", "p5"})),
    ("SELECT sex FROM population SEMI JOIN municipalities ON code = municipality WHERE sex = 'F'", WOMEN),
    ("SELECT sex FROM population WHERE sex = 'F' AND municipality IN (SELECT code FROM municipalities)",
     WOMEN),
    ("SELECT person_id, (SELECT max(name) FROM municipalities) FROM population WHERE sex = 'F'", WOMEN),
    ("SELECT i.year FROM population p LEFT JOIN incomes i ON i.person_id = p.person_id AND i.year = 2020",
     POPULATION),
    ("WITH q AS (SELECT * FROM population) SELECT sex FROM q WHERE income = 20", frozenset({"p5"})),
    ("SELECT income FROM population ORDER BY income DESC LIMIT 1", frozenset({"p5"})),
    ("SELECT person_id FROM population QUALIFY rank() OVER (ORDER BY income) = 1", frozenset({"p4"})),
]  # fmt: skip
UNTRACED = [
    "SELECT name FROM municipalities WHERE code IN (SELECT municipality FROM population)",
    "SELECT sex FROM population SEMI JOIN incomes USING (person_id)",
    "SELECT name FROM municipalities ANTI JOIN population ON code = municipality",
    "SELECT name FROM municipalities SEMI JOIN (SELECT * FROM population) p ON code = p.municipality",
    "WITH q AS (SELECT * FROM population) SELECT name FROM municipalities SEMI JOIN q ON code = municipality",
    "SELECT name FROM municipalities WHERE EXISTS (SELECT 1 FROM population WHERE income > 10)",
    "SELECT x FROM range(100) t(x) WHERE x = (SELECT max(income) FROM population)",
    "SELECT x FROM range(100) t(x) JOIN municipalities ON x = (SELECT max(income) FROM population)",
    "SELECT x FROM (VALUES ((SELECT max(income) FROM population))) t(x)",
    "SELECT x FROM unnest((SELECT list(income ORDER BY income) FROM population)) t(x)",
    "SELECT sex FROM population GROUP BY sex HAVING sex = (SELECT max(sex) FROM population)",
    "SELECT code FROM municipalities ORDER BY (SELECT max(income) FROM population) LIMIT 1",
    "SELECT sum(income) OVER () FROM population",
    "SELECT max(income) FILTER (WHERE person_id = 'p5') OVER () FROM population",
    "SELECT person_id FROM population QUALIFY count(*) OVER (PARTITION BY income) > 1",
    "SELECT m FROM (SELECT sex, max(income) OVER () AS m FROM population) WHERE sex = 'F'",
    "SELECT sex FROM population UNION SELECT name FROM municipalities",
    "SELECT person_id FROM population EXCEPT SELECT person_id FROM incomes",
    "SELECT name, (SELECT max(income) FROM population WHERE municipality = code) FROM municipalities",
    "SELECT lag(income) OVER (ORDER BY person_id) FROM population",
    "SELECT list(income ORDER BY income) FROM population",
    "SELECT sum(income) OVER (ORDER BY person_id ROWS BETWEEN 1 PRECEDING AND 1 PRECEDING) FROM population",
    "SELECT * FROM (SELECT sex FROM population INTERSECT SELECT 'F')",
]


@pytest.mark.parametrize(("sql", "released"), RELEASED)
def test_released(sql: str, released: frozenset[str]) -> None:
    answer = ask(default_people(), sql)
    assert answer.rewritten.exact
    assert answer.released == released


@pytest.mark.parametrize("sql", UNTRACED)
def test_where_rows_lose_their_trace_all_touched_count_as_released(sql: str) -> None:
    answer = ask(default_people(), sql)
    assert not answer.rewritten.exact
    assert not answer.rewritten.hidden
    assert answer.released == answer.touched


def test_values_that_may_not_be_seen_are_not_evaluated() -> None:
    """The notes of those who refused are poison for the cast; the notes of the others are not."""
    people = default_people()
    people.population[:] = [
        (*row[:5], "poison" if row[0] in people.refused else "12") for row in people.population
    ]
    for sql in (
        "SELECT count(*) FROM population WHERE note::INTEGER = 12",
        "SELECT sum(note::INTEGER) FROM population",
        "SELECT 1 FROM population p JOIN incomes i ON p.note::INTEGER > i.year",
        "SELECT note::INTEGER FROM population ORDER BY 1",
        "WITH q AS (SELECT note::INTEGER AS n FROM population) SELECT n FROM q WHERE n > 1",
    ):
        assert same(ask(people, sql).rows, reference(people, sql))


DETERMINED = [
    "SELECT sex, municipality FROM population ORDER BY sex LIMIT 2",
    "SELECT income FROM population LIMIT 3 OFFSET 1",
    "SELECT sum(income) FROM (SELECT income FROM population LIMIT 2)",
    "SELECT person_id, row_number() OVER (ORDER BY sex) FROM population",
    "SELECT sex, lag(income) OVER (ORDER BY sex), first_value(note) OVER (ORDER BY sex) FROM population",
    "SELECT sum(income) OVER (ORDER BY sex ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM population",
    "SELECT sex, row_number() OVER (ORDER BY count(*)) FROM population GROUP BY sex",
    "SELECT DISTINCT sex, municipality FROM population ORDER BY 1 LIMIT 2",
    "SELECT list(income ORDER BY income) FROM population",
    "(SELECT sex FROM population LIMIT 2) UNION ALL (SELECT sex FROM population LIMIT 1)",
]


@pytest.mark.parametrize("sql", DETERMINED)
def test_the_order_of_storage_changes_no_answer(sql: str) -> None:
    first = ask(default_people(), sql)
    for seed in range(5):
        people = default_people()
        random.Random(seed).shuffle(people.population)
        again = ask(people, sql)
        assert same(again.rows, first.rows)
        assert again.released == first.released


def test_pseudonymous_rows_come_in_the_order_of_what_leaves() -> None:
    people = default_people()
    random.Random(3).shuffle(people.population)
    rows = ask(people, "SELECT person_id, sex FROM population", pseudonymous=True).rows
    assert rows == sorted(rows)


def test_columns_keep_their_names() -> None:
    sql = "SELECT PERSON_ID, p.sex, count(*), sum(income) AS total, year(birth_date) FROM population p"
    sql += " GROUP BY ALL"
    assert ask(default_people(), sql).names == [
        "person_id",
        "sex",
        "count_star()",
        "total",
        "year(birth_date)",
    ]
    assert ask(default_people(), "SELECT sex, sex FROM population").names == ["sex", "sex"]


def test_reads_name_every_column_wherever_it_stands() -> None:
    from .world import understand

    sql = (
        "SELECT sum(p.income) OVER (PARTITION BY sex ORDER BY birth_date) FROM population p"
        " JOIN municipalities ON code = municipality"
        " WHERE list_contains(list_transform([1], lambda x: x + length(note)), 2)"
        " AND EXISTS (SELECT 1 FROM incomes i WHERE i.person_id = p.person_id ORDER BY year) ORDER BY region"
    )
    reads = understand(sql).reads
    assert reads["population"] == {"income", "sex", "birth_date", "municipality", "note", "person_id"}
    assert reads["incomes"] == {"person_id", "year"}
    assert reads["municipalities"] == {"code", "region"}
    assert understand("SELECT count(*) FROM population").reads == {"population": frozenset()}
    assert understand("SELECT * EXCLUDE (note) FROM population").reads["population"] == frozenset(
        {"person_id", "sex", "birth_date", "municipality", "income"}
    )


@pytest.mark.parametrize(
    ("sql", "totals"),
    [
        ("SELECT DISTINCT sex FROM population", True),
        ("SELECT * FROM (SELECT DISTINCT sex FROM population)", True),
        ("SELECT count(*) FROM population", True),
        ("SELECT sex FROM population", False),
    ],
)
def test_what_takes_people_together_is_a_total(sql: str, totals: bool) -> None:
    assert understand(sql).totals is totals


def test_names_used_many_times_are_looked_at_once() -> None:
    steps = ["c0 AS (SELECT person_id FROM population)"]
    steps += [f"c{n} AS (SELECT * FROM c{n - 1} UNION ALL SELECT * FROM c{n - 1})" for n in range(1, 5)]
    answer = ask(default_people(), f"WITH {', '.join(steps)} SELECT * FROM c4")
    assert answer.rewritten.exact
    assert answer.released == POPULATION
    assert len(answer.rows) == 16 * len(POPULATION)


PRESENT = [kept for width in (2, 3) for kept in itertools.product((True, False), repeat=width)]


@pytest.mark.parametrize("present", PRESENT)
def test_everybody_in_a_row_is_touched_also_where_a_column_holds_nobody(present: tuple[bool, ...]) -> None:
    """A table about two or three people a row; a subject column may be NULL throughout."""
    names = tuple(f"__subject_{number}" for number in range(len(present)))
    governed = {"pairs": Governed("pairs@1", {"x": '"x"'}, "__mask", names)}
    plan = rewrite(
        resolve(parse("SELECT x FROM pairs"), {"pairs": Shape("pairs", {"x": ColumnShape("BIGINT")})}),
        governed,
        pseudonymous=False,
    )
    connection = duckdb.connect(config={"threads": "1"})
    columns = ", ".join(
        f"{f'i * 8 + {number}' if there else 'NULL'}::UINTEGER AS {name}"
        for number, (name, there) in enumerate(zip(names, present, strict=True))
    )
    connection.execute(
        f'CREATE TABLE "pairs@1" AS SELECT i AS x, {columns}, i < 3 AS __mask FROM range(4) t(i)'
    )
    [(bits,)] = connection.execute(plan.touches[0].sql, {SIZE: 64}).fetchall()
    found = {n for n in range(64) if bits and bits[n >> 3] & (0x80 >> (n & 7))}
    assert found == {8 * i + n for i in range(3) for n, there in enumerate(present) if there}
