"""Names are compared as the engine compares them (A to Z only), and none that was written is left to it."""

from __future__ import annotations

import sys
from typing import Any

import duckdb
import pytest
from sqlglot import exp

from publica.gateway.model import ColumnShape, Governed, Outside, Shape, fold
from publica.gateway.parse import parse
from publica.gateway.resolve import resolve
from publica.gateway.rewrite import check_placed, rewrite

from .world import GOVERNED, ask, default_people, refusal, understand

ODD = [
    letter
    for letter in map(chr, range(128, sys.maxunicode + 1))
    if letter.lower() != letter or letter.casefold() != letter or letter.upper() != letter
    if any(part.isascii() for form in (letter.lower(), letter.upper(), letter.casefold()) for part in form)
]
"""Every letter that some folding of Unicode takes to ASCII: the Kelvin sign, long s, dotted I, ligatures …"""

CASED = [letter for letter in map(chr, range(128, 0x600)) if letter.lower() != letter][::7]
PAIRS = [
    (letter, next(part for form in (letter.lower(), letter.upper(), letter.casefold())
                  for part in [form] if any(c.isascii() for c in part)))
    for letter in ODD
] + [(letter, letter.lower()) for letter in CASED]  # fmt: skip


def code(sql: str, shapes: dict[str, Shape], governed: dict[str, Governed]) -> str | None:
    try:
        rewrite(resolve(parse(sql), shapes), governed, pseudonymous=False)
    except Outside as outside:
        return outside.clause.reason
    return None


def test_the_odd_letters_are_there() -> None:
    assert {"\u212a", "ſ", "İ", "ı", "ﬁ", "ß"} <= {*ODD, "ı"}


@pytest.mark.parametrize(("odd", "plain"), PAIRS)
def test_a_name_that_only_unicode_takes_for_another_is_another(odd: str, plain: str) -> None:
    one, other = f"a{odd}b", f"a{plain}b"
    assert refusal(f'WITH "{one}"(x) AS (SELECT 1) SELECT x FROM "{other}"') == "sql-unknown-table"
    assert refusal(f'SELECT "{other}" FROM (SELECT 1 AS "{one}") AS q') == "sql-unknown-column"
    assert refusal(f'SELECT "{other}".x FROM (SELECT 1 AS x) AS "{one}"') == "sql-unknown-column"
    assert refusal(f'SELECT * EXCLUDE ("{other}") FROM (SELECT 1 AS "{one}") q') == "sql-unknown-column"
    assert refusal(
        f'SELECT 1 FROM (SELECT 1 AS "{one}") p JOIN (SELECT 1 AS "{other}") q USING ("{one}")'
    ) == ("sql-unknown-column")
    shapes = {one: Shape(one, {one: ColumnShape("BIGINT")})}
    governed = {one: Governed("t", {one: f'"{one}"'})}
    assert code(f'SELECT * FROM "{other}"', shapes, governed) == "sql-unknown-table"
    assert code(f'SELECT "{other}" FROM "{one}"', shapes, governed) == "sql-unknown-column"
    assert code(f'SELECT "{one}" FROM "{one}"', shapes, governed) is None


def test_the_engine_folds_no_other_letters() -> None:
    connection = duckdb.connect(config={"threads": "1"})
    for odd, plain in PAIRS:
        sql = f'SELECT q."a{odd}b", q."a{plain}b" FROM (SELECT 1 AS "a{odd}b", 2 AS "a{plain}b") AS q'
        assert connection.execute(sql).fetchall() == [(1, 2)]
    assert fold("ABCXYZ_İK\u212aſ") == "abcxyz_İk\u212aſ"


@pytest.mark.parametrize(
    "sql",
    [
        'WITH "ban\u212a@1"(x) AS (SELECT 1) SELECT r.* FROM "bank@1" r',
        'WITH "duc\u212adb_tables"(x) AS (SELECT 1) SELECT * FROM "duckdb_tables"',
        'WITH "populatıon@1"(x) AS (SELECT 1) SELECT * FROM "population@1"',
    ],
)
def test_the_working_copy_and_the_catalogue_are_out_of_reach(sql: str) -> None:
    assert refusal(sql) == "sql-unknown-table"


@pytest.mark.parametrize(
    "sql",
    [
        'WITH "population@1" AS (SELECT 1 AS x) SELECT * FROM "POPULATION@1"',
        "WITH population AS (SELECT sex FROM population) SELECT * FROM population p(s)",
        "WITH a AS (SELECT 1 AS x), b AS (WITH a AS (SELECT 2 AS x) SELECT * FROM a) SELECT * FROM a, b",
        "SELECT (WITH q AS (SELECT 1 AS x) SELECT x FROM q)",
    ],
)
def test_no_name_of_with_is_written_out(sql: str) -> None:
    plan = rewrite(understand(sql), GOVERNED, pseudonymous=False)
    written = {table.name for table in plan.tree.find_all(exp.Table)}
    assert written <= {"population@1", *(f"__c{n}" for n in range(3))}
    assert {cte.alias for cte in plan.tree.find_all(exp.CTE)} <= {f"__c{n}" for n in range(3)}
    assert all(t.text("db") == "main" for t in plan.tree.find_all(exp.Table) if t.name == "population@1")
    assert ask(default_people(), sql).rows


@pytest.mark.parametrize("sql", ["SELECT 1 FROM x", 'SELECT 1 FROM main."population@1"', "FROM c.main.t",
                                 "SELECT (SELECT 1 FROM read_csv('x'))"])  # fmt: skip
def test_a_table_of_nobody_is_refused_at_the_end_too(sql: str) -> None:
    tree: Any = __import__("sqlglot").parse_one(sql, dialect="duckdb")
    with pytest.raises(Outside) as caught:
        check_placed(tree, {"__c0"}, {"population@1"})
    assert caught.value.clause.reason == "sql-unknown-table"


def test_parameters_that_are_one_to_the_engine_are_refused() -> None:
    assert refusal("SELECT 1 FROM population WHERE sex = $a OR sex = $A") == "sql-ambiguous-column"
