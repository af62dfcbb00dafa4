"""Values that hurt whatever looks at them, and statements that would look."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date
from typing import Any

from hypothesis import strategies as st

from tests.gateway.statements import joins, named

from . import records
from .oracle import let_through
from .questions import OPAQUE, Asker, Columns, Question, used
from .world import Rows, World, column_names, keys_of

POISON: dict[str, tuple[Any, ...]] = {
    "string": ("no number", "9" * 40, "", "2020-13-45", "x" * 20_000, "-", None, "m1", "F"),
    "integer": (2**63 - 1, -(2**63), 0, -1, 10**12, None),
    "number": (1.7e308, -1.7e308, 5e-324, 0.0, -1.0, None),
    "date": (date.max, date.min, date(2100, 2, 28), None),
}
OTHERS: dict[str, tuple[Any, ...]] = {
    "string": ("m1", "m2", "F", "M", "parent", "12", "7", "Other"),
    "integer": (2022, 2023, 1, 2, 3, 10, 20),
    "number": (1.5, 20.25, 99.0),
    "date": (date(1980, 1, 5), date(2001, 7, 7)),
}
FORMS: dict[str, tuple[str, ...]] = {
    "note": (
        "CAST({} AS INTEGER)", "100 / {}::INTEGER", "make_date(2020, {}::INTEGER, 1)", "strptime({}, '%d')",
        "{}::DECIMAL(4, 1)", "{}::TINYINT + 1", "length(repeat({}, 3))", "({} || '-01-2020')",
    ),
    "income": (
        "ln({})", "sqrt({})", "{}::TINYINT", "{} * 100000000000", "100 % {}", "abs({})", "-{}", "1000 // {}",
        "factorial({}::INTEGER % 30)", "make_date(2020, 1, 1 + {}::INTEGER % 28)", "{} - 9000000000000000000",
        "1 / {}", "chr({}::INTEGER + 65)",
    ),
    "year": ("make_date({}::INTEGER, 2, 28)", "{}::SMALLINT", "ln({} - 2000)"),
    "years": ("{} * 1", "make_date({}::INTEGER, 2, 28)"),
    "birth_date": ("{} + 2000000", "year({} + INTERVAL 4000 YEAR)", "strftime({}, '%Y')::TINYINT IS NULL"),
    "since": ("{} + 2000000", "date_diff('day', {}, DATE '2020-01-01')::SMALLINT"),
    "score": ("{}::TINYINT", "ln({})", "{} * 1e10", "exp({})", "{}::DECIMAL(5, 2)"),
    "sex": ("{}::INTEGER IS NULL", "ascii({}) / 2", "CASE WHEN {} NOT IN ('F', 'M', 'X') THEN ln(-1) END"),
    "municipality": ("substring({}, 2)::INTEGER", "length({})::TINYINT"),
    "relation": ("length({})::TINYINT", "CASE WHEN {} NOT IN ('parent', 'foster') THEN ln(0) END"),
}  # fmt: skip


def changed(world: World, activity: str, variant: int) -> dict[str, Rows]:
    """The world's rows with other values wherever the activity may not look.

    Variant 0: values that hurt; 1: plausible values; 2: rows that are not there at all. In each, what the
    activity sees stays, row by row and in the same order.
    """
    draw = random.Random(variant)
    return {
        dataset: [
            new
            for row, seen in _seen(world, activity, dataset)
            for new in _replaced(world, activity, dataset, row, seen, variant, draw)
        ]
        for dataset in records.TERMS[activity].shares
    }


def _seen(world: World, activity: str, dataset: str) -> list[tuple[tuple[Any, ...], bool]]:
    kept = {id(row) for row in let_through(world, activity, dataset)}
    return [(row, id(row) in kept) for row in world.people.rows[dataset]]


def _replaced(
    world: World,
    activity: str,
    dataset: str,
    row: tuple[Any, ...],
    seen: bool,
    variant: int,
    draw: random.Random,
) -> Rows:
    share = records.TERMS[activity].shares[dataset]
    names = column_names(dataset)
    shown = {name for name, transform in share.columns.items() if transform != "withheld"}
    free = [n for n, name in enumerate(names) if n not in keys_of(dataset) and not (seen and name in shown)]
    if seen:
        free = [n for n in free if names[n] not in share.scope]
    elif variant == 2:
        return []
    allowed = world.allowed(activity)
    in_only_by_scope = not seen and all(row[n] in allowed for n in keys_of(dataset))
    new = list(row)
    for n in free:
        new[n] = draw.choice(_pool(dataset, n, variant))
    if in_only_by_scope:  # out of scope it must stay: by a value that no scope names
        for n, name in enumerate(names):
            if name in share.scope:
                new[n] = (
                    1900 + draw.randint(0, 9) if isinstance(row[n], int) else draw.choice(("no", "x" * 9, ""))
                )
    return [tuple(new)]


def _pool(dataset: str, column: int, variant: int) -> tuple[Any, ...]:
    kind = records.DATASETS[dataset]["columns"][column]["type"]
    return ((POISON, OTHERS)[variant % 2] if variant < 2 else POISON).get(kind, (None,))


@dataclass
class Poker(Asker):
    """Draws statements that would fail, or be slow, or be large on some values."""

    def condition(self, columns: Columns, depth: int = 0) -> str:
        if depth < 2 and self.chance(35):
            found = self.poke(columns)
            if found:
                return f"{found} IS NOT NULL"
        return super().condition(columns, depth)

    def value(self, columns: Columns) -> str:
        found = self.poke(columns) if self.chance(35) else ""
        return found or super().value(columns)

    def poke(self, columns: Columns) -> str:
        """An expression that some values of a column make fail; "" when there is none for these columns."""
        usable = [(reference, kind) for reference, kind in columns if kind in FORMS and kind != OPAQUE]
        if not usable:
            return ""
        reference, kind = self.pick(*usable)
        return "(" + str(self.pick(*FORMS[kind])).format(reference) + ")"

    def aggregate(self, columns: Columns) -> str:
        found = self.poke(columns) if self.chance(35) else ""
        return f"max({found})" if found else super().aggregate(columns)

    def narrowed(self) -> Question:
        """A statement whose conditions compare columns with constants, so that few are touched; what it
        computes of those few may fail on the others."""
        text, columns = self.table(personal=True)
        if self.chance(50):
            other, more = self.table()
            pairs = [(a, b) for a, kind in columns for b, k in more if joins(kind, k)]
            on = [f" JOIN {other} ON {left} = {right}" for left, right in pairs[:1]]
            text, columns = text + "".join(on), columns + (more if on else [])
        usable = [pair for pair in columns if pair[1] != OPAQUE] or columns
        where = [self.comparison(usable) for _ in range(self.draw(st.integers(1, 3)))]
        if self.chance(20):
            where.append(f"({self.comparison(usable)} OR NOT {self.comparison(usable[:1])})")
        if self.chance(40):
            shown = self.pick("count(*)", self.aggregate(columns))
            head, tail = f"{self.value(columns)} AS c0, {shown} AS c1", " GROUP BY ALL"
        else:
            head, tail = named([self.value(columns) for _ in range(self.draw(st.integers(1, 3)))]), ""
        sql = f"SELECT {head} FROM {text} WHERE {' AND '.join(where)}{tail}"
        ordered = not self.floating and self.chance(30)
        if ordered:
            sql += " ORDER BY ALL" + self.pick("", " LIMIT 3")
        return Question(sql, used(sql, self.params), ordered, floating=self.floating)

    def comparison(self, columns: Columns) -> str:
        """A column and a constant."""
        reference, kind = self.pick(*columns)
        if kind == OPAQUE:
            return f"{reference} IS NOT NULL"
        forms = [
            f"{reference} {self.pick('=', '<>', '<', '<=', '>', '>=')} {self.constant(kind)}",
            f"{reference} IN ({self.constant(kind)}, {self.constant(kind)})",
            f"{reference} BETWEEN {self.constant(kind)} AND {self.constant(kind)}",
            f"{reference} IS {self.pick('NULL', 'NOT NULL')}",
        ]
        return str(self.pick(*forms))


@st.composite
def narrowed(draw: st.DrawFn) -> tuple[str, Question]:
    """(activity, question) that touches few."""
    chosen = draw(st.sampled_from(sorted(records.TERMS)))
    return chosen, Poker(draw, activity=chosen).narrowed()


@st.composite
def pokes(draw: st.DrawFn) -> tuple[str, Question]:
    """(activity, question) that looks hard."""
    chosen = draw(st.sampled_from(sorted(records.TERMS)))
    return chosen, Poker(draw, activity=chosen).question()
