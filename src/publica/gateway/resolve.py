"""Step 2: every table is a dataset (or a name the statement defines), every column one of a schema.

Afterwards nothing in the statement is left to the engine's own name resolution: columns are qualified, stars
and USING are written out, aliases are replaced by positions or by what they stand for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

from publica.gateway import order, surface
from publica.gateway.clauses import Clauses
from publica.gateway.model import (
    Chosen,
    Occurrence,
    Origin,
    Output,
    Resolved,
    Shape,
    Source,
    fold,
    origins,
    outside,
)
from publica.gateway.parse import shallow
from publica.gateway.periods import ask_as_given
from publica.gateway.scope import Merged, Scope, alias_names, renamed, set_alias

QUERY = (exp.Select, exp.SetOperation, exp.Subquery)


@shallow
def resolve(query: exp.Query, shapes: Mapping[str, Shape]) -> Resolved:
    """Place every name of the statement, which is changed. Raises Outside with a `sql-…` code."""
    resolver = Resolver(shapes)
    if sum(1 for _ in query.find_all(exp.Join)) > surface.JOINS:
        raise outside("sql-too-deep")
    outputs = resolver.query(query, None, {}, unique=False)
    if written_out(query, exp.Table) > surface.SOURCES:
        raise outside("sql-too-deep")
    require_few_filters(query)
    resolver.note_comparisons()
    ask_as_given(query, resolver.bound, shapes)
    parameters = frozenset(node.name for node in query.find_all(exp.Placeholder))
    check_parameters(parameters)
    reads: dict[str, set[str]] = {}
    for occurrence in resolver.occurrences:
        reads.setdefault(occurrence.dataset, set()).update(occurrence.columns.values())
    return Resolved(
        query=query,
        shapes=shapes,
        reads={dataset: frozenset(columns) for dataset, columns in reads.items()},
        parameters=parameters,
        occurrences=tuple(resolver.occurrences),
        bound=tuple(resolver.bound),
        chosen=tuple(resolver.chosen),
        met=tuple(resolver.met),
        columns=tuple(output.name for output in outputs),
    )


def written_out(query: exp.Query, kind: type[exp.Expr]) -> int:
    """How many nodes of a kind there are when each name of WITH is written out wherever it is used."""
    own: Counter[int | None] = Counter(_holder(node) for node in query.find_all(kind))
    read: dict[int | None, list[int]] = {}
    for table in query.find_all(exp.Table):
        if "from_cte" in table.meta:
            read.setdefault(_holder(table), []).append(table.meta["from_cte"])
    costs: Counter[int | None] = Counter()
    for number in (*sorted(key for key in {*own, *read} if key is not None), None):  # definitions come first
        costs[number] = own[number] + sum(costs[name] for name in read.get(number, ()))
    return costs[None]


def _holder(node: exp.Expr) -> int | None:
    """The number of the name of WITH that a node stands in."""
    cte = node.find_ancestor(exp.CTE)
    return None if cte is None else cte.meta["cte"]


def require_few_filters(query: exp.Query) -> None:
    """Raises Outside where so many aggregates have a FILTER that to plan them would fill the memory."""
    if written_out(query, exp.Filter) > surface.FILTERS:
        raise outside("sql-too-many-filters", limit=f"{surface.FILTERS}")


def check_parameters(names: frozenset[str]) -> None:
    """Refuse two parameters that are one to the engine: it would take the value of either for both."""
    known: dict[str, str] = {}
    for name in sorted(names):
        if known.setdefault(fold(name), name) != name:
            raise outside("sql-ambiguous-column", column=f"${name}")


@dataclass(frozen=True)
class Cte:
    """A name that WITH defined."""

    number: int
    outputs: tuple[Output, ...]


Ctes = Mapping[str, Cte]


class Resolver(Clauses):
    """One pass over a statement. `Clauses` places what is inside one SELECT; here are queries and sources."""

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        super().__init__(lambda node, scope, ctes: self.query(node, scope, ctes))
        self.shapes = {fold(name): shape for name, shape in shapes.items()}
        self.chosen: list[Chosen] = []
        self.met: list[tuple[frozenset[Origin], frozenset[Origin]]] = []
        self.ctes = self.unnamed = 0

    def query(
        self, node: exp.Expr, outer: Scope | None, ctes: Ctes, *, unique: bool = True
    ) -> tuple[Output, ...]:
        """The columns of a query. `unique`: it is a table, so columns of the same name are numbered."""
        ctes = self._with(node, outer, ctes)
        if isinstance(node, exp.Subquery):
            return self.query(node.this, outer, ctes, unique=unique)
        if isinstance(node, exp.SetOperation):
            return self._set_operation(node, outer, ctes, unique)
        return self._select(node, outer, ctes, unique)

    def note_comparisons(self) -> None:
        """Which columns met in IN (SELECT …) and = ANY (SELECT …)."""
        for holder, outputs in self.compared:
            value = holder.this.expressions if isinstance(holder.this, exp.Tuple) else [holder.this]
            for one, other in zip(value, outputs, strict=False):
                self.met.append((origins(one, self.bound), other.origins))

    def _with(self, node: exp.Expr, outer: Scope | None, ctes: Ctes) -> Ctes:
        known, here = dict(ctes), set()
        for cte in node.args["with_"].expressions if node.args.get("with_") else ():
            name = fold(cte.alias)
            if name in here:
                raise outside("sql-ambiguous-column", column=cte.alias)
            outputs = self.query(cte.this, outer, known)
            columns = renamed(outputs, alias_names(cte), cte.alias)
            cte.meta["cte"] = self.ctes
            known[name] = Cte(self.ctes, tuple(columns.values()))
            here.add(name)
            self.ctes += 1
        return known

    def _set_operation(
        self, node: exp.SetOperation, outer: Scope | None, ctes: Ctes, unique: bool
    ) -> tuple[Output, ...]:
        left = self.query(node.this, outer, ctes, unique=unique)
        right = self.query(node.expression, outer, ctes)
        if len(left) != len(right):
            raise outside("sql-unparsed")
        self.met += ((one.origins, other.origins) for one, other in zip(left, right, strict=True))
        outputs = tuple(
            Output(one.name, one.origins | other.origins) for one, other in zip(left, right, strict=True)
        )
        self.order_outputs(node, outputs)
        return outputs

    def _select(self, node: exp.Expr, outer: Scope | None, ctes: Ctes, unique: bool) -> tuple[Output, ...]:
        order.inline_windows(node)
        scope = Scope(outer)
        sources = self._from(node, scope, ctes)
        outputs = self.clauses(node, scope, ctes, unique)
        joins = node.args.get("joins") or ()
        inner = all(not join.side and join.kind in ("", "INNER", "CROSS") for join in joins)
        node.meta["chosen"] = len(self.chosen)
        distinct = node.args.get("distinct") is not None
        self.chosen.append(Chosen(sources, outputs, inner, order.aggregated(node), distinct))
        order.check_windows(node)
        return outputs

    def _from(self, node: exp.Expr, scope: Scope, ctes: Ctes) -> tuple[Source, ...]:
        sources: list[Source] = []
        if node.args.get("from_"):
            sources.append(self._source(node.args["from_"].this, scope, ctes))
            scope.add(sources[0])
        for join in node.args.get("joins") or ():
            source = self._source(join.this, scope, ctes)
            using = [name.name for name in join.args.get("using") or ()]
            half = join.kind in ("SEMI", "ANTI")
            left = [self._using(name, scope, source) for name in using]
            scope.add(source)
            if using:
                self._write_out(join, using, left, scope, source)
            elif join.args.get("on"):
                self.bind(join.args["on"], scope, ctes)
            if half:
                scope.remove(source)
                source = replace(source, carried=False)
            sources.append(source)
        return tuple(sources)

    def _using(self, name: str, scope: Scope, source: Source) -> exp.Expr:
        """The left side of `USING (name)`."""
        found = scope.having(name)
        if not found or fold(name) not in source.columns:
            raise outside("sql-unknown-column", column=name)
        if len(found) > 1:
            raise outside("sql-ambiguous-column", column=name)
        return self.value(scope, found[0], name)

    def _write_out(
        self, join: exp.Join, using: list[str], left: list[exp.Expr], scope: Scope, source: Source
    ) -> None:
        """USING as ON, and its columns as one each."""
        pairs = [
            exp.EQ(this=one, expression=self.reference(source, name))
            for one, name in zip(left, using, strict=True)
        ]
        join.set("using", None)
        join.set("on", pairs[0] if len(pairs) == 1 else exp.and_(*pairs, copy=False, wrap=False))
        if join.kind in ("SEMI", "ANTI"):
            return
        for one, name in zip(left, using, strict=True):
            other = self.reference(source, name)
            value = {"RIGHT": other, "FULL": self.coalesced(one, other)}.get(join.side, one)
            before = scope.merged.get(fold(name))
            first = before.first if before else scope.having(name)[0].alias
            members = (before.members if before else frozenset({first})) | {source.alias}
            scope.merged[fold(name)] = Merged(first, members, value.copy())

    def _source(self, node: exp.Expr, scope: Scope, ctes: Ctes) -> Source:
        if isinstance(node, exp.Lateral):
            node = node.this if not node.alias else node
        if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            return self._table(node, ctes)
        if isinstance(node, (exp.Table, exp.Unnest)):
            return self._function(node, scope, ctes)
        if isinstance(node, exp.Values):
            return self._values(node, scope, ctes)
        inner = node.this.this if isinstance(node, exp.Lateral) else node.this
        return self._derived(node, self.query(inner, scope, ctes))

    def _table(self, node: exp.Table, ctes: Ctes) -> Source:
        name, alias = node.name, node.alias or node.name
        known = ctes.get(fold(name)) if not node.db else None
        if known is not None:
            node.meta["from_cte"] = known.number
            return Source(alias, renamed(known.outputs, alias_names(node), alias), cte=known.number)
        shape = self.shapes.get(fold(name))
        if shape is None:
            raise outside("sql-unknown-table", table=name)
        outputs = tuple(Output(column, frozenset({(shape.dataset, column)})) for column in shape.columns)
        columns = renamed(outputs, alias_names(node), alias)
        node.meta["occurrence"] = number = len(self.occurrences)
        self.occurrences.append(Occurrence(shape.dataset, alias, columns))
        return Source(alias, columns, occurrence=number)

    def _function(self, node: exp.Expr, scope: Scope, ctes: Ctes) -> Source:
        """`range(…)`, `unnest(…)`: one column, called like the alias or else like the function."""
        arguments = node.this.expressions if isinstance(node, exp.Table) else node.expressions
        if isinstance(node, exp.Unnest) and len(arguments) != 1:
            raise outside("sql-node", node="UNNEST")
        for argument in arguments:
            self.bind(argument, scope, ctes)
        alias = node.alias or (node.this.this if isinstance(node, exp.Table) else "unnest")
        columns = renamed((Output(alias),), alias_names(node), alias)
        set_alias(node, alias, columns)
        return Source(alias, columns)

    def _values(self, node: exp.Values, scope: Scope, ctes: Ctes) -> Source:
        for row in node.expressions:
            self.bind(row, scope, ctes)
        width = len(node.expressions[0].expressions)
        if any(len(row.expressions) != width for row in node.expressions):
            raise outside("sql-node", node="VALUES")
        return self._derived(node, tuple(Output(f"col{index}") for index in range(width)))

    def _derived(self, node: exp.Expr, outputs: tuple[Output, ...]) -> Source:
        alias = node.alias
        if not alias:
            self.unnamed += 1
            alias = f"__q{self.unnamed}"
        columns = renamed(outputs, alias_names(node), alias)
        set_alias(node, alias, columns)
        return Source(alias, columns)
