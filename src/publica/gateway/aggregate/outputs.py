"""What a SELECT over people computes of its groups: each total, and the FILTER that it is under."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from publica.gateway.aggregate.frames import refused
from publica.gateway.aggregate.model import Leaf
from publica.gateway.model import ColumnShape
from publica.gateway.order import function_of, is_aggregate
from publica.trust.privacy.derived import ALONG, VARIANCES

SUMMED = {"sum": "sum", "avg": "avg", "mean": "avg", "count": "count"}
OUTPUTS = ("expressions", "having", "qualify", "order")
SQUARED = frozenset({*VARIANCES, "corr"})
NUMBERS = frozenset({"BIGINT", "INTEGER", "DOUBLE"})


@dataclass(frozen=True)
class Where:
    """The conditions of a core: SQL over its members, and the dimensions that they look at.

    `filters` keep one value of a dimension; `choices` may take several; `sides` keep one side of a limit of a
    measure. `constants`: what is pinned, and its value; `cuts`: the same of the sides.
    """

    filters: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    sides: tuple[str, ...] = ()
    limited: frozenset[Leaf] = frozenset()
    used: frozenset[Leaf] = frozenset()
    pinned: frozenset[Leaf] = frozenset()
    constants: frozenset[tuple[Leaf, str]] = frozenset()
    cuts: frozenset[tuple[Leaf, str]] = frozenset()

    def also(self, other: Where) -> Where:
        """Both must hold."""
        return Where(
            self.filters + other.filters,
            self.choices + other.choices,
            self.sides + other.sides,
            self.limited | other.limited,
            self.used | other.used,
            self.pinned | other.pinned,
            self.constants | other.constants,
            self.cuts | other.cuts,
        )


@dataclass(frozen=True)
class Slot:
    """One total: its kind, the measure, the dimension along which it is computed, and its FILTER."""

    kind: str
    measure: Leaf | None = None
    axis: Leaf | None = None
    where: Where = Where()

    @property
    def square(self) -> Leaf | None:
        squared = self.measure is not None and self.kind in SQUARED
        return Leaf(self.measure.member, self.measure.column, 2) if squared and self.measure else None


SET_NAMES = frozenset({"grouping", "grouping_id"})


def own_nodes(select: exp.Expr, *, sets: bool = False) -> Iterator[exp.Expr]:
    """The columns and totals of a SELECT's output clauses, outermost first; columns also where subqueries
    refer to them. `sets`: functions of grouping sets may stand among them."""
    for clause in OUTPUTS:
        value = select.args.get(clause)
        for part in value if isinstance(value, list) else [value] if value is not None else []:
            yield from _below(part, sets)


def _below(node: exp.Expr, sets: bool) -> Iterator[exp.Expr]:
    windowed = {id(function_of(window)) for window in node.find_all(exp.Window)}
    pending = [(node, False)]
    while pending:
        here, inside = pending.pop()
        call = here.this if isinstance(here, exp.Filter) else here
        total = not inside and is_aggregate(call) and id(call) not in windowed
        if not sets and not inside and isinstance(here, exp.Anonymous) and here.this in SET_NAMES:
            raise refused(f"{here.this}() over people")
        if total or isinstance(here, exp.Column):
            yield here
        else:
            inside = inside or isinstance(here, (exp.Select, exp.SetOperation))
            pending += [(child, inside) for child in here.iter_expressions()]


@dataclass(frozen=True)
class Argument:
    """A column inside a total."""

    leaf: Leaf
    shape: ColumnShape


def arguments(call: exp.Expr) -> tuple[list[exp.Expr], bool]:
    """What a total is of, without brackets; and whether of distinct values."""
    given = call.expressions
    distinct = len(given) == 1 and isinstance(given[0], exp.Distinct)
    inner = given[0].expressions if distinct else given
    return [bare(node) for node in inner], distinct


def bare(node: exp.Expr) -> exp.Expr:
    while isinstance(node, exp.Paren):
        node = node.this
    return node


def slot(name: str, given: list[Argument | None], *, distinct: bool, rows: bool) -> Slot:
    """What a total computes. `rows`: it counts rows. Raises Outside for any but those of the form."""
    if rows:
        return Slot("rows")
    parts = [argument.shape.part if argument is not None else "" for argument in given]
    first = given[0].leaf if given and given[0] is not None else None
    if name == "count" and parts == ["key"]:
        return Slot("persons" if distinct else "rows")
    if name == "count" and parts == ["dimension"] and distinct:
        return Slot("distinct", axis=first)
    if parts == ["measure"] and not distinct and (name in SUMMED or name in VARIANCES):
        return Slot(SUMMED.get(name, name), first)
    if name in ALONG and not distinct:
        return _along(name, given, parts)
    raise refused(f"{name}() of anything but a measure, or any other function over people")


def _along(name: str, given: list[Argument | None], parts: list[str]) -> Slot:
    """How a measure goes with a dimension that is a number; the symmetric ones also the other way round."""
    if parts == ["dimension", "measure"] and not name.startswith("regr_"):
        given, parts = given[::-1], parts[::-1]
    if parts == ["measure", "dimension"] and given[0] and given[1] and given[1].shape.type in NUMBERS:
        return Slot(name, given[0].leaf, given[1].leaf)
    raise refused(f"{name}() of anything but a measure and a dimension that is a number")
