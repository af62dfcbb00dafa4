"""TPC-H's 22 queries (specification, revision 3; in DuckDB's spelling) over a handful of made-up rows."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from publica.gateway.meaning import check_meaning
from publica.gateway.model import ColumnShape, Governed, Shape
from publica.gateway.parse import parse
from publica.gateway.resolve import resolve
from publica.gateway.rewrite import rewrite

from .world import same

QUERIES = sorted((Path(__file__).parent / "tpch").glob("*.sql"))
CHANCE = random.Random(7)


def one_of(*values: Any) -> Callable[[int], Any]:
    return lambda number: CHANCE.choice(values)


def key(number: int) -> int:
    return number


def some(most: int) -> Callable[[int], Any]:
    return lambda number: CHANCE.randrange(most)


def text(number: int) -> str:
    return f"text {number}"


def day(number: int) -> date:
    return date(1993, 1, 1) + timedelta(days=CHANCE.randrange(1500))


NATIONS = ("FRANCE", "GERMANY", "BRAZIL", "CANADA", "SAUDI ARABIA", "INDIA")
MONEY = some(1000)
TABLES: dict[str, tuple[int, dict[str, tuple[str, Callable[[int], Any]]]]] = {
    "region": (3, {
        "r_regionkey": ("INTEGER", key),
        "r_name": ("VARCHAR", lambda number: ("EUROPE", "ASIA", "AMERICA")[number]),
    }),
    "nation": (6, {
        "n_nationkey": ("INTEGER", key), "n_name": ("VARCHAR", lambda number: NATIONS[number]),
        "n_regionkey": ("INTEGER", some(3)),
    }),
    "supplier": (12, {
        "s_suppkey": ("INTEGER", key), "s_name": ("VARCHAR", text), "s_address": ("VARCHAR", text),
        "s_nationkey": ("INTEGER", some(6)), "s_phone": ("VARCHAR", text),
        "s_acctbal": ("DECIMAL(15,2)", MONEY),
        "s_comment": ("VARCHAR", one_of("good", "Customer had Complaints")),
    }),
    "part": (30, {
        "p_partkey": ("INTEGER", key), "p_name": ("VARCHAR", one_of("forest green", "red", "green")),
        "p_mfgr": ("VARCHAR", text), "p_brand": ("VARCHAR", one_of("Brand#12", "Brand#23", "Brand#34")),
        "p_type": ("VARCHAR", one_of("SMALL BRASS", "PROMO TIN", "ECONOMY ANODIZED STEEL")),
        "p_size": ("INTEGER", one_of(3, 9, 15)),
        "p_container": ("VARCHAR", one_of("MED BOX", "SM BOX", "LG BOX")),
    }),
    "partsupp": (90, {
        "ps_partkey": ("INTEGER", lambda number: number % 30),
        "ps_suppkey": ("INTEGER", lambda n: n * 5 % 12),
        "ps_availqty": ("INTEGER", some(500)), "ps_supplycost": ("DECIMAL(15,2)", MONEY),
    }),
    "customer": (30, {
        "c_custkey": ("INTEGER", key), "c_name": ("VARCHAR", text), "c_address": ("VARCHAR", text),
        "c_nationkey": ("INTEGER", some(6)), "c_phone": ("VARCHAR", one_of("13-1", "31-2", "99-3")),
        "c_acctbal": ("DECIMAL(15,2)", MONEY), "c_mktsegment": ("VARCHAR", one_of("BUILDING", "OTHER")),
        "c_comment": ("VARCHAR", text),
    }),
    "orders": (150, {
        "o_orderkey": ("INTEGER", key), "o_custkey": ("INTEGER", some(20)),
        "o_orderstatus": ("VARCHAR", one_of("F", "O")), "o_totalprice": ("DECIMAL(15,2)", MONEY),
        "o_orderdate": ("DATE", day), "o_orderpriority": ("VARCHAR", one_of("1-URGENT", "2-HIGH", "5-LOW")),
        "o_shippriority": ("INTEGER", some(2)),
        "o_comment": ("VARCHAR", one_of("special little requests", "none")),
    }),
    "lineitem": (600, {
        "l_orderkey": ("INTEGER", some(150)), "l_partkey": ("INTEGER", some(30)),
        "l_suppkey": ("INTEGER", some(12)), "l_quantity": ("DECIMAL(15,2)", one_of(1, 5, 15, 25, 120)),
        "l_extendedprice": ("DECIMAL(15,2)", MONEY),
        "l_discount": ("DECIMAL(15,2)", one_of(0.04, 0.06, 0.07)),
        "l_tax": ("DECIMAL(15,2)", one_of(0.01, 0.02)), "l_returnflag": ("VARCHAR", one_of("R", "A", "N")),
        "l_linestatus": ("VARCHAR", one_of("O", "F")), "l_shipdate": ("DATE", day),
        "l_commitdate": ("DATE", day), "l_receiptdate": ("DATE", day),
        "l_shipinstruct": ("VARCHAR", one_of("DELIVER IN PERSON", "NONE")),
        "l_shipmode": ("VARCHAR", one_of("AIR", "MAIL", "SHIP")),
    }),
}  # fmt: skip
SHAPES = {
    table: Shape(table, {name: ColumnShape(kind) for name, (kind, _) in columns.items()})
    for table, (_, columns) in TABLES.items()
}


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    """Each table twice: as it is, and with hidden subjects and a mask that lets everything pass."""
    connection = duckdb.connect(config={"threads": "1"})
    for table, (count, columns) in TABLES.items():
        rows = [[make(number) for _, make in columns.values()] for number in range(count)]
        types = ", ".join(f"{name} {kind}" for name, (kind, _) in columns.items())
        connection.execute(f"CREATE TABLE {table} ({types})")
        marks = ", ".join("(" + ", ".join("?" * len(columns)) + ")" for _ in rows)
        connection.execute(f"INSERT INTO {table} VALUES {marks}", [value for row in rows for value in row])
        hidden = "(rowid // 2)::UINTEGER AS __subject, TRUE AS __mask"
        connection.execute(f'CREATE TABLE "{table}@1" AS SELECT *, {hidden} FROM {table}')
    return connection


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
@pytest.mark.parametrize("subjects", [(), ("__subject",)], ids=["restricted", "personal"])
def test_all_22_queries_answer_as_plain_duckdb(
    path: Path, subjects: tuple[str, ...], connection: duckdb.DuckDBPyConnection
) -> None:
    sql = path.read_text("utf-8")
    resolved = resolve(parse(sql), SHAPES)
    check_meaning(resolved, SHAPES)
    governed = {
        table: Governed(f"{table}@1", {name: f'"{name}"' for name in columns}, "__mask", subjects)
        for table, (_, columns) in TABLES.items()
    }
    plan = rewrite(resolved, governed, pseudonymous=False)
    visible = len(plan.columns)
    rows = [row[:visible] for row in connection.execute(plan.sql).fetchall()]
    expected = connection.execute(sql).fetchall()
    assert same(rows, expected)
    assert bool(plan.touches) == bool(subjects)


def test_there_are_22() -> None:
    assert [path.stem for path in QUERIES] == [f"{number:02}" for number in range(1, 23)]
