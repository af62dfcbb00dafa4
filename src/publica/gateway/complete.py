"""Step 6, determinacy: orders are completed, so that ties are decided by what leaves and never by storage."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from publica.gateway import order
from publica.gateway.model import HIDDEN, Resolved

_GATHERING = ("joins", "laterals", "group", "distinct", "having", "qualify", "with_")
GROUPINGS = (exp.GroupingSets, exp.Rollup, exp.Cube)


def complete_limits(query: exp.Query) -> None:
    """Every LIMIT or OFFSET gets an order over all output columns of its SELECT, hidden ones last."""
    for node in query.find_all(exp.Select, exp.SetOperation):
        if node.args.get("limit") or node.args.get("offset"):
            complete_order(node, width(node))


def complete_order(node: exp.Expr, columns: int) -> None:
    """After the statement's own ORDER BY, the first `columns` output columns."""
    items = list(node.args["order"].expressions) if node.args.get("order") else []
    known = {item.this.name for item in items if isinstance(item.this, exp.Literal)}
    for number in range(1, columns + 1):
        if str(number) not in known:
            items.append(exp.Ordered(this=exp.Literal.number(number), nulls_first=False))
    node.set("order", exp.Order(expressions=items))


def is_scan(node: exp.Expr) -> bool:
    """Whether the rows come one by one from one table, so in the order of its file.

    The order of anything else is left to the engine's threads and guesses: it would differ from run to run
    (and with it the result's digest), and could depend on rows that nobody may see.
    """
    if not isinstance(node, exp.Select) or any(node.args.get(part) for part in _GATHERING):
        return False
    source = node.args.get("from_")
    if source is None or not isinstance(source.this, exp.Table):
        return False
    nested = sum(1 for _ in node.find_all(exp.Select)) > 1
    return not (nested or order.aggregated(node) or node.find(exp.Window))


def width(node: exp.Expr) -> int:
    """How many columns a query gives."""
    while not isinstance(node, exp.Select):
        node = node.this
    return len(node.expressions)


def complete_windows(resolved: Resolved, query: exp.Query) -> None:
    """Windows that depend on order: ties are decided by every column that the SELECT uses."""
    for select in query.find_all(exp.Select):
        if "chosen" not in select.meta:
            continue
        for window in order.windows(select):
            if order.depends_on_order(window):
                known = [item.this for item in window.args["order"].expressions]
                for value in _deciding(resolved, select):
                    if value not in known and not isinstance(value, exp.Literal):
                        known.append(value)
                        ordered = exp.Ordered(this=value.copy(), nulls_first=False)
                        window.args["order"].append("expressions", ordered)


def _deciding(resolved: Resolved, select: exp.Expr) -> Iterator[exp.Expr]:
    chosen = resolved.chosen[select.meta["chosen"]]
    if chosen.aggregated:
        yield from _group_keys(select)
        return
    usable = {
        (source.alias, output.name)
        for source in chosen.sources
        for output in source.columns.values()
        if source.carried
        and (source.occurrence is None or output.name in resolved.occurrences[source.occurrence].columns)
    }
    for clause in order.CLAUSES:
        value = select.args.get(clause)
        for part in value if isinstance(value, list) else [value] if value is not None else []:
            for column in part.find_all(exp.Column):
                if (column.text("table"), column.name) in usable or column.name.startswith(HIDDEN):
                    yield column


def _group_keys(select: exp.Expr) -> Iterator[exp.Expr]:
    """What tells the groups apart: their keys, and with grouping sets also what is computed of them."""
    outputs = [item.this if isinstance(item, exp.Alias) else item for item in select.expressions]
    group = select.args.get("group")
    if group is None:
        return
    several = False
    pending = list(group.expressions)
    while pending:
        node = pending.pop(0)
        if isinstance(node, (*GROUPINGS, exp.Tuple)):
            several = several or isinstance(node, GROUPINGS)
            pending += node.expressions
        elif isinstance(node, exp.Paren):
            pending.append(node.this)
        elif isinstance(node, exp.Literal):
            yield outputs[int(node.name) - 1]
        else:
            yield node
    if several or group.args.get("all"):
        yield from (value for value in outputs if not value.find(exp.Window, exp.Select))
