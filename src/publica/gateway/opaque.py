"""Step 6, pseudonyms: a value that stands for a person may be matched and grouped, never looked into."""

from __future__ import annotations

from sqlglot import exp

from publica.gateway.model import MERGED, Resolved, outside

ROLES = frozenset({"subject key", "pseudonym"})
MATCHES = (exp.EQ, exp.NEQ, exp.NullSafeEQ, exp.NullSafeNEQ, exp.In, exp.Is, exp.Any)
GROUPS = (exp.Group, exp.GroupingSets, exp.Rollup, exp.Cube)
TRANSPARENT = (exp.Paren, exp.Tuple, exp.Alias)
COUNTS = frozenset({"count", "grouping", "grouping_id"})


def check_opaque(resolved: Resolved) -> None:
    """Raise Outside (`sql-pseudonym-opaque`) where a key is used other than selected, matched by equality,
    joined, grouped, ordered by or counted."""
    for column in resolved.query.find_all(exp.Column):
        keys = [o for o in resolved.origins(column) if resolved.shape(o).role in ROLES]
        if keys and not _opaque_use(column):
            raise outside("sql-pseudonym-opaque", column=min(keys)[1])


def _opaque_use(node: exp.Expr) -> bool:
    holder = node.parent
    while isinstance(holder, TRANSPARENT):
        node, holder = holder, holder.parent
    if isinstance(holder, (exp.Select, exp.SetOperation)):
        return _leaves(holder)
    if isinstance(holder, (*MATCHES, *GROUPS)):
        return True
    if isinstance(holder, exp.Ordered):
        return not isinstance(holder.parent.parent if holder.parent else None, exp.Anonymous)
    if isinstance(holder, exp.Window):
        return node.arg_key == "partition_by"
    if isinstance(holder, exp.Distinct):
        holder = holder.parent
    if holder is not None and holder.meta.get(MERGED):
        return _opaque_use(holder)
    return isinstance(holder, exp.Anonymous) and holder.this in COUNTS


def _leaves(query: exp.Expr) -> bool:
    """The column is an output of `query`; a scalar subquery hands it on to the expression around it."""
    holder = query.parent
    while isinstance(holder, (exp.Subquery, exp.SetOperation)):
        query, holder = holder, holder.parent
    if holder is None or isinstance(holder, (exp.From, exp.Join, exp.Lateral, exp.CTE, exp.Exists)):
        return True
    return _opaque_use(query)
