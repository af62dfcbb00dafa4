"""A generator of statements and of small worlds, for the laws of the spine.

`statements()` gives (sql, params) over population, incomes and municipalities, inside the supported surface
and with a determined result (a total order before LIMIT and in windows). `listings()` gives statements that
show the person_id of every personal row that they take, and in which columns.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from hypothesis import strategies as st

from .world import People

PERSONS = [f"p{n}" for n in range(1, 9)]
MUNICIPALITIES = ["m1", "m2", "m3"]
DATES = [date(1955, 3, 3), date(1980, 1, 5), date(1990, 2, 28), date(2001, 7, 7)]
NUMBERS = [-5, 0, 10, 20, 70]
NOTES = ["12", "x", "a%b", ""]
SEXES = ["F", "M"]
VALUES: dict[str, list[Any]] = {
    "person_id": PERSONS,
    "sex": SEXES,
    "birth_date": DATES,
    "municipality": MUNICIPALITIES,
    "code": MUNICIPALITIES,
    "income": NUMBERS,
    "year": [2020, 2021],
    "note": NOTES,
    "name": ["Aa", "Bb"],
    "region": ["north", "south"],
}
COLUMNS = {
    "population": ["person_id", "sex", "birth_date", "municipality", "income", "note"],
    "incomes": ["person_id", "year", "income"],
    "municipalities": ["code", "name", "region"],
}
NUMERIC = {"income", "year"}


def maybe(values: list[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.sampled_from(values), st.none())


@st.composite
def worlds(draw: st.DrawFn) -> People:
    """A few people, some with several rows or none, and some who refused."""
    persons = draw(st.lists(st.sampled_from(PERSONS), min_size=1, max_size=6, unique=True))
    population = [
        (p, *(draw(maybe(VALUES[column])) for column in COLUMNS["population"][1:])) for p in persons
    ]
    earners = draw(st.lists(st.sampled_from(PERSONS), min_size=1, max_size=8))
    incomes = [(p, draw(maybe([2020, 2021])), draw(maybe(NUMBERS))) for p in earners]
    municipalities = [
        (code, draw(maybe(["Aa", "Bb"])), draw(maybe(["north"]))) for code in MUNICIPALITIES[:2]
    ]
    refused = draw(st.frozensets(st.sampled_from(PERSONS), max_size=3))
    return People(population, incomes, municipalities, refused & {*persons, *earners})


@dataclass
class Writer:
    """Draws the parts of one statement; collects its parameters."""

    draw: st.DrawFn
    params: dict[str, Any] = field(default_factory=dict)
    aliases: int = 0
    open_subqueries: bool = False

    def pick(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def chance(self, percent: int) -> bool:
        return self.draw(st.integers(0, 99)) < percent

    def alias(self) -> str:
        self.aliases += 1
        return f"t{self.aliases}"

    def constant(self, column: str) -> str:
        """A literal or a parameter of the column's type."""
        value = self.pick(*VALUES[column])
        if self.chance(25):
            name = f"v{len(self.params)}"
            self.params[name] = value
            return f"${name}"
        return literal(value)

    # FROM

    def table(self, personal: bool = False) -> tuple[str, list[tuple[str, str]]]:
        """One table, derived table, or filtered subquery: its text and its columns (reference, kind)."""
        name = self.pick("population", "incomes") if personal else self.pick(*COLUMNS)
        alias, columns = self.alias(), COLUMNS[name]
        text = f"{name} AS {alias}"
        if self.chance(20):
            where = self.where([(f"x.{c}", c) for c in columns])
            text = f"(SELECT x.* FROM {name} AS x{where}) AS {alias}"
        return text, [(f"{alias}.{column}", column) for column in columns]

    def sources(self, personal: bool = False) -> tuple[str, list[tuple[str, str]]]:
        text, columns = self.table(personal)
        while self.chance(40) and len(columns) < 15:
            other, more = self.table(personal)
            pairs = [(a, b) for a, kind in columns for b, other_kind in more if joins(kind, other_kind)]
            kind = self.pick("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN")
            if kind == "CROSS JOIN" or not pairs:
                text += f" CROSS JOIN {other}"
            else:
                left, right = self.pick(*pairs)
                extra = f" AND {self.condition(more)}" if self.chance(30) else ""
                text += f" {kind} {other} ON {left} = {right}{extra}"
            columns = columns + more
        return text, columns

    # WHERE

    def where(self, columns: list[tuple[str, str]]) -> str:
        if not self.chance(60):
            return ""
        parts = [self.condition(columns) for _ in range(self.draw(st.integers(1, 2)))]
        return " WHERE " + self.pick(" AND ", " AND ", " OR ").join(parts)

    def condition(self, columns: list[tuple[str, str]], depth: int = 0) -> str:
        reference, kind = self.pick(*columns)
        form = self.draw(st.integers(0, 11 if depth < 2 else 6))
        if form <= 1:
            operator = self.pick("=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM")
            return f"{reference} {operator} {self.constant(kind)}"
        if form == 2:
            return f"{reference} {self.pick('IN', 'NOT IN')} ({self.constant(kind)}, {self.constant(kind)})"
        if form == 3:
            return f"{reference} BETWEEN {self.constant(kind)} AND {self.constant(kind)}"
        if form == 4:
            return f"{reference} IS {self.pick('NULL', 'NOT NULL')}"
        if form == 5:
            return f"length({reference}::VARCHAR) > {self.pick(0, 2, 4)}"
        if form == 6:
            return f"coalesce(TRY_CAST({reference}::VARCHAR AS INTEGER), 0) % 2 = 0"
        if form == 7:
            return f"NOT ({self.condition(columns, depth + 1)})"
        if form == 8:
            return f"({self.condition(columns, depth + 1)} OR {self.condition(columns, depth + 1)})"
        return self.subquery(columns)

    def subquery(self, columns: list[tuple[str, str]]) -> str:
        """IN, EXISTS or a scalar aggregate; perhaps correlated; `open_subqueries`: over no personal table."""
        name = "municipalities" if self.open_subqueries else self.pick(*COLUMNS)
        inner = [(f"s.{column}", column) for column in COLUMNS[name]]
        pairs = [(a, b) for a, kind in columns for b, other in inner if joins(kind, other)]
        where = self.pick(f" WHERE {self.condition(inner, 2)}", "")
        if pairs and self.chance(70):
            outer, own = self.pick(*pairs)
            if self.chance(50):
                return f"{outer} {self.pick('IN', 'NOT IN')} (SELECT {own} FROM {name} AS s{where})"
            where = f"{where} AND {outer} = {own}" if where else f" WHERE {outer} = {own}"
        if self.chance(50):
            return f"{self.pick('EXISTS', 'NOT EXISTS')} (SELECT 1 FROM {name} AS s{where})"
        return f"(SELECT count(*) FROM {name} AS s{where}) > {self.pick(0, 1, 2)}"

    # SELECT

    def value(self, columns: list[tuple[str, str]]) -> str:
        reference, kind = self.pick(*columns)
        forms = [reference, reference, f"coalesce({reference}::VARCHAR, '?')", f"{reference} IS NULL"]
        if kind in NUMERIC:
            forms += [f"{reference} * 2", f"CASE WHEN {reference} > 5 THEN 'a' ELSE 'b' END"]
        if kind == "birth_date":
            forms += [f"year({reference})", f"date_trunc('month', {reference})"]
        return str(self.pick(*forms))

    def aggregate(self, columns: list[tuple[str, str]]) -> str:
        reference, kind = self.pick(*columns)
        forms = ["count(*)", f"count({reference})", f"count(DISTINCT {reference})", f"max({reference})"]
        if kind in NUMERIC:
            forms += [
                f"sum({reference})",
                f"avg({reference})",
                f"sum({reference}) FILTER (WHERE {reference} > 5)",
            ]
        return str(self.pick(*forms))

    def window(self, columns: list[tuple[str, str]]) -> str:
        order = ", ".join(reference for reference, _ in columns)
        partition = f"PARTITION BY {self.pick(*columns)[0]} " if self.chance(50) else ""
        function = self.pick("row_number()", "count(*)", "rank()", f"lag({self.pick(*columns)[0]})")
        return f"{function} OVER ({partition}ORDER BY {order})"

    def simple(self, width: int) -> str:
        text, columns = self.sources()
        values = [self.value(columns) for _ in range(width)]
        if self.chance(15):
            values[-1] = self.window(columns)
        distinct = "DISTINCT " if self.chance(15) else ""
        return f"SELECT {distinct}{named(values)} FROM {text}{self.where(columns)}"

    def grouped(self, width: int) -> str:
        text, columns = self.sources()
        keys = [self.value(columns) for _ in range(width - 1)]
        values = [*keys, self.aggregate(columns)]
        having = f" HAVING count(*) > {self.pick(0, 1)}" if self.chance(30) else ""
        if not keys:
            group = ""
        elif self.chance(20):
            group = (
                f" GROUP BY {self.pick('ROLLUP', 'CUBE')} ({', '.join(str(n + 1) for n in range(len(keys)))})"
            )
        else:
            group = self.pick(" GROUP BY ALL", f" GROUP BY {', '.join(str(n + 1) for n in range(len(keys)))}")
        return f"SELECT {named(values)} FROM {text}{self.where(columns)}{group}{having}"

    def combined(self, width: int) -> str:
        """Two SELECTs of texts, stacked."""
        operands = []
        for _ in range(2):
            text, columns = self.sources()
            values = [f"{self.pick(*columns)[0]}::VARCHAR" for _ in range(width)]
            operands.append(f"SELECT {named(values)} FROM {text}{self.where(columns)}")
        operator = self.pick("UNION ALL", "UNION ALL", "UNION", "INTERSECT", "EXCEPT", "EXCEPT ALL")
        return f" {operator} ".join(operands)

    def statement(self) -> str:
        width = self.draw(st.integers(1, 3))
        body = self.pick(self.simple, self.simple, self.grouped, self.grouped, self.combined)(width)
        if self.chance(20):
            body = f"WITH q AS ({body}) SELECT * FROM q" + self.pick("", " WHERE c0 IS NOT NULL")
        elif self.chance(15):
            body = f"SELECT c0, count(*) AS n FROM ({body}) AS q GROUP BY c0"
        if self.chance(25):
            body += f" ORDER BY ALL LIMIT {self.pick(0, 1, 3)}" + self.pick("", " OFFSET 1")
        return body


def joins(one: str, other: str) -> bool:
    return one == other or {one, other} == {"municipality", "code"}


def named(values: list[str]) -> str:
    return ", ".join(f"{value} AS c{number}" for number, value in enumerate(values))


def literal(value: Any) -> str:
    if isinstance(value, date):
        return f"DATE '{value}'"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


@st.composite
def statements(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """(sql, params)."""
    writer = Writer(draw)
    sql = writer.statement()
    return sql, writer.params


@st.composite
def listings(draw: st.DrawFn) -> tuple[str, dict[str, Any], list[int]]:
    """(sql, params, columns): those columns hold the person_id of every personal row that was taken."""
    writer = Writer(draw, open_subqueries=True)
    text, columns = writer.sources(personal=True)
    keys = [reference for reference, kind in columns if kind == "person_id"]
    distinct = "DISTINCT " if writer.chance(20) else ""
    sql = f"SELECT {distinct}{named([*keys, writer.value(columns)])} FROM {text}{writer.where(columns)}"
    listed = list(range(len(keys)))
    if writer.chance(20):
        sql = f"WITH q AS ({sql}) SELECT * FROM q"
    if writer.chance(20):
        other, more = writer.table(personal=True)
        key = next(reference for reference, kind in more if kind == "person_id")
        filled = ", ".join(["NULL"] * (len(keys) - 1) + ["'x'"])
        shown, last = ", ".join(f"c{n}" for n in listed), f"c{len(keys)}"
        sql = f"SELECT {shown}, {last}::VARCHAR AS {last} FROM ({sql}) AS l"
        sql += f" UNION ALL SELECT {key}, {filled} FROM {other}{writer.where(more)}"
    if writer.chance(30):
        sql += f" ORDER BY ALL LIMIT {writer.pick(0, 1, 3)}"
    return sql, writer.params, listed


@st.composite
def lookups(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """(sql, params): rows of one table, chosen or filled by other rows, taken together nowhere."""
    writer = Writer(draw)
    name, other = writer.pick(*COLUMNS), writer.pick("population", "incomes", "municipalities")
    columns, more = ([(f"{a}.{c}", c) for c in COLUMNS[n]] for a, n in (("a", name), ("b", other)))
    value, joined = writer.value(columns), writer.pick("", "", "SEMI JOIN", "ANTI JOIN", "CROSS JOIN")
    text = f"{name} AS a"
    if joined == "CROSS JOIN":
        text += f" CROSS JOIN (VALUES ((SELECT max({writer.pick(*more)[0]}) FROM {other} AS b))) AS v(x)"
        value = writer.pick(value, "v.x")
    elif joined:
        text += f" {joined} {other} AS b ON {writer.condition(columns + more)}"
    if writer.chance(30):
        reference = writer.pick(*columns)[0]
        only = writer.pick("", f" FILTER (WHERE {writer.condition(columns, 2)})")
        value = f"{writer.pick('max', 'count')}({reference}){only} OVER ({writer.pick('', 'PARTITION BY 1')})"
    elif writer.chance(20):
        value = f"(SELECT max({writer.pick(*more)[0]}) FROM {other} AS b{writer.where(more)})"
    sql = f"SELECT {named([columns[0][0], value])} FROM {text}{writer.where(columns)}"
    if writer.chance(60):
        sql = f"SELECT c1 FROM ({sql}) AS q WHERE c0 = {literal(writer.pick('p1', 'p2', 'p3', 'm1'))}"
    return sql, writer.params
