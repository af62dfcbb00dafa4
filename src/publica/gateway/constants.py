"""Step 6, accounting: which conditions compare a column with a constant, and what cannot fail."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal

from sqlglot import exp

from publica.gateway.model import Occurrence, Resolved
from publica.gateway.surface import words

COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ)
TOTAL = frozenset(
    {
        *(exp.Select, exp.Union, exp.Intersect, exp.Except, exp.Subquery, exp.With, exp.CTE, exp.TableAlias),
        *(exp.From, exp.Join, exp.Table, exp.Lateral, exp.Where, exp.Having, exp.Qualify, exp.Group),
        *(
            exp.GroupingSets,
            exp.Rollup,
            exp.Cube,
            exp.Order,
            exp.Ordered,
            exp.Limit,
            exp.Offset,
            exp.Distinct,
        ),
        *(
            exp.Identifier,
            exp.Column,
            exp.Alias,
            exp.Literal,
            exp.Boolean,
            exp.Null,
            exp.Placeholder,
            exp.Star,
        ),
        *(exp.And, exp.Or, exp.Not, exp.Paren, exp.Is, exp.Exists, exp.Filter, exp.Window, exp.WindowSpec),
        *(exp.Tuple, exp.Var),
    }
)
"""Nodes that cannot fail by themselves, whatever the values."""

TRUTHS = (exp.Predicate, exp.And, exp.Or, exp.Not, exp.Boolean, exp.Null)
"""Nodes that are true or false, or NULL."""

TOTAL_FUNCTIONS = words(
    "count count_star sum avg min max rank dense_rank row_number lower upper length year month day"
)
KINDS = (
    (re.compile(r"VARCHAR|TEXT"), "text"),
    (re.compile(r"U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?|FLOAT|DOUBLE|REAL"), "number"),
    (re.compile(r"DECIMAL(?:\((?:1[0-8]|\d)\s*,\s*\d+\))?"), "number"),
    (re.compile(r"DATE"), "date"),
    (re.compile(r"TIMESTAMP"), "timestamp"),
    (re.compile(r"BOOLEAN"), "boolean"),
)
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
DIGITS = 15
VALUES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "boolean"),
    ((int, float, Decimal), "number"),
    (datetime, "timestamp"),
    (date, "date"),
    (str, "text"),
)


def simple(node: exp.Expr, occurrence: Occurrence, resolved: Resolved, params: Mapping[str, object]) -> bool:
    """Whether a condition compares columns of one base table with constants, and nothing else."""
    if isinstance(node, (exp.And, exp.Or)):
        return all(simple(side, occurrence, resolved, params) for side in (node.this, node.expression))
    if isinstance(node, (exp.Not, exp.Paren)):
        return simple(node.this, occurrence, resolved, params)
    if node.args.get("query"):
        return False
    sides = list(_operands(node))
    if isinstance(node, exp.Is) and all(_truth(truth, resolved) for truth in _truths(node)):
        sides = [node.this]
    columns = [side for side in sides if isinstance(side, exp.Column)]
    if not columns or len(columns) > 1 or not _matching(node, resolved, params):
        return False
    return columns[0].text("table") == occurrence.alias and columns[0].name in occurrence.columns


def safe(resolved: Resolved, params: Mapping[str, object]) -> bool:
    """Whether nothing in the statement can fail on a value before the conditions have dropped rows.

    What the outermost SELECT computes for its output comes after its conditions, unless HAVING or QUALIFY
    let the engine move it below them.
    """
    return all(_total(node, resolved, params) for node in _evaluated(resolved.query))


def _evaluated(query: exp.Query) -> Iterator[exp.Expr]:
    late = isinstance(query, exp.Select) and not query.args.get("having") and not query.args.get("qualify")
    outputs = {id(item) for item in query.expressions if late and not item.find(exp.Select)}
    pending: list[exp.Expr] = [query]
    while pending:
        node = pending.pop()
        yield node
        pending += (child for child in node.iter_expressions() if id(child) not in outputs)


def _total(node: exp.Expr, resolved: Resolved, params: Mapping[str, object]) -> bool:
    if isinstance(node, exp.Anonymous):
        return node.this in TOTAL_FUNCTIONS
    if type(node) in TOTAL:
        return all(_truth(operand, resolved) for operand in _truths(node))
    if isinstance(node, (exp.Cast, exp.DataType)):
        return isinstance(node, exp.DataType) or _constant_kind(node) is not None
    return _matching(node, resolved, params)


def _truths(node: exp.Expr) -> Iterator[exp.Expr]:
    """The operands of a node that must be true or false."""
    if isinstance(node, (exp.And, exp.Or)):
        yield from (node.this, node.expression)
    elif isinstance(node, exp.Is):
        yield from () if isinstance(node.expression, exp.Null) else (node.this,)
    elif isinstance(node, (exp.Not, exp.Where, exp.Having, exp.Qualify)):
        yield node.this
    elif isinstance(node, exp.Join) and node.args.get("on"):
        yield node.args["on"]


def _truth(node: exp.Expr, resolved: Resolved) -> bool:
    """Whether a value is true, false or NULL as it is; a text would be converted."""
    node = node.unnest()
    if isinstance(node, exp.Column):
        return _kinds(node, resolved) == {"boolean"}
    return isinstance(node, TRUTHS)


def _matching(node: exp.Expr, resolved: Resolved, params: Mapping[str, object]) -> bool:
    """A comparison whose sides are of one kind, so that neither is converted."""
    if isinstance(node, exp.Is):
        return isinstance(node.expression, (exp.Null, exp.Boolean))
    sides = list(_operands(node))
    if len(sides) < 2:
        return False
    kinds = {kind for side in sides if isinstance(side, exp.Column) for kind in _kinds(side, resolved)}
    if len(kinds) != 1 or None in kinds:
        return False
    (kind,) = kinds
    return all(isinstance(side, exp.Column) or fits(side, kind, params) for side in sides)


def _operands(node: exp.Expr) -> Iterator[exp.Expr]:
    if isinstance(node, COMPARISONS):
        yield from (node.this, node.expression)
    elif isinstance(node, exp.Between):
        yield from (node.this, node.args["low"], node.args["high"])
    elif isinstance(node, exp.In) and not node.args.get("query"):
        yield from (node.this, *node.expressions)
    elif isinstance(node, exp.In):
        query = node.args["query"].unnest()
        yield node.this
        if isinstance(query, exp.Select):
            yield query.expressions[0].unalias()


def _kinds(column: exp.Expr, resolved: Resolved) -> set[str | None]:
    origins = resolved.origins(column)
    return {kind_of(resolved.shape(origin).type) for origin in origins} or {None}


def kind_of(sql_type: str) -> str | None:
    """text, number, date, timestamp or boolean; None for any other type."""
    return next((kind for pattern, kind in KINDS if pattern.fullmatch(sql_type.upper().strip())), None)


def fits(node: exp.Expr, kind: str | None, params: Mapping[str, object]) -> bool:
    """Whether a constant can be compared with a column of that kind without converting the column."""
    if isinstance(node, exp.Neg):
        return kind == "number" and fits(node.this, kind, params)
    if isinstance(node, exp.Placeholder):
        return node.name in params and value_kind(params[node.name]) in (kind, "nothing")
    if isinstance(node, exp.Literal) and node.is_string:
        return kind == "text" or (kind in ("date", "timestamp") and _is_date(node.name))
    if isinstance(node, exp.Literal):
        return kind == "number" and len(node.name) <= DIGITS
    if isinstance(node, exp.Boolean):
        return kind == "boolean"
    return kind is not None and _constant_kind(node) == kind


def value_kind(value: object) -> str | None:
    """What a parameter's value can be compared with; None for what is converted, or too long to be sure."""
    if value is None:
        return "nothing"
    if isinstance(value, int) and len(str(value)) > DIGITS:
        return None
    if isinstance(value, Decimal) and not _short(value):
        return None
    if isinstance(value, datetime) and value.tzinfo is not None:
        return None
    return next((kind for types, kind in VALUES if isinstance(value, types)), None)


def _short(value: Decimal) -> bool:
    """Whether a number has few digits about the point, so that a column can be compared with it."""
    _, digits, exponent = value.as_tuple()
    return isinstance(exponent, int) and max(len(digits), -exponent) + max(exponent, 0) <= DIGITS


def _constant_kind(node: exp.Expr) -> str | None:
    """`DATE '2020-01-31'`."""
    if (
        isinstance(node, exp.Cast)
        and not isinstance(node, exp.TryCast)
        and isinstance(node.this, exp.Literal)
    ):
        return "date" if node.to.is_type("date") and _is_date(node.this.name) else None
    return None


def _is_date(text: str) -> bool:
    try:
        return DAY.fullmatch(text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False
