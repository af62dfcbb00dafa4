"""Steps 2 and 6: results that do not depend on storage order: windows and the functions over them."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from publica.gateway import surface
from publica.gateway.model import fold, outside

QUERY = (exp.Select, exp.SetOperation, exp.Subquery)
CLAUSES = ("expressions", "having", "qualify", "order")


def within(node: exp.Expr) -> Iterator[exp.Expr]:
    """The nodes of an expression, subqueries left out."""
    pending = [node]
    while pending:
        here = pending.pop()
        yield here
        pending += (child for child in here.iter_expressions() if not isinstance(child, QUERY))


def own_expressions(select: exp.Expr) -> Iterator[exp.Expr]:
    """The nodes of the clauses that are computed after grouping."""
    for clause in CLAUSES:
        value = select.args.get(clause)
        for part in value if isinstance(value, list) else [value] if value is not None else []:
            if not isinstance(part, QUERY):
                yield from within(part)


def function_of(window: exp.Expr) -> exp.Expr:
    """The call that a window applies to."""
    call: exp.Expr = window.this
    return call.args["this"] if isinstance(call, exp.Filter) else call


def aggregated(select: exp.Expr) -> bool:
    """Whether a SELECT makes groups: it has GROUP BY, HAVING, or an aggregate that is no window function."""
    if select.args.get("group") or select.args.get("having"):
        return True
    windowed = {id(function_of(node)) for node in own_expressions(select) if isinstance(node, exp.Window)}
    return any(is_aggregate(node) and id(node) not in windowed for node in own_expressions(select))


def is_aggregate(node: exp.Expr) -> bool:
    family = surface.FUNCTIONS.get(str(node.this)) if isinstance(node, exp.Anonymous) else None
    return family is not None and family.aggregate


def inline_windows(select: exp.Expr) -> None:
    """`OVER w` becomes the window that WINDOW w AS (…) defines."""
    named = {fold(window.this.name): window for window in select.args.get("windows") or ()}
    for node in own_expressions(select):
        if isinstance(node, exp.Window) and node.args.get("alias"):
            window = named.get(fold(node.args["alias"].name))
            if window is None:
                raise outside("sql-unknown-column", column=node.args["alias"].name)
            node.set("alias", None)
            for part in ("partition_by", "order", "spec"):
                value = window.args.get(part)
                copied = (
                    [item.copy() for item in value] if isinstance(value, list) else value and value.copy()
                )
                node.set(part, copied)
    select.set("windows", None)


def windows(select: exp.Expr) -> list[exp.Expr]:
    return [node for node in own_expressions(select) if isinstance(node, exp.Window)]


def depends_on_order(window: exp.Expr) -> bool:
    """Whether ties in the window's ORDER BY would change its value."""
    rows = window.args.get("spec") is not None and window.args["spec"].text("kind") == "ROWS"
    return function_of(window).this in surface.ORDERED or (rows and not _whole(window))


def _whole(window: exp.Expr) -> bool:
    """The frame is the whole partition."""
    spec = window.args.get("spec")
    ends = (
        ("start", "UNBOUNDED"),
        ("start_side", "PRECEDING"),
        ("end", "UNBOUNDED"),
        ("end_side", "FOLLOWING"),
    )
    return spec is not None and not spec.args.get("exclude") and all(spec.text(k) == v for k, v in ends)


def check_windows(select: exp.Expr) -> None:
    """Refuse a window whose value would depend on the order of rows in storage, or of tied rows."""
    for window in windows(select):
        name = str(function_of(window).this)
        if not depends_on_order(window):
            continue
        if not window.args.get("order"):
            raise outside("sql-window-order", function=name)
        spec = window.args.get("spec")
        framed = spec is not None and (spec.text("kind") == "ROWS" or _whole(window))
        from_start = spec is None or (spec.text("start"), spec.text("start_side")) == (
            "UNBOUNDED",
            "PRECEDING",
        )
        if name in ("last_value", "nth_value") and not framed:
            raise outside("sql-window-order", function=name)
        if name == "first_value" and not (framed or (from_start and not (spec and spec.args.get("exclude")))):
            raise outside("sql-window-order", function=name)
