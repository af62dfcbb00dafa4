"""Step 2, inside one SELECT: stars, columns, aliases, GROUP BY, ORDER BY."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from publica.gateway import surface
from publica.gateway.model import MERGED, Occurrence, Output, Source, fold, origins, outside
from publica.gateway.parse import DIALECT
from publica.gateway.scope import Scope, identifier

QUERY = (exp.Select, exp.SetOperation, exp.Subquery)


@dataclass(frozen=True)
class Aliases:
    """The aliases that a clause may use, by lower-case name.

    `strict`: a name that is both an alias and another column is refused there, because which of the two the
    engine takes depends on the grouping; elsewhere the column wins, as in the engine.
    """

    values: dict[str, exp.Expr] = field(default_factory=dict)
    strict: bool = False


NONE = Aliases()
Subquery = Callable[[exp.Expr, Scope, Any], tuple[Output, ...]]


@dataclass
class Projection:
    """One item of the output: its value, its name, and whether AS gave it that name."""

    value: exp.Expr
    name: str
    explicit: bool


class Clauses:
    """Places the names inside one SELECT. `subquery` places the queries in its expressions."""

    def __init__(self, subquery: Subquery) -> None:
        self.subquery = subquery
        self.occurrences: list[Occurrence] = []
        self.bound: list[Output] = []
        self.copied = 0
        self.compared: list[tuple[exp.Expr, tuple[Output, ...]]] = []

    def clauses(self, node: exp.Expr, scope: Scope, ctes: Any, unique: bool) -> tuple[Output, ...]:
        """All clauses of a SELECT after its FROM. Gives its output columns."""
        projections, aliases = self._projections(node, scope, ctes)
        if unique:
            _number(projections)
        values = [exp.Alias(this=item.value, alias=identifier(item.name)) for item in projections]
        node.set("expressions", values)
        if node.args.get("where"):
            self.bind(node.args["where"].this, scope, ctes, Aliases(aliases))
        if node.args.get("group"):
            self._group(node.args["group"], scope, ctes, aliases, projections)
        for clause in ("having", "qualify"):
            if node.args.get(clause):
                self.bind(node.args[clause].this, scope, ctes, Aliases(aliases, strict=True))
        if node.args.get("order"):
            self._order(node, scope, ctes, aliases, projections)
        return tuple(Output(item.name, origins(item.value, self.bound)) for item in projections)

    # projections

    def _projections(
        self, node: exp.Expr, scope: Scope, ctes: Any
    ) -> tuple[list[Projection], dict[str, exp.Expr]]:
        found: list[Projection] = []
        aliases: dict[str, exp.Expr] = {}
        items = list(node.expressions)
        for item in items:
            if max(len(found), len(items)) > surface.COLUMNS:
                raise outside("sql-too-deep")
            star = item.this if isinstance(item, exp.Column) else item
            if isinstance(star, exp.Star):
                found += self._star(item, star, scope, ctes)
                continue
            projection = self._projection(item, scope, ctes, aliases)
            found.append(projection)
            if projection.explicit:
                known = aliases.get(fold(projection.name))
                aliases.setdefault(fold(projection.name), projection.value)
                if known is not None and known != projection.value:
                    aliases[fold(projection.name)] = _AMBIGUOUS
        return found, aliases

    def _projection(
        self, item: exp.Expr, scope: Scope, ctes: Any, aliases: dict[str, exp.Expr]
    ) -> Projection:
        explicit = isinstance(item, exp.Alias)
        if not isinstance(item, (exp.Alias, exp.Column)):
            name = _text(item)
            item = item.replace(exp.Alias(this=item.copy(), alias=identifier(name)))
        if not isinstance(item, exp.Column):
            name = item.alias
            self.bind(item.this, scope, ctes, Aliases(aliases))
            return Projection(item.this, name, explicit)
        value = self.column(item, scope, Aliases(aliases))
        number = value.meta.get("bound")
        name = self.bound[number].name if number is not None else item.name
        return Projection(value, name, explicit=False)

    def _star(self, item: exp.Expr, star: exp.Expr, scope: Scope, ctes: Any) -> list[Projection]:
        """`*` or `t.*` written out, without EXCLUDE, with REPLACE and RENAME."""
        excluded = _names(star.args.get("except_"))
        replaced = {fold(alias.alias): alias for alias in star.args.get("replace") or ()}
        new_names = {fold(alias.this.name): alias.alias for alias in star.args.get("rename") or ()}
        table = item.text("table") if isinstance(item, exp.Column) else ""
        items = self._all(scope, table)
        unknown = (excluded | replaced.keys() | new_names.keys()) - {name for _, name in items}
        if unknown:
            raise outside("sql-unknown-column", column=min(unknown))
        found = []
        for source, name in items:
            if name in excluded:
                continue
            if name in replaced:
                holder = replaced[name].copy()
                self.bind(holder.this, scope, ctes)
                value = holder.this
            else:
                value = self.reference(source, name) if table else self.value(scope, source, name)
            shown = new_names.get(name, source.columns[name].name)
            found.append(Projection(value, shown, explicit=False))
        return found

    def _all(self, scope: Scope, table: str) -> list[tuple[Source, str]]:
        """The columns that a star stands for. Only sources of this SELECT count."""
        if table:
            source = scope.source(table)
            if source is None:
                raise outside("sql-unknown-column", column=f"{table}.*")
            return [(source, name) for name in source.columns]
        if not scope.sources:
            raise outside("sql-unknown-column", column="*")
        found: list[tuple[Source, str]] = []
        for source in scope.sources:
            for name in source.columns:
                merged = scope.merged.get(name)
                if merged is None or source.alias not in merged.members or source.alias == merged.first:
                    found.append((source, name))
        return found

    # columns

    def bind(self, expression: exp.Expr, scope: Scope, ctes: Any, aliases: Aliases = NONE) -> None:
        """Place every column below (and at) an expression that has a parent."""
        pending: list[tuple[exp.Expr, frozenset[str], bool]] = [(expression, frozenset(), False)]
        while pending:
            node, params, summed = pending.pop()
            if isinstance(node, exp.Column):
                node.replace(self.column(node, scope, NONE if summed and aliases.strict else aliases))
            elif isinstance(node, QUERY):
                self._expression_query(node, scope, ctes)
            elif isinstance(node, exp.Identifier):
                if fold(node.name) not in params:
                    raise outside("sql-unknown-column", column=node.name)
            elif isinstance(node, exp.Lambda):
                inner = params | {fold(param.name) for param in node.expressions}
                pending.append((node.this, inner, summed))
            elif not isinstance(node, exp.DataType):
                summed = summed or _is_aggregate(node)
                pending += ((child, params, summed) for child in node.iter_expressions())

    def _expression_query(self, node: exp.Expr, scope: Scope, ctes: Any) -> None:
        outputs = self.subquery(node, scope, ctes)
        holder = node.parent.parent if isinstance(node.parent, exp.Any) else node.parent
        if holder is not None and (isinstance(holder, exp.In) or holder is not node.parent):
            self.compared.append((holder, outputs))

    def column(self, node: exp.Column, scope: Scope, aliases: Aliases) -> exp.Expr:
        """What a column reference means: a column, or what an alias stands for."""
        name, table = node.name, node.text("table")
        if isinstance(node.this, exp.Star):
            raise outside("sql-node", node="STAR")
        if table:
            source = scope.qualified(table)
            if source is None or fold(name) not in source.columns:
                raise outside("sql-unknown-column", column=f"{table}.{name}")
            return self.reference(source, name)
        alias = aliases.values.get(fold(name))
        here = scope if scope.having(name) else None
        place = here or scope.around(name)
        if alias is not None and here is None:
            if place is not None or alias is _AMBIGUOUS:
                raise outside("sql-ambiguous-column", column=name)
            self.copied += sum(1 for _ in alias.walk())
            if self.copied > surface.COPIES:
                raise outside("sql-too-deep")
            return alias.copy() if isinstance(alias, exp.Column) else exp.Paren(this=alias.copy())
        if place is None:
            raise self._unknown(name, scope)
        found = place.having(name)
        if len(found) > 1:
            raise outside("sql-ambiguous-column", column=name)
        if scope.hides(found[0].alias, place):
            raise outside("sql-ambiguous-column", column=name)
        value = self.value(place, found[0], name)
        if alias is not None and aliases.strict and alias != value:
            raise outside("sql-ambiguous-column", column=name)
        return value

    def _unknown(self, name: str, scope: Scope) -> Exception:
        """A name that is a source stands for its whole row."""
        if scope.qualified(name) is not None:
            return outside("sql-whole-row", table=name)
        return outside("sql-unknown-column", column=name)

    def value(self, scope: Scope, source: Source, name: str) -> exp.Expr:
        """A column as seen without a table name: a merged one is what USING made of it."""
        merged = scope.merged.get(fold(name))
        if merged is not None and source.alias in merged.members:
            return merged.value.copy()
        return self.reference(source, name)

    def reference(self, source: Source, name: str) -> exp.Column:
        """A qualified column; if it is a dataset's, it counts as read."""
        output = source.columns[fold(name)]
        if source.occurrence is not None:
            ((_, column),) = output.origins
            self.occurrences[source.occurrence].columns[output.name] = column
        node = exp.Column(this=identifier(output.name), table=identifier(source.alias))
        return self.numbered(node, output)

    def numbered(self, node: exp.Column, output: Output) -> exp.Column:
        if len(self.bound) >= surface.REFERENCES:
            raise outside("sql-too-deep")
        node.meta["bound"] = len(self.bound)
        self.bound.append(output)
        return node

    def coalesced(self, left: exp.Expr, right: exp.Expr) -> exp.Expr:
        """The column that FULL JOIN … USING makes: the side that is there."""
        node = exp.Anonymous(this="coalesce", expressions=[left.copy(), right.copy()])
        node.meta[MERGED] = True
        return node

    # GROUP BY and ORDER BY

    def _group(
        self,
        group: exp.Expr,
        scope: Scope,
        ctes: Any,
        aliases: dict[str, exp.Expr],
        projections: list[Projection],
    ) -> None:
        """An alias becomes its position; a column of that name comes first, as in the engine."""
        pending = list(group.expressions)
        while pending:
            node = pending.pop()
            if isinstance(node, (exp.GroupingSets, exp.Rollup, exp.Cube, exp.Tuple)):
                pending += node.expressions
            elif isinstance(node, exp.Paren):
                pending.append(node.this)
            elif isinstance(node, exp.Literal):
                check_position(node, len(projections))
            elif _bare(node) and not scope.having(node.name) and fold(node.name) in aliases:
                node.replace(_position(node.name, projections))
            else:
                self.bind(node, scope, ctes, Aliases(aliases))

    def _order(
        self,
        node: exp.Expr,
        scope: Scope,
        ctes: Any,
        aliases: dict[str, exp.Expr],
        projections: list[Projection],
    ) -> None:
        """An alias comes first and becomes its position; inside an expression the column comes first."""
        expand_all(node, len(projections))
        for ordered in node.args["order"].expressions:
            item = ordered.this
            check_position(item, len(projections))
            if _bare(item) and fold(item.name) in aliases:
                item.replace(_position(item.name, projections))
            else:
                self.bind(item, scope, ctes, Aliases(aliases))
            if node.args.get("distinct"):
                _among(ordered, projections)

    def order_outputs(self, node: exp.Expr, outputs: tuple[Output, ...]) -> None:
        """ORDER BY of a set operation: names and positions of its output only."""
        if not node.args.get("order"):
            return
        expand_all(node, len(outputs))
        names = [fold(output.name) for output in outputs]
        for ordered in node.args["order"].expressions:
            item = ordered.this
            if isinstance(item, exp.Literal):
                check_position(item, len(outputs))
                continue
            if not _bare(item) or fold(item.name) not in names:
                raise outside("sql-unknown-column", column=item.name)
            if names.count(fold(item.name)) > 1:
                raise outside("sql-ambiguous-column", column=item.name)
            item.replace(exp.Literal.number(names.index(fold(item.name)) + 1))


_AMBIGUOUS: exp.Expr = exp.Null()


def check_position(item: exp.Expr, width: int) -> None:
    """A plain number in ORDER BY and GROUP BY is the position of an output column."""
    number = item.name if isinstance(item, exp.Literal) and not item.is_string else ""
    if number.isdigit() and not 1 <= int(number[:9]) <= width:
        raise outside("sql-unknown-column", column=item.name)


def expand_all(node: exp.Expr, width: int) -> None:
    """ORDER BY ALL, position by position."""
    items = node.args["order"].expressions
    if len(items) == 1 and isinstance(items[0].this, exp.Var):
        flags = {name: items[0].args.get(name) for name in ("desc", "nulls_first")}
        every = [exp.Ordered(this=exp.Literal.number(n + 1), **flags) for n in range(width)]
        node.args["order"].set("expressions", every)


def _bare(node: exp.Expr) -> bool:
    return isinstance(node, exp.Column) and not node.args.get("table")


def _position(name: str, projections: list[Projection]) -> exp.Expr:
    wanted = fold(name)
    found = [n for n, item in enumerate(projections) if item.explicit and fold(item.name) == wanted]
    if any(projections[n].value != projections[found[0]].value for n in found):
        raise outside("sql-ambiguous-column", column=name)
    return exp.Literal.number(found[0] + 1)


def _among(ordered: exp.Expr, projections: list[Projection]) -> None:
    """After DISTINCT only the output can be ordered by."""
    item = ordered.this
    if isinstance(item, exp.Literal):
        return
    for number, projection in enumerate(projections):
        if projection.value == item:
            item.replace(exp.Literal.number(number + 1))
            return
    raise outside("sql-node", node="DISTINCT … ORDER BY")


def _is_aggregate(node: exp.Expr) -> bool:
    family = surface.FUNCTIONS.get(str(node.this)) if isinstance(node, exp.Anonymous) else None
    return family is not None and family.aggregate


def _names(nodes: list[exp.Expr] | None) -> set[str]:
    return {fold(node.name) for node in nodes or ()}


def _text(node: exp.Expr) -> str:
    """The name of a column without one: its text, as the engine would have it."""
    text = DIALECT.generate(node, normalize_functions=False).replace('"', "")
    return "count_star()" if text == "count(*)" else text


def _number(projections: list[Projection]) -> None:
    """`a`, `a_1`, `a_2`: the engine's names for columns of a table that would have the same name."""
    seen: set[str] = set()
    last: dict[str, int] = {}
    for item in projections:
        name, number = item.name, last.get(fold(item.name), 0)
        while fold(name) in seen:
            number += 1
            name = f"{item.name}_{number}"
        last[fold(item.name)] = number
        item.name = name
        seen.add(fold(name))
