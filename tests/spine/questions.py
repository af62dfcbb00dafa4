"""Statements over what an activity sees: the gateway's generator, with this world's tables and more forms."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from hypothesis import strategies as st

from tests.gateway.statements import Writer, joins, named

from . import oracle, records
from .world import column_names

Columns = list[tuple[str, str]]
"""Columns in reach: how they are written, and of which kind their values are."""

VALUES: dict[str, list[Any]] = {
    "key": ["P-000", "P-003", "P-007", "P-011", "P-020", "P-999"],
    "sex": ["F", "M", "X"],
    "birth_date": [date(1955, 3, 3), date(1980, 1, 5), date(2001, 7, 7)],
    "since": [date(1970, 1, 1), date(1999, 12, 31)],
    "years": [1950, 1980, 2001],
    "band": ["30-39", "40-49", "70-79"],
    "prefix 1": ["m", "z"],
    "prefix 2": ["m1", "m9", "zz"],
    "prefix 3": ["par", "fos"],
    "relation": ["parent", "foster"],
    "municipality": ["m1", "m2", "m12", "zz"],
    "code": ["m1", "m2", "m12"],
    "income": [-5, 0, 10, 20, 70],
    "year": [2021, 2022, 2023],
    "note": ["12", "a", "a%b", ""],
    "score": [0.5, 20.25, 70.5],
    "amount": [10.5, 99.99],
    "name": ["Aaby", "Beck"],
    "region": ["north", "south"],
}
NUMERIC = {"income", "year", "years"}
FLOATING = {"score"}
OPAQUE = "opaque"
"""The kind of a pseudonym: there is no constant to compare it with."""


def kind(dataset: str, column: str, transform: str) -> str:
    """What kind of values a column has after its transform."""
    if transform == "pseudonym":
        return OPAQUE
    if transform == "year":
        return "years"
    if transform == "age band":
        return "band"
    if transform.startswith("region prefix"):
        return "prefix " + transform.rpartition(" ")[2]
    renamed = {"person_id": "key", "parent_id": "key", "child_id": "key", "kind": "relation"}
    return renamed.get(column, column)


def tables(activity: str) -> dict[str, Columns]:
    """The columns that an activity sees, by dataset."""
    return {
        dataset: [(name, kind(dataset, name, t)) for name, t in oracle.transforms(activity, dataset).items()]
        for dataset in oracle.visible(activity)
    }


@dataclass(frozen=True)
class Question:
    """A statement with its parameters. `ordered`: the order of its rows is total. `listed`: the columns that
    hold the key of every personal row it takes, if it is made so. `forbidden`: it asks for what is withheld.
    `floating`: sums of floats are in its answer, which differ in the last digits with the order of adding."""

    sql: str
    params: dict[str, Any]
    ordered: bool = False
    listed: tuple[int, ...] = ()
    forbidden: bool = False
    floating: bool = False


@dataclass
class Asker(Writer):
    """Draws one statement over the tables of an activity."""

    activity: str = "grants"
    seen: dict[str, Columns] = field(default_factory=dict)
    floating: bool = False

    def __post_init__(self) -> None:
        self.seen = tables(self.activity)

    @property
    def opaque(self) -> bool:
        return records.TERMS[self.activity].protection == "pseudonymous rows"

    def constant(self, column: str) -> str:
        value = self.pick(*VALUES[column])
        if self.chance(25):
            name = f"v{len(self.params)}"
            self.params[name] = value
            return f"${name}"
        if isinstance(value, date):
            return f"DATE '{value}'"
        return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)

    # FROM

    def personal(self) -> list[str]:
        return [name for name in self.seen if records.DATASETS[name]["access"] == "personal"]

    def table(self, personal: bool = False) -> tuple[str, Columns]:
        name = self.pick(*self.personal(), *self.personal(), *([] if personal else self.seen))
        alias = self.alias()
        text = f"{name} AS {alias}"
        if self.chance(20):
            inner = [(f"x.{column}", kind) for column, kind in self.seen[name]]
            shown = ", ".join(reference for reference, _ in inner)
            text = f"(SELECT {shown} FROM {name} AS x{self.where(inner)}) AS {alias}"
        return text, [(f"{alias}.{column}", kind) for column, kind in self.seen[name]]

    def sources(self, personal: bool = False) -> tuple[str, Columns]:
        text, columns = self.table(personal)
        joined = 0
        while joined < 2 and self.chance((45, 15)[joined]):
            text, columns = self.join(text, columns, personal)
            joined += 1
        return text, columns

    def join(self, text: str, columns: Columns, personal: bool) -> tuple[str, Columns]:
        other, more = self.table(personal)
        pairs = [(a, b, k) for a, k in columns for b, other_kind in more if joins(k, other_kind)]
        selective = [(a, b) for a, b, k in pairs if k in ("key", OPAQUE, "municipality", "code")]
        if not pairs or self.chance(5):
            few = "municipalities" if "municipalities" in self.seen else self.personal()[0]
            alias = self.alias()
            more = [(f"{alias}.{column}", kind) for column, kind in self.seen[few]]
            if personal and few == "municipalities":
                return text, columns
            return f"{text} CROSS JOIN {few} AS {alias}", columns + more
        left, right = self.pick(*(selective or [(a, b) for a, b, _ in pairs]))
        extra = f" AND {self.condition(more)}" if self.chance(30) else ""
        how = self.pick("JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "SEMI JOIN", "ANTI JOIN")
        kept = columns if how in ("SEMI JOIN", "ANTI JOIN") else columns + more
        return f"{text} {how} {other} ON {left} = {right}{extra}", kept

    # WHERE

    def condition(self, columns: Columns, depth: int = 0) -> str:
        plain = [pair for pair in columns if pair[1] != OPAQUE]
        opaque = [pair for pair in columns if pair[1] == OPAQUE]
        if opaque and (not plain or self.chance(15)):
            return self.matching([reference for reference, _ in opaque])
        return super().condition(plain, depth)

    def matching(self, keys: list[str]) -> str:
        forms = [
            f"{self.pick(*keys)} {self.pick('=', '<>')} {self.pick(*keys)}",
            f"{self.pick(*keys)} IS NOT NULL",
        ]
        name, column = self.pick(*((n, c) for n in self.seen for c, k in self.seen[n] if k == OPAQUE))
        inside = [(f"s.{c}", k) for c, k in self.seen[name] if k != OPAQUE]
        where = f" WHERE {super().condition(inside, 2)}" if inside and self.chance(50) else ""
        forms.append(
            f"{self.pick(*keys)} {self.pick('IN', 'NOT IN')} (SELECT s.{column} FROM {name} AS s{where})"
        )
        return str(self.pick(*forms))

    def subquery(self, columns: Columns) -> str:
        name = self.pick(*self.seen)
        inner = [(f"s.{column}", kind) for column, kind in self.seen[name]]
        pairs = [(a, b) for a, kind in columns for b, other in inner if joins(kind, other)]
        plain = [pair for pair in inner if pair[1] != OPAQUE]
        where = self.pick(f" WHERE {super().condition(plain, 2)}", "") if plain else ""
        if pairs and self.chance(70):
            outer, own = self.pick(*pairs)
            if self.chance(50):
                return f"{outer} {self.pick('IN', 'NOT IN')} (SELECT {own} FROM {name} AS s{where})"
            where = f"{where} AND {outer} = {own}" if where else f" WHERE {outer} = {own}"
        if self.chance(50):
            return f"{self.pick('EXISTS', 'NOT EXISTS')} (SELECT 1 FROM {name} AS s{where})"
        return f"(SELECT count(*) FROM {name} AS s{where}) > {self.pick(0, 1, 2)}"

    # SELECT

    def value(self, columns: Columns) -> str:
        reference, kind = self.pick(*columns)
        if kind == OPAQUE:
            return str(reference)
        forms = [reference, reference, f"coalesce({reference}::VARCHAR, '?')", f"{reference} IS NULL"]
        if kind in NUMERIC:
            forms += [
                f"{reference} * 2",
                f"CASE WHEN {reference} > 5 THEN 'a' ELSE 'b' END",
                f"{reference} % 7",
            ]
        if kind in ("birth_date", "since"):
            forms += [f"year({reference})", f"date_trunc('month', {reference})"]
        if kind in ("note", "sex", "municipality"):
            forms += [f"upper({reference})", f"left({reference}, 1)", f"{reference} || '!'"]
        return str(self.pick(*forms))

    def aggregate(self, columns: Columns) -> str:
        reference, kind = self.pick(*columns)
        forms = ["count(*)", f"count({reference})", f"count(DISTINCT {reference})"]
        if kind != OPAQUE:
            forms.append(f"max({reference})")
            forms.append(f"string_agg({reference}::VARCHAR, ',' ORDER BY {reference}::VARCHAR)")
        if kind in NUMERIC:
            forms += [
                f"sum({reference})", f"avg({reference})", f"sum({reference}) FILTER (WHERE {reference} > 5)",
                f"median({reference})",
            ]  # fmt: skip
        if kind in FLOATING:
            self.floating = True
            forms = [f"sum({reference})", f"avg({reference})", f"stddev_samp({reference})"]
        return str(self.pick(*forms))

    def window(self, columns: Columns) -> str:
        order = ", ".join(reference for reference, _ in columns)
        plain = [reference for reference, kind in columns if kind != OPAQUE]
        partition = f"PARTITION BY {self.pick(*columns)[0]} " if self.chance(50) else ""
        shifted = [f"lag({self.pick(*plain)})", f"lead({self.pick(*plain)}, 2)"] if plain else []
        function = self.pick("row_number()", "count(*)", "rank()", "ntile(3)", *shifted)
        return f"{function} OVER ({partition}ORDER BY {order})"

    def combined(self, width: int) -> str:
        operands = []
        for _ in range(2):
            text, columns = self.sources()
            shown = [reference for reference, kind in columns if kind != OPAQUE]
            values = [f"{self.pick(*shown)}::VARCHAR" if shown else "NULL::VARCHAR" for _ in range(width)]
            operands.append(f"SELECT {named(values)} FROM {text}{self.where(columns)}")
        operator = self.pick("UNION ALL", "UNION ALL", "UNION", "INTERSECT", "EXCEPT", "EXCEPT ALL")
        return f" {operator} ".join(operands)

    def framed(self, width: int) -> str:
        """Windows with frames, QUALIFY, named windows; the order of each is total."""
        text, columns = self.sources()
        order = ", ".join(reference for reference, _ in columns)
        numbers = [reference for reference, kind in columns if kind in NUMERIC] or ["1"]
        frame = self.pick(
            "ROWS BETWEEN 1 PRECEDING AND CURRENT ROW", "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING", ""
        )
        values = [self.value(columns) for _ in range(width)]
        values.append(f"sum({self.pick(*numbers)}) OVER w")
        sql = f"SELECT {named(values)} FROM {text}{self.where(columns)}"
        window = f" WINDOW w AS (PARTITION BY {self.pick(*columns)[0]} ORDER BY {order} {frame})"
        qualify = f" QUALIFY row_number() OVER w <= {self.pick(1, 2)}" if self.chance(40) else ""
        return sql + window + qualify

    def grouping(self, width: int) -> str:
        """Grouping sets over plain columns."""
        text, columns = self.sources()
        keys = sorted({self.pick(*columns)[0] for _ in range(max(width, 2))})
        sets = "), (".join([", ".join(keys), keys[0], ""])
        values = [*keys, self.aggregate(columns), f"grouping({keys[0]})"]
        return f"SELECT {named(values)} FROM {text}{self.where(columns)} GROUP BY GROUPING SETS (({sets}))"

    def lateral(self, width: int) -> str:
        """What each row has elsewhere, by a correlated derived table."""
        text, columns = self.table(personal=True)
        keys = [(reference, kind) for reference, kind in columns if kind in ("key", OPAQUE)]
        outer, key_kind = self.pick(*keys)
        name, own = self.pick(*((n, c) for n in self.personal() for c, k in self.seen[n] if k == key_kind))
        numbers = [f"s.{c}" for c, k in self.seen[name] if k in NUMERIC] or ["1"]
        inner = (
            f"SELECT count(*) AS n, max({self.pick(*numbers)}) AS m FROM {name} AS s WHERE s.{own} = {outer}"
        )
        values = [*(self.value(columns) for _ in range(width)), "q.n", "q.m"]
        join = self.pick(f", LATERAL ({inner}) AS q", f" LEFT JOIN LATERAL ({inner}) AS q ON TRUE")
        return f"SELECT {named(values)} FROM {text}{join}{self.where(columns)}"

    def question(self) -> Question:
        width = self.draw(st.integers(1, 3))
        forms = (self.simple, self.simple, self.simple, self.grouped, self.grouped, self.combined)
        body = self.pick(*forms, self.framed, self.grouping, self.lateral)(width)
        if not self.floating and self.chance(20):
            body = f"WITH q AS ({body}) SELECT * FROM q" + self.pick("", " WHERE c0 IS NOT NULL")
        elif not self.floating and self.chance(15):
            body = f"SELECT c0, count(*) AS n FROM ({body}) AS q GROUP BY c0"
        ordered = not self.floating and self.chance(35)
        if ordered:
            body = f"SELECT * FROM ({body}) AS o ORDER BY ALL{self.pick('', ' DESC')}" + self.pick(
                "", "", f" LIMIT {self.pick(0, 1, 3)}", " LIMIT 4 OFFSET 1"
            )
        return Question(body, used(body, self.params), ordered, floating=self.floating)

    def forbidden(self) -> Question:
        """A statement that names, somewhere, a column that is not there for it."""
        name = self.pick(*self.personal())
        hidden = [c for c in column_names(name) if c not in dict(self.seen[name])]
        if not hidden:
            return self.question()
        column, (shown, _) = self.pick(*hidden), self.pick(*self.seen[name])
        sql = self.pick(
            f"SELECT {column} FROM {name}",
            f"SELECT {shown} FROM {name} WHERE {column} IS NOT NULL",
            f"SELECT {shown} FROM {name} ORDER BY {column}, {shown}",
            f"SELECT count(*) FROM {name} GROUP BY {column}",
            f"SELECT count(*) FILTER (WHERE {column} IS NULL) FROM {name}",
            f"SELECT a.{shown} FROM {name} AS a JOIN {name} AS b ON a.{column} = b.{column}",
            f"SELECT (SELECT max(t.{column}) FROM {name} AS t)",
        )
        return Question(sql, {}, forbidden=True)

    def listing(self) -> Question:
        """A statement that shows the key of every personal row that it takes."""
        text, columns = self.sources(personal=True)
        keys = [reference for reference, kind in columns if kind in ("key", OPAQUE)]
        form = self.draw(st.integers(0, 3))
        if form == 0:
            sql = f"SELECT {named(keys)}, count(*) AS n FROM {text}{self.where(columns)} GROUP BY ALL"
        else:
            distinct = "DISTINCT " if self.chance(30) else ""
            values = [*keys, *(self.value(columns) for _ in range(self.draw(st.integers(0, 2))))]
            sql = f"SELECT {distinct}{named(values)} FROM {text}{self.where(columns)}"
        if self.chance(20):
            sql = f"WITH q AS ({sql}) SELECT * FROM q"
        if self.chance(30):
            sql += f" ORDER BY ALL LIMIT {self.pick(0, 1, 3)}"
        return Question(sql, used(sql, self.params), listed=tuple(range(len(keys))))


def used(sql: str, params: dict[str, Any]) -> dict[str, Any]:
    """The parameters that a statement names."""
    names = set(re.findall(r"\$(\w+)", sql))
    return {name: value for name, value in params.items() if name in names}


@st.composite
def questions(draw: st.DrawFn, activity: str | None = None) -> tuple[str, Question]:
    """(activity, question): mostly what may be asked, now and then what may not."""
    chosen = activity or draw(st.sampled_from(sorted(records.TERMS)))
    asker = Asker(draw, activity=chosen)
    return chosen, asker.forbidden() if asker.chance(3) else asker.question()


@st.composite
def listings(draw: st.DrawFn) -> tuple[str, Question]:
    """(activity, question) that shows keys."""
    chosen = draw(st.sampled_from(sorted(records.TERMS)))
    return chosen, Asker(draw, activity=chosen).listing()
