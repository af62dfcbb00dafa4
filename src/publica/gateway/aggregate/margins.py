"""Which output columns are protected values as they are, and their margins beside them.

A value is followed through derived tables and CTEs that only select, rename, filter and join, and through
UNION ALL. What is computed of several values has no margin here: docs/statistics.md says how to find it.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from publica.gateway.aggregate.model import Family, margin_name, value_name
from publica.gateway.model import Resolved, fold
from publica.gateway.scope import identifier

MARGIN = "__u"


def append_margins(resolved: Resolved, query: exp.Query, families: tuple[Family, ...]) -> tuple[int, ...]:
    """Append the margins of those output columns that are protected values; returns their positions.

    `query`, already over cells, is changed.
    """
    carrier = Carrier(resolved, query, families)
    branches = _branches(query)
    if not all(isinstance(branch, exp.Select) for branch in branches):
        return ()
    width = len(branches[0].expressions)
    found = [
        [carrier.margin(branch, branch.expressions[at].this) for at in range(width)] for branch in branches
    ]
    positions = [at for at in range(width) if any(row[at] is not None for row in found)]
    for branch, row in zip(branches, found, strict=True):
        for at in positions:
            nothing = exp.Cast(this=exp.Null(), to=exp.DataType.build("DOUBLE"))
            branch.append(
                "expressions", exp.Alias(this=row[at] or nothing, alias=identifier(f"{MARGIN}{at}"))
            )
    return tuple(positions)


def _branches(query: exp.Expr) -> list[exp.Expr]:
    """The parts whose rows a query gives one by one."""
    while isinstance(query, exp.Subquery):
        query = query.this
    if isinstance(query, exp.Union) and not query.args.get("distinct") and not query.args.get("by_name"):
        return [*_branches(query.this), *_branches(query.expression)]
    return [query]


class Carrier:
    """Carries margins up from the cells."""

    def __init__(self, resolved: Resolved, query: exp.Query, families: tuple[Family, ...]) -> None:
        self.resolved = resolved
        self.ctes = {cte.meta["cte"]: cte for cte in query.find_all(exp.CTE)}
        self.families = {family.chosen: family for family in families}
        self.carried: dict[tuple[int, int], str] = {}

    def margin(self, select: exp.Expr, value: exp.Expr) -> exp.Expr | None:
        """The margin of a column of a SELECT, as a column of the same SELECT; None where it has none."""
        while isinstance(value, exp.Paren):
            value = value.this
        if (
            not isinstance(value, exp.Column)
            or not isinstance(select, exp.Select)
            or select.args.get("distinct")
        ):
            return None
        family = self.families.get(select.meta["chosen"])
        if family is not None:
            return _of_cells(family, value)
        chosen = self.resolved.chosen[select.meta["chosen"]]
        if chosen.aggregated:
            return None
        return self._below(select, value)

    def _below(self, select: exp.Expr, value: exp.Column) -> exp.Expr | None:
        """From the derived table or CTE that the column comes from."""
        chosen = self.resolved.chosen[select.meta["chosen"]]
        nodes = [select.args["from_"].this] if select.args.get("from_") else []
        nodes += (join.this for join in select.args.get("joins") or ())
        for source, node in zip(chosen.sources, nodes, strict=True):
            names = [fold(name) for name in source.columns]
            if source.alias.lower() == value.text("table").lower() and fold(value.name) in names:
                inner = self.ctes[source.cte].this if source.cte is not None else _query(node)
                name = self._carry(inner, names.index(fold(value.name))) if inner is not None else None
                return exp.Column(this=identifier(name), table=value.args["table"].copy()) if name else None
        return None

    def _carry(self, inner: exp.Expr, at: int) -> str | None:
        """Append the margin of the inner query's column number `at` to its columns; returns its name."""
        while isinstance(inner, exp.Subquery):
            inner = inner.this
        if not isinstance(inner, exp.Select):
            return None
        known = self.carried.get((id(inner), at))
        if known is None:
            margin = self.margin(inner, inner.expressions[at].this)
            if margin is None:
                return None
            known = self.carried[id(inner), at] = f"{MARGIN}{len(self.carried)}_{at}"
            inner.append("expressions", exp.Alias(this=margin, alias=identifier(known)))
        return known


def _query(node: exp.Expr) -> exp.Expr | None:
    """What a derived table selects."""
    return node.this if isinstance(node, exp.Subquery) else None


def _of_cells(family: Family, value: exp.Column) -> exp.Expr | None:
    """The margin column of a protected value."""
    margins: Mapping[str, str] = {value_name(n): margin_name(n) for n in family.direct}
    if value.text("table") != family.name or value.name not in margins:
        return None
    return exp.Column(this=identifier(margins[value.name]), table=identifier(family.name))
