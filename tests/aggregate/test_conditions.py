"""Conditions on people cannot fail on any value: each expression that is let through, on the worst values.

One that fails for somebody, or takes long, tells that they are there; whoever asks sees the error at once.
"""

# ruff: noqa: E501 (a table stays on its lines)
from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import pytest

from publica.gateway.aggregate.conditions import LONGEST, WEIGHT, Conditions
from publica.gateway.aggregate.form import _spelt
from publica.gateway.aggregate.frames import Frame, People
from publica.gateway.aggregate.model import Leaf
from publica.gateway.aggregate.outer import _condition
from publica.gateway.model import ColumnShape, Outside
from publica.gateway.parse import parse

from . import support
from .support import refusal

# fmt: off
TYPES = {
    "t": "VARCHAR",
    "u": "VARCHAR",
    "n": "BIGINT",
    "m": "BIGINT",
    "f": "DOUBLE",
    "c": "DECIMAL(18,2)",
    "e": "DECIMAL(18,18)",
    "w": "DECIMAL(38,2)",
    "d": "DATE",
    "s": "TIMESTAMP",
    "b": "BOOLEAN",
}
WORST: dict[str, tuple[str, ...]] = {
    "VARCHAR": ("''", "'x'", "'１'", "'%\\'", "'1e999'", "chr(0) || 'é'", "repeat('a', 5000)", "'infinity'"),
    "BIGINT": ("9223372036854775807", "-9223372036854775808", "0", "-1"),
    "DOUBLE": ("'nan'", "'inf'", "'-inf'", "1e308", "-0.0", "5e-324"),
    "DECIMAL(18,2)": ("9999999999999999.99", "-9999999999999999.99", "0"),
    "DECIMAL(18,18)": ("0.999999999999999999", "-0.999999999999999999"),
    "DECIMAL(38,2)": ("999999999999999999999999999999999999.99",),
    "DATE": ("'infinity'", "'-infinity'", "'5877642-06-25 (BC)'", "'5881580-07-10'", "'2024-02-29'"),
    "TIMESTAMP": ("'infinity'", "'-infinity'", "'290309-12-22 (BC) 00:00:00'", "'294247-01-10 04:00:54.775806'"),
    "BOOLEAN": ("true", "false"),
}
PARAMS: dict[str, Any] = {
    "nothing": None,
    "true": True,
    "whole": 1950,
    "huge": 10**18,
    "float": 1e300,
    "nan": float("nan"),
    "inf": float("inf"),
    "decimal": Decimal("20000.5"),
    "thin": Decimal("1E-30"),
    "wide": Decimal("1E+30"),
    "no_number": Decimal("NaN"),
    "day": date(1, 1, 1),
    "time": datetime(9999, 12, 31, 23, 59, 59),
    "zoned": datetime(2024, 1, 1, tzinfo=UTC),
    "text": "x",
    "digits": "２００００",
    "date_text": "2024-01-01",
    "long": "a" * (LONGEST + 1),
    "bytes": b"x",
}
CONSTANTS = (
    *("NULL", "TRUE", "FALSE", "0", "1", "-1", "1.5", "1e300", "-1e300", "1e400", "0.00000000000001"),
    *("999999999999999", "99999999999999999999", "0.000000000000000000000000000001", "'x'", "''", "'%\\'"),
    *("'1'", "'2024-02-29'", "'2023-02-29'", "'2024-W01-1'", "'infinity'", "'2024-01-01 25:00'"),
    *("DATE '2024-02-29'", "DATE '2023-02-29'", "CAST('x' AS BOOLEAN)", "CAST('x' AS INTEGER)", "-CAST('x' AS INT)"),
    *("CAST(300 AS TINYINT)", "TRY_CAST('x' AS DATE)", "TIMESTAMP '2024-01-01 00:00:00'", "CAST('1e5' AS BIGINT)"),
    *(f"${name}" for name in PARAMS),
    *("-$whole", "-$text", "-$nothing", f"'{'a' * (LONGEST + 1)}'"),
)
FORMS = (
    *("{} = {}", "{} <> {}", "{} < {}", "{} >= {}", "{} IS NOT DISTINCT FROM {}", "{} IS DISTINCT FROM {}"),
    *("{} BETWEEN {} AND {}", "{} IN ({}, {})", "{} NOT IN ({}, {})", "{} IS NULL", "{} IS NOT NULL"),
    *("{} IS TRUE", "{} IS NOT TRUE", "{} IS FALSE", "NOT {}", "{} AND {}", "{} OR {}", "({})"),
    *("{} LIKE {}", "{} NOT ILIKE {}", "{} LIKE {} ESCAPE '!'", "{} SIMILAR TO {}", "starts_with({}, {})"),
    *("contains({}, {})", "suffix({}, {})", "coalesce({}, {})", "ifnull({}, {})", "nullif({}, {})"),
    *("CASE WHEN {} THEN {} ELSE {} END", "CASE WHEN {} THEN {} END", "CASE {} WHEN {} THEN {} END"),
    *("lower({})", "upper({})", "trim({})", "ltrim({}, {})", "length({})", "left({}, {})", "right({}, 2)"),
    *("left({}, 1e99)", "substr({}, 0, 9999)", "substring({}, {}, {})", "substr({}, -1)", "year({})", "month({})"),
    *("day({})", "quarter({})", "week({})", "{} + {}", "{} - {}", "{} * {}", "{} / {}", "{} % {}", "-{}", "{} || {}"),
    *("abs({})", "round({})", "CAST({} AS INTEGER)", "CAST({} AS DATE)", "TRY_CAST({} AS BIGINT)", "{}::VARCHAR"),
    *("greatest({}, {})", "concat({}, {})", "repeat({}, {})", "regexp_matches({}, {})", "strptime({}, {})"),
    *("date_trunc('year', {})", "{} IN (SELECT code FROM municipalities)", "{} = ANY (SELECT {})", "if({}, {}, {})"),
)
LEAVES = {
    "b": ("b", "TRUE", "$true", "NULL"),
    "t": ("t", "u", "'x'", "''", "$text", "NULL", "'１'"),
    "n": ("n", "m", "f", "c", "e", "0", "1e300", "-1.5", "$float", "$nan", "$decimal", "0.00000000000001", "-$whole"),
    "d": ("d", "'2024-02-29'", "$day", "DATE '2024-01-01'"),
    "s": ("s", "'2024-02-29'", "$time"),
}
WELL_FORMED = {
    "b": (
        *("{t} = {t}", "{n} < {n}", "{d} >= {d}", "{s} <> {s}", "{b} = {b}", "{b} AND {b}", "{b} OR {b}", "NOT {b}"),
        *("{b} IS NOT TRUE", "{t} IS NULL", "{t} LIKE 'a%\\'", "{n} BETWEEN {n} AND {n}", "{t} NOT IN ({t}, {t})"),
        *("{n} IN ({n}, {n})", "{d} IN ({d}, {d})", "suffix({t}, {t})", "{d} IS NOT DISTINCT FROM {d}", "({b}) = ({b})"),
    ),
    "t": (
        *("lower({t})", "left({t}, 2)", "substr({t}, 0, 9999)", "trim({t})", "coalesce({t}, {t})", "nullif({t}, {t})"),
        *("CASE WHEN {b} THEN {t} ELSE {t} END", "upper({t})"),
    ),
    "n": (
        *("length({t})", "year({d})", "month({s})", "quarter({d})", "day({s})", "coalesce({n}, {n})"),
        *("nullif({n}, {n})", "CASE WHEN {b} THEN {n} ELSE {n} END"),
    ),
    "d": ("coalesce({d}, {d})", "CASE WHEN {b} THEN {d} ELSE {d} END", "nullif({d}, {d})"),
    "s": ("coalesce({s}, {s})", "CASE WHEN {b} THEN {s} END"),
}
# fmt: on
PEOPLE = cast(
    People, SimpleNamespace(leaf=lambda column, frame: Leaf(0, column.name) if column.name in TYPES else None)
)
FRAME = cast(Frame, None)


def admitted(text: str) -> str | None:
    """The SQL of a condition as a core runs it; None where it is refused."""
    try:
        where = parse(f"SELECT 1 FROM people WHERE {text}").args["where"].this
        shape = lambda leaf: ColumnShape(TYPES[leaf.column], part="dimension")  # noqa: E731
        return _condition(Conditions(PEOPLE, FRAME, shape, PARAMS).rewritten(where))
    except Outside:
        return None


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    """Every worst value of every type, and none, beside those of the others."""
    with duckdb.connect(config={"threads": "1"}) as connection:
        columns = ", ".join(f"{name} {sql_type}" for name, sql_type in TYPES.items())
        connection.execute(f"CREATE TABLE nobody ({columns})")
        connection.execute(f"CREATE TABLE worst ({columns})")
        for row in range(40):
            values = []
            for number, sql_type in enumerate(TYPES.values()):
                known = (*WORST[sql_type], "NULL")
                values.append(f"CAST({known[(row + number * (row // 9)) % len(known)]} AS {sql_type})")
            connection.execute(f"INSERT INTO worst VALUES ({', '.join(values)})")
        yield connection


def fails(engine: duckdb.DuckDBPyConnection, table: str, condition: str) -> str:
    """The error of a condition over the rows of a table."""
    given = {name: PARAMS[name] for name in re.findall(r"\$(\w+)", condition)}
    try:
        engine.execute(f"SELECT count(*) FROM {table} AS __m0 WHERE {condition}", given).fetchall()
    except duckdb.Error as error:
        return str(error).replace(f"FROM {table} AS", "").rstrip("^ \n")
    return ""


def expression(draw: random.Random, kind: str, depth: int) -> str:
    """An expression of a kind, over columns and constants."""
    forms = WELL_FORMED[kind]
    if depth == 0 or not forms:
        return draw.choice(LEAVES[kind])
    return re.sub(r"\{(.)\}", lambda found: expression(draw, found[1], depth - 1), draw.choice(forms))


def every_one() -> Iterator[str]:
    """Each form over each kind of value beside some constants (all of them with =), and nested ones."""
    draw = random.Random(0)
    for form in FORMS:
        for column in TYPES:
            others = CONSTANTS if form == "{} = {}" else draw.sample(CONSTANTS, 3)
            for other in (*others, *draw.sample(list(TYPES), 2)):
                yield form.format(column, *([other] * (form.count("{}") - 1)))
    for _ in range(1_000):
        yield expression(draw, "b", draw.choice((2, 3, 4)))


def test_nothing_that_is_let_through_can_fail(engine: duckdb.DuckDBPyConnection) -> None:
    """Where the engine does not understand it at all, it fails without a row just so."""
    seen = dict.fromkeys(condition for text in every_one() if (condition := admitted(text)))
    wrong = {
        c: told for c in seen if (told := fails(engine, "worst", c)) and told != fails(engine, "nobody", c)
    }
    assert len(seen) > 700
    assert not wrong


def test_the_worst_values_do_make_other_expressions_fail(engine: duckdb.DuckDBPyConnection) -> None:
    for text in (
        "t IS TRUE",
        "n = 1E-30::DECIMAL(38,30)",
        "n + m > 0",
        "CAST(t AS INTEGER) = 1",
        "d = t",
        "n = t",
    ):
        assert fails(engine, "worst", text.replace("IS TRUE", "::BOOLEAN")), text
        assert not fails(engine, "nobody", text), text
        assert admitted(text) is None, text


# fmt: off
REFUSED = (
    *("t IS TRUE", "n IS NOT FALSE", "d IS TRUE", "coalesce(t, 'x') IS TRUE", "n = $thin", "c = $thin", "s = $zoned"),
    *("d = '2024-W01-1'", "d = '2023-02-29'", "left(t, 1e99) = 'x'", "t = $long", "t LIKE u", "t LIKE '%!' ESCAPE '!'"),
    *("t IN (SELECT 'x')", "EXISTS (SELECT 1)", "t = ANY (SELECT 'x')", "n = t", "n = '1'", "d = $date_text", "b = 1"),
)
ADMITTED = (
    *("t = 'x'", "n = 1950.0", "n BETWEEN 1950 AND $whole", "lower(t) LIKE '%x%'", "d >= '2024-02-29'", "d = $day"),
    *("b", "NOT b", "(n = 1) IS NOT TRUE", "left(t, 2) = 'ab'", "coalesce(t, 'x') = u", "t = $nothing", "s < $time"),
    *("CASE WHEN b THEN n ELSE m END IN (1, 2)", "year(d) = 2024", "w IS NULL", "f < $float", "n = $decimal"),
)
# fmt: on


@pytest.mark.parametrize("text", REFUSED)
def test_what_could_fail_is_refused(text: str) -> None:
    assert admitted(text) is None


@pytest.mark.parametrize("text", ADMITTED)
def test_what_cannot_fail_is_let_through(text: str) -> None:
    assert admitted(text) is not None


def test_conditions_on_people_are_short() -> None:
    """Many of them take longer for somebody who is there than for nobody."""
    many = ", ".join(["lower(municipality)"] * (WEIGHT // 2))
    told = refusal(
        f"SELECT var_pop(income) FROM incomes JOIN population USING (person_id) WHERE '1101' IN ({many})"
    )
    assert told == ("aggregate-form", "conditions on people that are so long")
    listed = ", ".join(f"'{n}'" for n in range(WEIGHT))
    assert support.rows(f"SELECT count(*) FROM population WHERE municipality IN ('1101', {listed})")


@pytest.mark.parametrize(
    ("value", "sql_type", "spelt"),
    [
        *(("1950.0", "BIGINT", "1950"), (1950.0, "BIGINT", "1950"), ("1.95e3", "BIGINT", "1950")),
        *((Decimal("-0.0"), "BIGINT", "0"), ("1950.5", "BIGINT", "1950.5"), ("1e300", "BIGINT", "1E+300")),
        *(
            (float("nan"), "BIGINT", "NaN"),
            (float("-inf"), "DECIMAL(18,2)", "-Infinity"),
            (True, "BOOLEAN", "True"),
        ),
        *(("2", "DECIMAL(12,2)", "2.00"), (Decimal("2.5"), "DECIMAL(12,2)", "2.50"), ("-0", "DOUBLE", "0.0")),
        *(
            ("999999999999999", "DECIMAL(18,18)", "999999999999999.000000000000000000"),
            ("1e-30", "BIGINT", "1E-30"),
        ),
        *(
            ("2", "DOUBLE", "2.0"),
            (Decimal("2.50"), "DOUBLE", "2.5"),
            (None, "BIGINT", "None"),
            ("2", "VARCHAR", "2"),
        ),
        *(("2024-01-01", "DATE", "2024-01-01"), (date(2024, 1, 1), "DATE", "2024-01-01")),
        *(
            ("2024-01-01", "TIMESTAMP", "2024-01-01 00:00:00"),
            (datetime(2024, 1, 1), "TIMESTAMP", "2024-01-01 00:00:00"),
        ),
    ],
)
def test_a_constant_is_spelt_as_the_column_would(value: object, sql_type: str, spelt: str) -> None:
    """The history knows a cell by it, whether it was named or grouped by."""
    assert _spelt(value, sql_type) == spelt
