"""The closed form of `aggregates`: each SELECT on people is proved to be a core, or the statement is refused.

A core joins tables about one person per row by equality of keys alone, selects and groups by dimensions, and
computes count(*), count(DISTINCT key), and count, sum, avg and variance of bare measures. A SELECT with
several grouping sets, with FILTER, or with totals along a dimension is several cores. Everything else in the
statement is applied to what comes out of the cores, after protection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Context, Decimal

from sqlglot import exp

from publica.gateway.aggregate import sides
from publica.gateway.aggregate.conditions import CONSTANT, WEIGHT, Conditions, weight
from publica.gateway.aggregate.frames import Frame, People, refused
from publica.gateway.aggregate.groups import Set, grouping_sets
from publica.gateway.aggregate.model import COPIES, Core, Family, Leaf, Value, group_name, value_name
from publica.gateway.aggregate.outputs import Argument, Slot, Where, arguments, own_nodes, slot
from publica.gateway.constants import kind_of
from publica.gateway.model import ColumnShape, Resolved
from publica.gateway.scope import identifier
from publica.gateway.touched import conjuncts

EXACT = Context(prec=80)
INTEGERS = frozenset({"BIGINT", "INTEGER", "SMALLINT", "TINYINT", "UBIGINT", "UINTEGER"})


@dataclass
class Builder:
    """Builds the cores of one aggregated SELECT, and turns that SELECT into one over their cells."""

    people: People
    select: exp.Expr
    number: int
    params: Mapping[str, object]
    written: Callable[[exp.Expr], str]
    slots: list[Slot] = field(default_factory=list)
    weight: int = 0  # of its conditions

    def __post_init__(self) -> None:
        occurrences: list[int] = []
        self.frame: Frame = self.people.frame(self.select, occurrences)
        self.members = tuple(self.people.resolved.occurrences[number].dataset for number in occurrences)
        again = {name for name in self.members if self.members.count(name) > COPIES}
        if again:
            raise refused(f"{min(again)} joined with itself more than once")

    def family(self, first: int) -> Family:
        """Prove the SELECT closed. It is changed: its FROM is now the protected cells of its cores, which are
        numbered from `first`."""
        where = self._conditions()
        sets = grouping_sets(self.select, self._dimension)
        groups = list(dict.fromkeys(leaf for one in sets for leaf in one))
        self._outputs(groups)
        asked: dict[tuple[Where, Leaf | None], list[int]] = {}
        for number, wanted in enumerate(self.slots):
            asked.setdefault((wanted.where, wanted.axis), []).append(number)
        cores = [
            self._core(where.also(own), axis, one, groups, numbers)
            for one in sets
            for (own, axis), numbers in (asked or {(Where(), None): []}).items()
        ]
        return Family(
            number=self.number,
            chosen=self.select.meta["chosen"],
            cores=tuple(replace(core, number=first + n) for n, core in enumerate(cores)),
            direct=frozenset(n for n, wanted in enumerate(self.slots) if Value(wanted.kind).direct),
            whole=frozenset(n for n, wanted in enumerate(self.slots) if self._whole(wanted)),
        )

    def _whole(self, wanted: Slot) -> bool:
        return (
            wanted.kind == "sum"
            and wanted.measure is not None
            and self.shape(wanted.measure).type in INTEGERS
        )

    def _core(
        self, where: Where, axis: Leaf | None, groups: Set, family: list[Leaf], slots: list[int]
    ) -> Core:
        """The core of some totals under one grouping set and one condition."""
        wanted = [self.slots[number] for number in slots]
        used = {*where.used, *({axis} if axis else ())}
        fixed = {*where.pinned, *groups}
        if axis in fixed:
            raise refused(
                f"a total along {axis.column if axis else ''}, of which its groups have one value each"
            )
        if used - fixed and any(one.kind == "persons" for one in wanted):
            raise refused("count(DISTINCT …) where a condition takes several values: a person may have each")
        parts = tuple(sorted(where.used - fixed - {axis}, key=_place))
        keys = [*groups, *((axis,) if axis else ()), *parts]
        measures = list(dict.fromkeys(leaf for one in wanted for leaf in (one.measure, one.square) if leaf))
        read = {*groups, *measures, *used, *where.limited}
        return Core(
            number=0,
            chosen=self.select.meta["chosen"],
            members=self.members,
            columns=self._columns(read),
            filters=where.filters,
            choices=where.choices,
            sides=where.sides,
            limits=tuple(len(self.shape(leaf).limits) for leaf in sorted(where.limited, key=_place)),
            axis=axis,
            parts=parts,
            groups=groups,
            measures=tuple(measures),
            types=tuple(self.shape(leaf).type for leaf in measures),
            required=tuple(self.shape(leaf).required for leaf in measures),
            values=tuple(_value(one, measures, keys) for one in wanted),
            pinned=self._columns({*fixed, *used}),
            constants=tuple(sorted(where.constants, key=_said)),
            cuts=tuple(sorted(where.cuts, key=_said)),
            family=self.number,
            places=tuple(family.index(leaf) for leaf in groups),
            slots=tuple(slots),
        )

    def _columns(self, leaves: set[Leaf]) -> tuple[frozenset[str], ...]:
        """The columns of each member."""
        numbers = range(len(self.members))
        return tuple(frozenset(leaf.column for leaf in leaves if leaf.member == n) for n in numbers)

    def shape(self, leaf: Leaf) -> ColumnShape:
        return self.people.resolved.shapes[self.members[leaf.member]].columns[leaf.column]

    # FROM and WHERE

    def _conditions(self) -> Where:
        """The conditions over members, but for the equalities of keys that join them."""
        where = Where()
        joined = list(range(len(self.members)))
        for condition, frame in _all_conditions(self.frame):
            pair = self._key_equality(condition, frame)
            if pair is None:
                where = where.also(self._condition(condition, frame))
            else:
                joined = [joined[pair[0]] if group == joined[pair[1]] else group for group in joined]
        if len(set(joined)) > 1:
            raise refused("tables about people that are not joined by their keys")
        return where

    def _condition(self, condition: exp.Expr, frame: Frame) -> Where:
        """A condition that pins a dimension to one value, or any other."""
        self.weight += weight(condition)
        checker = Conditions(self.people, frame, self.shape, self.params)
        side = self._side(condition, frame)
        if side is not None:
            leaf, named = side
            text = (self.written(checker.placed(condition)),)
            return Where(sides=text, limited=frozenset({leaf}), cuts=named)
        text = (self.written(checker.rewritten(condition)),)
        used = frozenset(checker.used)
        if not _pins(condition):
            return Where(choices=text, used=used)
        (leaf,) = used
        constant = (leaf, _spelt(_constant(condition, self.params), self.shape(leaf).type))
        return Where(filters=text, used=used, pinned=used, constants=frozenset({constant}))

    def _side(self, condition: exp.Expr, frame: Frame) -> tuple[Leaf, frozenset[tuple[Leaf, str]]] | None:
        """The measure of which a condition keeps one side of a limit, and what that is called."""
        column = sides.compared(condition)
        leaf = self.people.leaf(column, frame) if column is not None else None
        if leaf is None or self.shape(leaf).part != "measure":
            return None
        found = sides.sides(condition, self.params)
        if not set(found.values()) <= {*self.shape(leaf).limits, None} or self._unknown(condition, found):
            raise refused(f"{leaf.column} in a condition, but for its limits: {self._limits(leaf)}")
        return leaf, frozenset(sides.name(leaf, sign, limit or 0.0) for sign, limit in found.items())

    def _unknown(self, condition: exp.Expr, found: Mapping[str, float | None]) -> bool:
        """Whether a side's limit is no number; parameters that have no value yet are only explained."""
        given = all(node.name in self.params for node in condition.find_all(exp.Placeholder))
        return given and None in found.values()

    def _limits(self, leaf: Leaf) -> str:
        return ", ".join(f"{limit:g}" for limit in self.shape(leaf).limits) or "it has none"

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

    # GROUP BY and outputs

    def _dimension(self, item: exp.Expr) -> Leaf:
        """The dimension that GROUP BY names."""
        if not isinstance(item, exp.Column):
            raise refused("grouping by anything but a column")
        leaf = self.people.leaf(item, self.frame)
        if leaf is None or self.shape(leaf).part != "dimension":
            raise refused(f"grouping by {item.name}, which is no dimension")
        return leaf

    def _outputs(self, groups: list[Leaf]) -> None:
        """What is computed of the groups now reads protected values."""
        name = f"__cells{self.number}"
        for node in list(own_nodes(self.select)):
            if isinstance(node, exp.Column):
                leaf = self.people.leaf(node, self.frame)
                if leaf is not None and leaf not in groups:
                    raise refused(f"{leaf.column} outside a total: it is not grouped by")
                if leaf is not None:
                    node.replace(_cell(name, group_name(groups.index(leaf))))
            else:
                wanted = self._slot(node)
                if wanted not in self.slots:
                    self.slots.append(wanted)
                node.replace(_cell(name, value_name(self.slots.index(wanted))))
        table = exp.Table(this=identifier(name))
        having = self.select.args.get("having")
        for clause in ("joins", "group", "having"):
            self.select.set(clause, None)
        self.select.set("where", exp.Where(this=having.this) if having is not None else None)
        self.select.set("from_", exp.From(this=table))

    def _slot(self, node: exp.Expr) -> Slot:
        """What a total computes, and its FILTER. Raises Outside for any but those of the form."""
        where = Where()
        if isinstance(node, exp.Filter):
            for condition in conjuncts(node.expression.this):
                where = where.also(self._condition(condition, self.frame))
            node = node.this
        name, (given, distinct) = str(node.this), arguments(node)
        leaves = [self.people.leaf(one, self.frame) if isinstance(one, exp.Column) else None for one in given]
        known = [Argument(leaf, self.shape(leaf)) if leaf is not None else None for leaf in leaves]
        return replace(
            slot(name, known, distinct=distinct, rows=_counts_rows(name, given, distinct)), where=where
        )


def _place(leaf: Leaf) -> tuple[int, str]:
    return leaf.member, leaf.column


def _said(of: tuple[Leaf, str]) -> tuple[int, str, str]:
    return (*_place(of[0]), of[1])


def _counts_rows(name: str, given: list[exp.Expr], distinct: bool) -> bool:
    if name == "count_star":
        return not given
    constant = len(given) == 1 and isinstance(given[0], (exp.Literal, exp.Star))
    return name == "count" and not distinct and (not given or constant)


def _value(wanted: Slot, measures: list[Leaf], keys: list[Leaf]) -> Value:
    """A slot in the numbers of its core."""
    return Value(
        wanted.kind,
        measures.index(wanted.measure) if wanted.measure else -1,
        measures.index(wanted.square) if wanted.square else -1,
        keys.index(wanted.axis) if wanted.axis else -1,
    )


def find_cores(
    resolved: Resolved,
    query: exp.Query,
    params: Mapping[str, object],
    written: Callable[[exp.Expr], str],
) -> tuple[exp.Query, tuple[Family, ...]]:
    """The cores of a statement by families, and the statement over their cells. `query`, a copy, is changed.

    `written` turns a condition into SQL.

    Raises Outside (`aggregate-form`) for whatever is not proved closed.
    """
    people = People(resolved, query)
    selects = [node for node in query.find_all(exp.Select) if "chosen" in node.meta]
    found = [node for node in selects if people.aggregated(node) and people.on_people(node)]
    builders = [Builder(people, node, number, params, written) for number, node in enumerate(found)]
    for node in selects:
        if id(node) not in people.consumed and people.rows(node):
            raise refused("rows about people, or a subquery that gives them")
    families: list[Family] = []
    for builder in builders:
        families.append(builder.family(sum(len(family.cores) for family in families)))
    if sum(builder.weight for builder in builders) > WEIGHT:
        raise refused("conditions on people that are so long")
    for cte in list(query.find_all(exp.CTE)):
        if cte.meta["cte"] in people.consumed_ctes:
            _remove(cte)
    return query, tuple(families)


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


def _constant(condition: exp.Expr, params: Mapping[str, object]) -> object:
    """The constant of `dimension = constant`."""
    sides = (condition.this, condition.expression)
    return _value_of(next(side for side in sides if isinstance(side, CONSTANT)), params)


def _value_of(node: exp.Expr, params: Mapping[str, object]) -> object:
    if isinstance(node, exp.Neg):
        value = _value_of(node.this, params)
        return None if value is None else -Decimal(str(value))
    if isinstance(node, exp.Placeholder):
        return params.get(node.name)
    if isinstance(node, exp.Cast):
        return node.this.name
    return node.this if isinstance(node, exp.Boolean) else None if isinstance(node, exp.Null) else node.name


def _spelt(value: object, sql_type: str) -> str:
    """A constant as a value of a column would be written, so that 1950, 1950.0 and 1.95e3 are one."""
    kind = kind_of(sql_type)
    if kind == "timestamp" and isinstance(value, str):
        return str(datetime.fromisoformat(value))
    if kind != "number" or value is None:
        return str(value)
    number = Decimal(str(value))
    if not sql_type.startswith("DECIMAL") and sql_type not in INTEGERS:
        return str(float(number) + 0.0)
    if not number.is_finite() or number.adjusted() > EXACT.prec // 2:
        return str(number.normalize())
    places = int(sql_type.rstrip(")").partition(",")[2] or 0)
    rounded = number.quantize(Decimal(1).scaleb(-places), context=EXACT)
    return f"{rounded or rounded.copy_abs():f}" if rounded == number else str(number.normalize())


def _cell(table: str, column: str) -> exp.Column:
    return exp.Column(this=identifier(column), table=identifier(table))
