"""The closed form of `aggregates`: each SELECT on people is proved to be a core, or the statement is refused.

A core joins tables about one person per row by equality of keys alone, selects and groups by dimensions, and
computes count(*), count(DISTINCT key), and count, sum and avg of bare measures. Everything else in the
statement is applied to what comes out of the cores, after protection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from publica.gateway.aggregate.conditions import CONSTANT, Conditions
from publica.gateway.aggregate.frames import Frame, People, refused
from publica.gateway.aggregate.model import Core, Leaf, Value, group_name, value_name
from publica.gateway.model import ColumnShape, Resolved
from publica.gateway.order import function_of, is_aggregate
from publica.gateway.scope import identifier

OUTPUTS = ("expressions", "having", "qualify", "order")
SUMMED = {"sum": "sum", "avg": "avg", "mean": "avg", "count": "count"}


@dataclass
class Builder:
    """Builds one core out of one aggregated SELECT, and turns that SELECT into one over the core's cells."""

    people: People
    select: exp.Expr
    number: int
    params: Mapping[str, object]
    written: Callable[[exp.Expr], str]
    used: set[Leaf] = field(default_factory=set)
    pinned: set[Leaf] = field(default_factory=set)
    constants: set[tuple[str, str]] = field(default_factory=set)
    groups: list[Leaf] = field(default_factory=list)
    measures: list[Leaf] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)

    def __post_init__(self) -> None:
        occurrences: list[int] = []
        self.frame: Frame = self.people.frame(self.select, occurrences)
        self.members = tuple(self.people.resolved.occurrences[number].dataset for number in occurrences)

    def core(self) -> Core:
        """Prove the SELECT closed. It is changed: its FROM is now the core's protected cells."""
        filters, choices = self._conditions()
        self._groups()
        self._outputs()
        shapes = [self.shape(leaf) for leaf in self.measures]
        fixed = {*self.pinned, *self.groups}
        read = {*self.groups, *self.measures, *self.used}
        return Core(
            number=self.number,
            chosen=self.select.meta["chosen"],
            members=self.members,
            columns=tuple(
                frozenset(leaf.column for leaf in read if leaf.member == n) for n in range(len(self.members))
            ),
            filters=tuple(self.written(condition) for condition in filters),
            choices=tuple(self.written(condition) for condition in choices),
            parts=tuple(sorted(self.used - fixed, key=lambda leaf: (leaf.member, leaf.column))),
            groups=tuple(self.groups),
            measures=tuple(self.measures),
            types=tuple(shape.type for shape in shapes),
            required=tuple(shape.required for shape in shapes),
            values=tuple(self.values),
            pinned=tuple(
                frozenset(leaf.column for leaf in {*fixed, *self.used} if leaf.member == n)
                for n in range(len(self.members))
            ),
            constants=tuple(sorted(self.constants)),
        )

    def shape(self, leaf: Leaf) -> ColumnShape:
        return self.people.resolved.shapes[self.members[leaf.member]].columns[leaf.column]

    # FROM and WHERE

    def _conditions(self) -> tuple[list[exp.Expr], list[exp.Expr]]:
        """The conditions over members: those that pin a dimension to one value, and the others."""
        filters: list[exp.Expr] = []
        choices: list[exp.Expr] = []
        joined = list(range(len(self.members)))
        for condition, frame in _all_conditions(self.frame):
            pair = self._key_equality(condition, frame)
            if pair is not None:
                joined = [joined[pair[0]] if group == joined[pair[1]] else group for group in joined]
                continue
            checker = Conditions(self.people, frame, self.shape, self.params)
            pins = _pins(condition)
            (filters if pins else choices).append(checker.rewritten(condition))
            self.used |= checker.used
            if pins:
                self.pinned |= checker.used
                (leaf,) = checker.used
                column = f"{self.members[leaf.member]}.{leaf.column}"
                self.constants.add((column, _constant(condition, self.params)))
        if len(set(joined)) > 1:
            raise refused("tables about people that are not joined by their keys")
        return filters, choices

    def _key_equality(self, condition: exp.Expr, frame: Frame) -> tuple[int, int] | None:
        """The members that `a.key = b.key` joins."""
        if not isinstance(condition, exp.EQ):
            return None
        leaves = [
            self.people.leaf(side, frame) if isinstance(side, exp.Column) else None
            for side in (condition.this, condition.expression)
        ]
        one, other = leaves
        if one is None or other is None:
            return None
        shapes = self.shape(one), self.shape(other)
        if [shape.part for shape in shapes] != ["key", "key"]:
            return None
        if shapes[0].concept != shapes[1].concept or shapes[0].type != shapes[1].type:
            raise refused("a join of keys that name different things")
        return one.member, other.member

    # GROUP BY

    def _groups(self) -> None:
        group = self.select.args.get("group")
        if group is None:
            return
        items = list(group.expressions)
        if group.args.get("all"):
            items = [item.this for item in self.select.expressions if not _has_aggregate(item)]
        for item in items:
            while isinstance(item, exp.Paren):
                item = item.this
            if isinstance(item, exp.Literal) and not item.is_string:
                item = self.select.expressions[int(item.name) - 1].this
            if not isinstance(item, exp.Column):
                raise refused("grouping by anything but a column")
            leaf = self.people.leaf(item, self.frame)
            if leaf is None or self.shape(leaf).part != "dimension":
                raise refused(f"grouping by {item.name}, which is no dimension")
            if leaf not in self.groups:
                self.groups.append(leaf)

    # outputs

    def _outputs(self) -> None:
        """What is computed of the groups now reads protected values."""
        name = f"__cells{self.number}"
        for node in list(self._own_nodes()):
            if isinstance(node, exp.Column):
                leaf = self.people.leaf(node, self.frame)
                if leaf is not None:
                    node.replace(_cell(name, group_name(self._group(leaf))))
            elif is_aggregate(node):
                value = self._value(node)
                if value not in self.values:
                    self.values.append(value)
                node.replace(_cell(name, value_name(self.values.index(value))))
        table = exp.Table(this=identifier(name))
        having = self.select.args.get("having")
        for clause in ("joins", "group", "having"):
            self.select.set(clause, None)
        self.select.set("where", exp.Where(this=having.this) if having is not None else None)
        self.select.set("from_", exp.From(this=table))

    def _own_nodes(self) -> Iterator[exp.Expr]:
        """The columns and aggregates of this SELECT's output clauses, outermost first; columns also where
        subqueries refer to them."""
        for clause in OUTPUTS:
            value = self.select.args.get(clause)
            for part in value if isinstance(value, list) else [value] if value is not None else []:
                yield from self._below(part, inner=False)

    def _below(self, node: exp.Expr, *, inner: bool) -> Iterator[exp.Expr]:
        windowed = {id(function_of(window)) for window in node.find_all(exp.Window)}
        pending = [(node, inner)]
        while pending:
            here, inside = pending.pop()
            if isinstance(here, exp.Filter) and id(here.this) not in windowed and not inside:
                raise refused("FILTER in a total over people")
            total = not inside and is_aggregate(here) and id(here) not in windowed
            if total or isinstance(here, exp.Column):
                yield here
            else:
                inside = inside or isinstance(here, (exp.Select, exp.SetOperation))
                pending += [(child, inside) for child in here.iter_expressions()]

    def _group(self, leaf: Leaf) -> int:
        if leaf not in self.groups:
            raise refused(f"{leaf.column} outside a total: it is not grouped by")
        return self.groups.index(leaf)

    def _value(self, node: exp.Expr) -> Value:
        """What an aggregate computes. Raises Outside for any but the few of the form."""
        name, arguments = str(node.this), node.expressions
        if name == "count_star" and not arguments:
            return Value("rows")
        if name == "count" and (not arguments or isinstance(arguments[0], exp.Star)):
            return Value("rows")
        distinct = len(arguments) == 1 and isinstance(arguments[0], exp.Distinct)
        inner = arguments[0].expressions if distinct else arguments
        argument = inner[0] if len(inner) == 1 else None
        while isinstance(argument, exp.Paren):
            argument = argument.this
        if name == "count" and not distinct and isinstance(argument, exp.Literal):
            return Value("rows")
        leaf = self.people.leaf(argument, self.frame) if isinstance(argument, exp.Column) else None
        part = self.shape(leaf).part if leaf is not None else ""
        if name == "count" and part == "key":
            if distinct and self.used - self.pinned - set(self.groups):
                raise refused(
                    "count(DISTINCT …) where a condition takes several values: a person may have each"
                )
            return Value("persons") if distinct else Value("rows")
        if leaf is None or part != "measure" or distinct or name not in SUMMED:
            raise refused(f"{name}() of anything but a measure, or any other function over people")
        if leaf not in self.measures:
            self.measures.append(leaf)
        return Value(SUMMED[name], self.measures.index(leaf))


def find_cores(
    resolved: Resolved,
    query: exp.Query,
    params: Mapping[str, object],
    written: Callable[[exp.Expr], str],
) -> tuple[exp.Query, tuple[Core, ...]]:
    """The cores of a statement, and the statement over their cells. `query`, a copy, is changed.

    `written` turns a condition, whose subqueries read open tables, into SQL.

    Raises Outside (`aggregate-form`) for whatever is not proved closed.
    """
    people = People(resolved, query)
    selects = [node for node in query.find_all(exp.Select) if "chosen" in node.meta]
    found = [node for node in selects if people.aggregated(node) and people.on_people(node)]
    builders = [Builder(people, node, number, params, written) for number, node in enumerate(found)]
    for node in selects:
        if id(node) not in people.consumed and people.rows(node):
            raise refused("rows about people, or a subquery that gives them")
    cores = tuple(builder.core() for builder in builders)
    for cte in list(query.find_all(exp.CTE)):
        if cte.meta["cte"] in people.consumed_ctes:
            _remove(cte)
    return query, cores


def _remove(cte: exp.Expr) -> None:
    """Take out a CTE that cores looked through: its rows are read by nobody any more."""
    clause = cte.parent
    cte.pop()
    if clause is not None and not clause.expressions:
        clause.pop()


def _all_conditions(frame: Frame) -> Iterator[tuple[exp.Expr, Frame]]:
    yield from ((condition, frame) for condition in frame.conditions)
    for _, stands in frame.sources.values():
        if isinstance(stands, Frame):
            yield from _all_conditions(stands)


def _pins(condition: exp.Expr) -> bool:
    """`dimension = constant`: the dimension has one value in every cell."""
    sides = (condition.this, condition.expression) if isinstance(condition, exp.EQ) else ()
    return sum(isinstance(side, exp.Column) for side in sides) == 1 and any(
        isinstance(side, CONSTANT) for side in sides
    )


def _constant(condition: exp.Expr, params: Mapping[str, object]) -> str:
    """The constant of `dimension = constant`, as the value would be written."""
    sides = (condition.this, condition.expression)
    value = next(side for side in sides if isinstance(side, CONSTANT))
    if isinstance(value, exp.Placeholder):
        return str(params.get(value.name))
    if isinstance(value, exp.Boolean):
        return str(value.this)
    return f"-{value.this.name}" if isinstance(value, exp.Neg) else value.name


def _has_aggregate(node: exp.Expr) -> bool:
    return any(is_aggregate(inner) for inner in node.walk())


def _cell(table: str, column: str) -> exp.Column:
    return exp.Column(this=identifier(column), table=identifier(table))
