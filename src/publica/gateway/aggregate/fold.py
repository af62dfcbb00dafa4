"""A SELECT over people as one over their totals by each value of the dimensions that it looks at.

    SELECT region, avg(income) FROM persons JOIN places USING (postcode) GROUP BY region
    SELECT region, sum(s) / sum(n) FROM (SELECT postcode, sum(income) s, count(income) n FROM persons
        GROUP BY postcode) JOIN places USING (postcode) GROUP BY region

Totals that are too small to come out are left out of what is added up from them.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field
from functools import reduce

from sqlglot import exp

from publica.gateway.aggregate.frames import PLAIN_JOINS, Frame, People, refused
from publica.gateway.aggregate.model import Leaf
from publica.gateway.aggregate.outputs import SUMMED, arguments, own_nodes
from publica.gateway.constants import COMPARISONS, kind_of
from publica.gateway.model import ColumnShape
from publica.gateway.scope import identifier
from publica.gateway.touched import conjuncts

PEOPLE = "__people"
INDIFFERENT = frozenset({"min", "max", "count"})
"""Functions that may look at each value once (`count` of distinct values)."""


def fold(people: People, select: exp.Expr, outside: bool, single: Set[str]) -> None:
    """Change a SELECT over people. `outside`: conditions on dimensions hold of the totals; `single`: the
    datasets in which nobody has more than one row.

    Raises Outside where it cannot be done.
    """
    if people.aggregated(select):
        Fold(people, select, outside, single).make()


@dataclass
class Fold:
    """One SELECT while it is taken apart."""

    people: People
    select: exp.Expr
    outside: bool
    single: Set[str]
    items: dict[str, exp.Expr] = field(default_factory=dict)  # of the totals: name → what it is
    totals: dict[exp.Expr, str] = field(default_factory=dict)
    dimensions: dict[Leaf, str] = field(default_factory=dict)
    within: list[exp.Expr] = field(default_factory=list)  # conditions on rows
    beyond: list[exp.Expr] = field(default_factory=list)  # conditions on totals
    rows: list[exp.Expr] = field(default_factory=list)  # tables about people
    others: list[exp.Expr] = field(default_factory=list)  # joins with open tables
    cells: list[exp.Expr] = field(default_factory=list)  # what must name the totals' dimensions

    def __post_init__(self) -> None:
        self.name = f"{PEOPLE}{self.select.meta['chosen']}"
        self.members: list[int] = []
        self.frame: Frame = self.people.frame(self.select, self.members, beside=True)

    def make(self) -> None:
        self._sources()
        for node in list(own_nodes(self.select, sets=True)):
            if isinstance(node, exp.Column):
                self._placed(node)
            else:
                self._total(node)
        group = self.select.args.get("group")
        for part in (*([group] if group else ()), *self.beyond, *self.others):
            self._columns(part)
        self._write()

    def _write(self) -> None:
        inner = exp.Select(
            expressions=[exp.Alias(this=item, alias=identifier(name)) for name, item in self.items.items()],
            from_=exp.From(this=self.rows[0]),
            joins=[exp.Join(this=node, kind="CROSS") for node in self.rows[1:]],
        )
        if self.within:
            inner.set("where", exp.Where(this=_all(self.within)))
        if self.dimensions:
            keys = [self.items[name].copy() for name in self.dimensions.values()]
            inner.set("group", exp.Group(expressions=keys))
        for cell in self.cells:
            cell.set("expressions", [self._of_totals(name) for name in self.dimensions.values()])
        totals = exp.Subquery(this=inner, alias=exp.TableAlias(this=identifier(self.name)))
        self.select.set("from_", exp.From(this=totals))
        self.select.set("joins", self.others)
        self.select.set("where", exp.Where(this=_all(self.beyond)) if self.beyond else None)

    # FROM and WHERE

    def _sources(self) -> None:
        """Tables about people to one side, open ones to the other; conditions to where they can hold."""
        joins = {id(join.this): join for join in self.select.args.get("joins") or ()}
        conditions: list[exp.Expr] = []
        if self.select.args.get("where"):
            conditions += conjuncts(self.select.args["where"].this)
        for source, node in self.people.sources(self.select):
            join = joins.get(id(node)) or exp.Join(this=node, kind="CROSS")
            if source.alias.lower() in self.frame.sources:
                if join.side or join.kind not in PLAIN_JOINS:
                    raise refused(f"a {(join.side or join.kind)} JOIN of rows about people")
                conditions += conjuncts(join.args["on"]) if join.args.get("on") else []
                self.rows.append(node)
            else:
                if join.side not in ("", "LEFT"):
                    raise refused(f"a {join.side} JOIN of rows about people")
                self.others.append(join)
        for condition in conditions:
            place = self.within if self._of_rows(condition) else self.beyond
            place.append(exp.Paren(this=condition.copy()))

    def _of_rows(self, condition: exp.Expr) -> bool:
        """Whether a condition must hold of rows, or can."""
        aliases = {source.alias.lower() for source, _ in self.people.sources(self.select)}
        opened = aliases - self.frame.sources.keys()
        if any(column.text("table").lower() in opened for column in condition.find_all(exp.Column)):
            return False
        if condition.find(exp.Query) and set(self._parts(condition)) <= {"dimension"}:
            return False
        return not self.outside or any(part != "dimension" for part in self._parts(condition))

    def _parts(self, node: exp.Expr) -> list[str]:
        """What the columns of rows in an expression may do in a total."""
        return [self._part(leaf) for column, leaf in self._leaves(node)]

    def _leaves(self, node: exp.Expr) -> list[tuple[exp.Column, Leaf]]:
        found = ((column, self.people.leaf(column, self.frame)) for column in node.find_all(exp.Column))
        return [(column, leaf) for column, leaf in found if leaf is not None]

    def _part(self, leaf: Leaf) -> str:
        return self._shape(leaf).part

    def _shape(self, leaf: Leaf) -> ColumnShape:
        resolved = self.people.resolved
        dataset = resolved.occurrences[self.members[leaf.member]].dataset
        return resolved.shapes[dataset].columns[leaf.column]

    # what is computed

    def _columns(self, node: exp.Expr) -> None:
        for column, leaf in self._leaves(node):
            other = column.parent
            sides = other.unnest_operands() if isinstance(other, (*COMPARISONS, exp.Between, exp.In)) else ()
            if kind_of(self._shape(leaf).type) == "number" and any(map(_no_number, sides)):
                raise refused("a comparison of values of different kinds")
            self._placed(column)

    def _placed(self, column: exp.Column) -> None:
        """A dimension of rows is one of the totals."""
        leaf = self.people.leaf(column, self.frame)
        if leaf is None:
            return
        if self._part(leaf) != "dimension":
            raise refused(f"{leaf.column} outside a total: it is no dimension")
        if leaf not in self.dimensions:
            name = self.dimensions[leaf] = f"__d{len(self.dimensions)}"
            self.items[name] = column.copy()
        column.replace(self._of_totals(self.dimensions[leaf]))

    def _of_totals(self, name: str) -> exp.Column:
        return exp.Column(this=identifier(name), table=identifier(self.name))

    def _inner(self, total: exp.Expr) -> exp.Column:
        """A total by dimensions, from the outside."""
        name = self.totals.setdefault(total, f"__t{len(self.totals)}")
        self.items.setdefault(name, total)
        return self._of_totals(name)

    def _total(self, node: exp.Expr) -> None:
        """What a total of rows is of totals."""
        conditions = list(conjuncts(node.expression.this)) if isinstance(node, exp.Filter) else []
        call = node.this if isinstance(node, exp.Filter) else node
        within = [c for c in conditions if "measure" in self._parts(c)]
        beyond = [c for c in conditions if c not in within]
        given, distinct = arguments(call)
        parts = [self._part(leaf) for one in given for _, leaf in self._leaves(one)]
        name = SUMMED.get(str(call.this), str(call.this))
        if not distinct and name in ("sum", "avg", "count") and parts == ["measure"]:
            value = self._measure(name, given[0], within, beyond)
        elif not distinct and name in ("count", "count_star"):
            counted = given[0] if given and not isinstance(given[0], (exp.Star, exp.Literal)) else None
            counted = None if parts == ["key"] else counted  # everybody has one
            beyond += [_exists(counted)] if counted is not None else []
            value = _counted(self._inner(_under(_rows(), within)), beyond)
        elif distinct and name == "count" and parts == ["key"] and self._each_once():
            value = self._persons(within, beyond)
        elif name in INDIFFERENT and (distinct or name != "count") and not within:
            value = node.copy()
        else:
            raise refused(f"{name}() of anything but a measure, or any other function over people")
        self._columns(value)
        node.replace(value)

    def _each_once(self) -> bool:
        """Whether everybody is in one row, so in one of the totals."""
        datasets = [self.people.resolved.occurrences[number].dataset for number in self.members]
        return len(datasets) == 1 and datasets[0] in self.single

    def _persons(self, within: list[exp.Expr], beyond: list[exp.Expr]) -> exp.Expr:
        """Persons: those of each of the totals once, however often open tables repeat it."""
        rows = self._inner(_under(_rows(), within))
        self.cells.append(exp.Anonymous(this="row", expressions=[]))
        entry = exp.Anonymous(this="row", expressions=[self.cells[-1], rows])
        entries = exp.Anonymous(this="list", expressions=[exp.Distinct(expressions=[entry])])
        value: exp.Expr = _under(entries, beyond)
        for function in ("map_from_entries", "map_values", "list_sum"):
            value = exp.Anonymous(this=function, expressions=[value])
        return _or_zero(exp.Cast(this=value, to=exp.DataType.build("BIGINT")))

    def _measure(
        self, name: str, column: exp.Expr, within: list[exp.Expr], beyond: list[exp.Expr]
    ) -> exp.Expr:
        def inner(function: str) -> exp.Column:
            call = exp.Anonymous(this=function, expressions=[column.copy()])
            return self._inner(_under(call, within))

        if name == "count":
            return _counted(inner("count"), beyond)
        if name == "sum":
            return _summed(inner("sum"), beyond)
        known = exp.Not(this=exp.Is(this=inner("sum"), expression=exp.Null()))
        total = exp.Cast(this=_summed(inner("sum"), beyond), to=exp.DataType.build("DOUBLE"))
        count = _summed(inner("count"), [*beyond, known])
        return exp.Paren(this=exp.Div(this=total, expression=count, typed=False, safe=False))


def _no_number(node: exp.Expr) -> bool:
    """A text or a day, which no number can be compared with."""
    text = isinstance(node, exp.Literal) and node.is_string
    return text or (isinstance(node, exp.Cast) and node.to.sql().upper() in ("DATE", "TIMESTAMP"))


def _rows() -> exp.Expr:
    return exp.Anonymous(this="count_star", expressions=[])


def _under(total: exp.Expr, conditions: list[exp.Expr]) -> exp.Expr:
    """A total with FILTER, where there is one."""
    if not conditions:
        return total
    return exp.Filter(this=total, expression=exp.Where(this=_all(conditions)))


def _summed(total: exp.Expr, conditions: list[exp.Expr]) -> exp.Expr:
    return _under(exp.Anonymous(this="sum", expressions=[total]), conditions)


def _counted(total: exp.Expr, conditions: list[exp.Expr]) -> exp.Expr:
    """Counts added up; of nothing, 0."""
    return _or_zero(exp.Cast(this=_summed(total, conditions), to=exp.DataType.build("BIGINT")))


def _or_zero(count: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="coalesce", expressions=[count, exp.Literal.number(0)])


def _exists(value: exp.Expr) -> exp.Expr:
    return exp.Not(this=exp.Is(this=exp.Paren(this=value.copy()), expression=exp.Null()))


def _all(conditions: list[exp.Expr]) -> exp.Expr:
    found: list[exp.Expr] = [exp.Paren(this=condition.copy()) for condition in conditions]
    return reduce(lambda one, other: exp.And(this=one, expression=other), found)
