"""Step 1: each node of a statement against the published lists."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sqlglot import exp

from publica.gateway import surface
from publica.gateway.model import HIDDEN, fold, outside

UNITS = surface.words(
    "MICROSECOND MILLISECOND SECOND MINUTE HOUR DAY WEEK MONTH QUARTER YEAR DECADE CENTURY MILLENNIUM"
)
PARTS = UNITS | surface.words("DOW DOY DAYOFWEEK DAYOFYEAR ISODOW ISOYEAR WEEKDAY YEARWEEK EPOCH ERA JULIAN")
PSEUDO_COLUMNS = frozenset({"rowid"})
NUMBER = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z")
PARAMETER = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
JOINS = {
    ("", ""), ("", "INNER"), ("", "CROSS"), ("", "SEMI"), ("", "ANTI"), ("LEFT", ""), ("LEFT", "OUTER"),
    ("RIGHT", ""), ("RIGHT", "OUTER"), ("FULL", ""), ("FULL", "OUTER"), ("", "OUTER"),
}  # fmt: skip
FRAMES = frozenset({"ROWS", "RANGE", "GROUPS"})


def allow(node: exp.Expr) -> None:
    """Refuse a node class, an argument, a type, a function or a name that is not on the list."""
    _with_a_code_of_its_own(node)
    allowed = surface.NODES.get(type(node))
    if allowed is None:
        raise outside("sql-node", node=described(node))
    for name, value in node.args.items():
        if name not in allowed and value not in (None, False, []):
            raise outside("sql-node", node=f"{described(node)} … {name.strip('_').upper()}")
    check = CHECKS.get(type(node))
    if check is not None:
        check(node)


def described(node: exp.Expr) -> str:
    """A node class in words; nothing that the user wrote."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).upper()


def _with_a_code_of_its_own(node: exp.Expr) -> None:
    if isinstance(node, exp.TableSample) or node.args.get("sample"):
        raise outside("sql-sample")
    if isinstance(node, exp.With) and node.args.get("recursive"):
        raise outside("sql-recursive")
    if isinstance(node, exp.Join) and node.args.get("method") == "NATURAL":
        raise outside("sql-natural-join")
    if isinstance(node, exp.Fetch) or (isinstance(node, exp.Limit) and node.args.get("limit_options")):
        raise outside("sql-limit")


def _require(condition: bool, node: exp.Expr) -> None:
    if not condition:
        raise outside("sql-node", node=described(node))


def _select(node: exp.Expr) -> None:
    if not node.expressions:
        raise outside("sql-unparsed")


def _subquery(node: exp.Expr) -> None:
    _require(isinstance(node.this, (exp.Select, exp.SetOperation, exp.Subquery, exp.Values)), node)


def _identifier(node: exp.Expr) -> None:
    name = node.this
    if not isinstance(name, str) or not name or name.startswith(HIDDEN) or fold(name) in PSEUDO_COLUMNS:
        raise outside("sql-hidden-name", name=str(name))


def _table(node: exp.Expr) -> None:
    """A table is a name, bare or in `main`, or a listed function that reads no data."""
    function = node.this
    if isinstance(function, exp.Anonymous):
        if function.this not in surface.TABLE_FUNCTIONS:
            raise outside("sql-function", function=str(function.name))
    elif not isinstance(function, exp.Identifier) or fold(node.text("db")) not in ("", "main"):
        raise outside("sql-unknown-table", table=node.name)


def _column(node: exp.Expr) -> None:
    _require(isinstance(node.this, (exp.Identifier, exp.Star)), node)
    if fold(node.text("db")) not in ("", "main"):
        raise outside("sql-unknown-column", column=f"{node.text('db')}.{node.text('table')}.{node.name}")


def _star(node: exp.Expr) -> None:
    holder = node.parent.parent if isinstance(node.parent, exp.Column) else node.parent
    counted = isinstance(holder, exp.Anonymous) and holder.this == "count" and not node.args.get("except_")
    _require(counted or (isinstance(holder, exp.Select) and node.find_ancestor(exp.Select) is holder), node)


def _alias(node: exp.Expr) -> None:
    _require(
        isinstance(node.parent, (exp.Select, exp.Star)) and isinstance(node.args["alias"], exp.Identifier),
        node,
    )


def _literal(node: exp.Expr) -> None:
    _require(bool(node.args.get("is_string")) or NUMBER.match(node.this) is not None, node)


def _placeholder(node: exp.Expr) -> None:
    name = node.this
    _require(isinstance(name, str) and PARAMETER.match(name) is not None, node)


def _whole_number(node: exp.Expr) -> None:
    number = node.expression
    if not (isinstance(number, exp.Literal) and not number.is_string and number.this.isdigit()):
        raise outside("sql-limit")


def _interval(node: exp.Expr) -> None:
    unit = node.args.get("unit")
    _require(unit is None or (isinstance(unit, exp.Var) and _upper(unit.name).rstrip("S") in _SINGULAR), node)


_SINGULAR = UNITS | {unit.rstrip("S") for unit in UNITS} | {"CENTURIE"}


def _upper(word: str) -> str:
    """In capitals, if it is ASCII: other letters have capitals too (`ſ` has S), but not to the engine."""
    return word.upper() if word.isascii() else word


def _var(node: exp.Expr) -> None:
    """A bare word is a unit, a part of a date, a frame's exclusion, or the ALL of ORDER BY ALL."""
    word, holder = _upper(node.name), node.parent
    _require(
        isinstance(holder, exp.Interval)
        or (isinstance(holder, exp.Extract) and word in PARTS)
        or (isinstance(holder, exp.WindowSpec) and word in ("TIES", "GROUP", "CURRENT ROW", "NO OTHERS"))
        or (isinstance(holder, exp.Ordered) and word == "ALL"),
        node,
    )


def _any(node: exp.Expr) -> None:
    comparison = isinstance(node.parent, (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE))
    _require(comparison and isinstance(node.this, exp.Subquery), node)


def _data_type(node: exp.Expr) -> None:
    name = getattr(node.this, "value", str(node.this))
    _require(name in surface.TYPES, node)


def _join(node: exp.Expr) -> None:
    _require((node.text("side").upper(), node.text("kind").upper()) in JOINS, node)


def _distinct(node: exp.Expr) -> None:
    in_call = isinstance(node.parent, (exp.Anonymous, exp.Order))
    _require(len(node.expressions) == 1 if in_call else not node.expressions, node)


def _order(node: exp.Expr) -> None:
    _require(not node.this or isinstance(node.parent, exp.Anonymous), node)


def _group(node: exp.Expr) -> None:
    _require(node.args.get("all") in (None, True), node)


def _lambda(node: exp.Expr) -> None:
    """Inside another lambda only over what that one is given: no list times itself."""
    call = node.parent
    own = isinstance(call, exp.Anonymous) and isinstance(call.expressions[0], exp.Identifier)
    _require(isinstance(call, exp.Anonymous) and (own or call.find_ancestor(exp.Lambda) is None), node)


def _window(node: exp.Expr) -> None:
    if isinstance(node.parent, exp.Select) and node.arg_key == "windows":
        _require(isinstance(node.this, exp.Identifier) and not node.args.get("alias"), node)
        return
    function = node.this.this if isinstance(node.this, exp.Filter) else node.this
    _require(isinstance(function, exp.Anonymous) and node.args.get("over") == "OVER", node)
    family = surface.FUNCTIONS.get(str(function.this))
    _require(family is not None and (family.aggregate or family.window), node)
    if node.args.get("alias"):  # OVER name, alone: a window built on another one is left out
        _require(not any(node.args.get(part) for part in ("partition_by", "order", "spec")), node)


def _window_spec(node: exp.Expr) -> None:
    _require(node.text("kind") in FRAMES, node)


def _filter(node: exp.Expr) -> None:
    function = node.this
    family = surface.FUNCTIONS.get(str(function.this)) if isinstance(function, exp.Anonymous) else None
    _require(family is not None and family.aggregate and isinstance(node.expression, exp.Where), node)


def _nulls(node: exp.Expr) -> None:
    """`lag(x IGNORE NULLS)`; the engine does not take `lag(x) IGNORE NULLS`."""
    call = node.parent
    _require(isinstance(call, exp.Anonymous) and isinstance(call.parent, exp.Window), node)


def _function(node: exp.Expr) -> None:
    """A listed function, in a place and with arguments that suit its family."""
    name = node.this
    family = surface.FUNCTIONS.get(name) if isinstance(name, str) else None
    if family is None:
        raise outside("sql-function", function=str(node.name))
    fits = not family.window or isinstance(node.parent, exp.Window)
    for argument in node.expressions:
        fits &= not isinstance(argument, exp.Alias)
        fits &= family.aggregate or not isinstance(argument, (exp.Distinct, exp.Order))
    fits &= (
        _orders_itself(node)
        if name in surface.COLLECTING
        else not node.expressions or not isinstance(node.expressions[-1], exp.Order)
    )
    if name in surface.BOUNDED:
        fits &= _bounded(node.expressions[surface.BOUNDED[name] :][:1])
    if name in surface.SERIES and not isinstance(node.parent, exp.Table):
        fits &= 0 <= series(node) <= surface.LARGEST_REPEAT
    if not fits:
        raise outside("sql-function", function=name)


def check_growth(query: exp.Expr) -> None:
    """Refuse what makes long values longer again and again, in one expression or through several queries."""
    growth = 1
    for call in query.find_all(exp.Anonymous):
        growth *= max(1, _growth(call))
        if growth > surface.LARGEST_GROWTH:
            raise outside("sql-function", function=str(call.this))


def _growth(call: exp.Expr) -> int:
    """How much longer a call can make its argument."""
    name, arguments = call.this, call.expressions
    if name == "repeat":
        return int(arguments[1].this)
    if name in surface.SERIES and not isinstance(call.parent, exp.Table):
        return series(call)
    if name in ("replace", "regexp_replace") and len(arguments) > 2:
        plain = isinstance(arguments[2], exp.Literal)
        return len(arguments[2].name) if plain else surface.UNKNOWN_GROWTH
    return 1


def series(call: exp.Expr) -> int:
    """How long the list of `range(…)` is at most; -1 if its ends are no plain numbers."""
    ends = []
    for argument in call.expressions:
        number = argument.this if isinstance(argument, exp.Neg) else argument
        if not (isinstance(number, exp.Literal) and not number.is_string and number.this.isdigit()):
            return -1
        ends.append(-int(number.this) if number is not argument else int(number.this))
    return abs(ends[1] - ends[0] if len(ends) > 1 else ends[0]) + 1 if ends else -1


def _orders_itself(node: exp.Expr) -> bool:
    """`list(x ORDER BY x)`, `string_agg(x, ', ' ORDER BY x)`: equal values are interchangeable."""
    last = node.expressions[-1] if node.expressions else None
    if not isinstance(last, exp.Order) or len(last.expressions) != 1:
        return False
    value = last.this if len(node.expressions) == 1 else node.expressions[0]
    if isinstance(value, exp.Distinct):
        value = value.expressions[0]
    return bool(last.expressions[0].this == value)


def _bounded(arguments: list[Any]) -> bool:
    count = arguments[0] if arguments else None
    number = count.this if isinstance(count, exp.Literal) and not count.is_string else ""
    return number.isdigit() and int(number) <= surface.LARGEST_REPEAT


CHECKS: dict[type[exp.Expr], Callable[[exp.Expr], None]] = {
    exp.Select: _select,
    exp.Subquery: _subquery,
    exp.Identifier: _identifier,
    exp.Table: _table,
    exp.Column: _column,
    exp.Star: _star,
    exp.Alias: _alias,
    exp.Literal: _literal,
    exp.Placeholder: _placeholder,
    exp.Limit: _whole_number,
    exp.Offset: _whole_number,
    exp.Interval: _interval,
    exp.Var: _var,
    exp.Any: _any,
    exp.DataType: _data_type,
    exp.Join: _join,
    exp.Distinct: _distinct,
    exp.Order: _order,
    exp.Group: _group,
    exp.Lambda: _lambda,
    exp.Window: _window,
    exp.WindowSpec: _window_spec,
    exp.Filter: _filter,
    exp.IgnoreNulls: _nulls,
    exp.RespectNulls: _nulls,
    exp.Anonymous: _function,
}
