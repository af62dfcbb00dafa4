"""A small world for the SQL surface: three tables in DuckDB, masks made by hand, and the slow reference."""

from __future__ import annotations

import atexit
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import duckdb

from publica.gateway.meaning import check_meaning
from publica.gateway.model import SIZE, ColumnShape, Governed, Outside, Resolved, Rewritten, Shape
from publica.gateway.parse import parse
from publica.gateway.resolve import resolve
from publica.gateway.rewrite import rewrite

EXAMPLES = int(os.environ.get("PUBLICA_EXAMPLES", "100"))
SIZE_OF_WORLD = 4096
KEY = ColumnShape("VARCHAR", role="subject key", concept="person")

SHAPES = {
    "population": Shape(
        "population",
        {
            "person_id": KEY,
            "sex": ColumnShape("VARCHAR"),
            "birth_date": ColumnShape("DATE"),
            "municipality": ColumnShape("VARCHAR", concept="municipality"),
            "income": ColumnShape("BIGINT"),
            "note": ColumnShape("VARCHAR"),
        },
    ),
    "incomes": Shape(
        "incomes",
        {"person_id": KEY, "year": ColumnShape("INTEGER"), "income": ColumnShape("BIGINT")},
    ),
    "municipalities": Shape(
        "municipalities",
        {
            "code": ColumnShape("VARCHAR", concept="municipality"),
            "name": ColumnShape("VARCHAR"),
            "region": ColumnShape("VARCHAR"),
        },
    ),
}
SUBJECTS = {"population": ("__subject_person_id",), "incomes": ("__subject_person_id",), "municipalities": ()}
GOVERNED = {
    dataset: Governed(
        table=f"{dataset}@1",
        columns={column: f'"{column}"' for column in shape.columns},
        mask="__mask" if SUBJECTS[dataset] else None,
        subjects=SUBJECTS[dataset],
    )
    for dataset, shape in SHAPES.items()
}


@dataclass
class People:
    """Rows of the three tables, and which persons refused. A person's position is its index."""

    population: list[tuple[Any, ...]]
    incomes: list[tuple[Any, ...]]
    municipalities: list[tuple[Any, ...]]
    refused: frozenset[str] = frozenset()
    ids: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ids = sorted({row[0] for row in (*self.population, *self.incomes) if row[0] is not None})

    def without(self, gone: Iterable[str]) -> People:
        """The same world in which some people never were; positions stay."""
        left = set(gone)
        world = People(
            [row for row in self.population if row[0] not in left],
            [row for row in self.incomes if row[0] not in left],
            self.municipalities,
            self.refused - left,
        )
        world.ids = self.ids
        return world


def default_people() -> People:
    population = [
        ("p1", "F", date(1980, 1, 5), "m1", 10, "a%b"),
        ("p2", "M", date(1975, 12, 31), "m1", 20, "12"),
        ("p3", "F", date(1990, 2, 28), "m2", None, None),
        ("p4", "M", None, "m2", -5, "x"),
        ("p5", "F", date(2001, 7, 7), "m3", 20, "O'Neil"),
        ("p6", None, date(1980, 1, 5), None, 70, ""),
        ("p7", "M", date(1955, 3, 3), "m9", 0, "zażółć"),
    ]
    incomes = [
        (person, year, amount)
        for person, year, amount in (
            ("p1", 2020, 11), ("p1", 2021, 12), ("p2", 2020, 21), ("p2", 2021, None), ("p3", 2021, 33),
            ("p5", 2020, 50), ("p5", 2021, 51), ("p6", 2020, 60), ("p8", 2020, 80), (None, 2020, 1),
        )
    ]  # fmt: skip
    municipalities = [("m1", "Aa", "north"), ("m2", "Bb", "north"), ("m3", "Cc", "south"), ("m4", "Dd", None)]
    return People(population, incomes, municipalities, frozenset({"p2", "p6"}))


ENGINES = {governed: duckdb.connect(config={"threads": "1"}) for governed in (False, True)}


@atexit.register
def _close() -> None:
    while ENGINES:
        ENGINES.popitem()[1].close()


TYPES = {
    dataset: ", ".join(f'"{name}" {column.type}' for name, column in shape.columns.items())
    for dataset, shape in SHAPES.items()
}


def plain(people: People) -> duckdb.DuckDBPyConnection:
    """Plain DuckDB, single-threaded, over copies from which people who refused were deleted."""
    return _load(people.without(people.refused), governed=False)


def engine(people: People) -> duckdb.DuckDBPyConnection:
    """DuckDB with hidden subject columns and stored masks, everybody's rows in it."""
    return _load(people, governed=True)


def _load(people: People, *, governed: bool) -> duckdb.DuckDBPyConnection:
    connection = ENGINES[governed]
    for dataset in SHAPES:
        rows = list(getattr(people, dataset))
        table, columns = (f'"{dataset}@1"', TYPES[dataset]) if governed else (dataset, TYPES[dataset])
        if governed and SUBJECTS[dataset]:
            columns += ", __subject_person_id UINTEGER, __mask BOOLEAN"
            positions = {person: position for position, person in enumerate(people.ids)}
            rows = [
                (*row, positions.get(row[0]), row[0] is not None and row[0] not in people.refused)
                for row in rows
            ]
        elif SUBJECTS[dataset]:
            rows = [row for row in rows if row[0] is not None]
        connection.execute(f"CREATE OR REPLACE TABLE {table} ({columns})")
        if rows:
            marks = ", ".join("(" + ", ".join("?" * len(rows[0])) + ")" for _ in rows)
            connection.execute(
                f"INSERT INTO {table} VALUES {marks}", [value for row in rows for value in row]
            )
    return connection


@dataclass(frozen=True)
class Answered:
    """An answer of the governed statement: visible rows, and who was released and touched."""

    rows: list[tuple[Any, ...]]
    names: list[str]
    released: frozenset[str]
    touched: frozenset[str]
    rewritten: Rewritten


def understand(sql: str, shapes: Mapping[str, Shape] = SHAPES) -> Resolved:
    resolved = resolve(parse(sql), shapes)
    check_meaning(resolved, shapes)
    return resolved


def refusal(sql: str, *, pseudonymous: bool = False) -> str | None:
    """The code that a statement is refused with."""
    try:
        rewrite(understand(sql), GOVERNED, pseudonymous=pseudonymous)
    except Outside as outside:
        return outside.clause.reason
    return None


def ask(people: People, sql: str, params: Mapping[str, Any] | None = None, **options: Any) -> Answered:
    """The governed answer, with its accounts."""
    given = dict(params or {})
    plan = rewrite(understand(sql), GOVERNED, params=given, **{"pseudonymous": False, **options})
    connection = engine(people)
    cursor = connection.execute(plan.sql, {name: given[name] for name in plan.parameters})
    names = [column[0] for column in cursor.description]
    rows = cursor.fetchall()
    visible = len(plan.columns)
    assert names[visible:] == list(plan.hidden)
    left = {people.ids[p] for row in rows for p in row[visible:] if p is not None}
    looked: set[str] = set()
    for touch in plan.touches:
        values = {SIZE: SIZE_OF_WORLD, **{name: given[name] for name in touch.parameters}}
        bits = connection.execute(touch.sql, values).fetchall()[0][0] or b""
        looked |= {person for p, person in enumerate(people.ids) if bits and bits[p >> 3] & (0x80 >> (p & 7))}
    released = left if plan.exact else looked
    return Answered(
        [row[:visible] for row in rows], names[:visible], frozenset(released), frozenset(looked), plan
    )


def reference(people: People, sql: str, params: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """The statement as it was written, over copies from which what may not be seen was deleted."""
    return plain(people).execute(sql, dict(params or {})).fetchall()


def same(left: Sequence[tuple[Any, ...]], right: Sequence[tuple[Any, ...]], *, ordered: bool = False) -> bool:
    """Equal as bags (or lists) of rows; floats to 1e-9."""
    if len(left) != len(right):
        return False
    one, other = (list(left), list(right)) if ordered else (sorted(left, key=_key), sorted(right, key=_key))
    return all(_close(a, b) for a, b in zip(one, other, strict=True))


def _key(row: tuple[Any, ...]) -> str:
    return repr([round(value, 6) if isinstance(value, float) else value for value in row])


def _close(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9) or (
            math.isnan(left) and math.isnan(right)
        )
    if isinstance(left, (tuple, list)) and isinstance(right, (tuple, list)):
        return len(left) == len(right) and all(_close(a, b) for a, b in zip(left, right, strict=True))
    return type(left) is type(right) and bool(left == right)
