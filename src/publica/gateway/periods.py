"""Step 2: the year of a date that an agreement gives as a year is what it gives."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sqlglot import exp

from publica.gateway.model import Output, Shape, origins

YEAR = "year"
_PARTS = frozenset({"date_part", "datepart"})
_TRUNCATED = frozenset({"date_trunc", "datetrunc"})
_FIRST, _LAST = re.compile(r"(\d{4})-01-01\Z"), re.compile(r"(\d{4})-12-31\Z")
_BOUNDS: dict[type[exp.Expr], re.Pattern[str]] = {
    exp.GTE: _FIRST,
    exp.LT: _FIRST,
    exp.LTE: _LAST,
    exp.GT: _LAST,
}
"""From the first day of a year on, before it; up to its last day, after it."""
_MIRRORED: dict[type[exp.Expr], type[exp.Binary]] = {
    exp.GTE: exp.LTE,
    exp.LTE: exp.GTE,
    exp.GT: exp.LT,
    exp.LT: exp.GT,
}


def ask_as_given(query: exp.Expr, bound: Sequence[Output], shapes: Mapping[str, Shape]) -> None:
    """In the query, where c is a year already: `year(c)`, `date_part('year', c)` and EXTRACT become `c`,
    `date_trunc('year', c)` its first day, and comparisons with the first or last day of a year those with
    that year."""

    def year(node: exp.Expr | None) -> bool:
        found = origins(node, bound)
        return bool(found) and all(shapes[dataset].columns[name].period == YEAR for dataset, name in found)

    for call in list(query.find_all(exp.Anonymous)):
        asked = _of(call)
        if year(asked):
            call.replace(asked)
        elif call.this in _TRUNCATED and year(_named(call)):
            first = [_named(call), exp.Literal.number(1), exp.Literal.number(1)]
            day = exp.Anonymous(this="make_date", expressions=first)
            call.replace(exp.Cast(this=day, to=exp.DataType.build("TIMESTAMP")))
    for compared in list(query.find_all(*_BOUNDS)):
        _compared(compared, year(compared.this), year(compared.expression))
    for between in list(query.find_all(exp.Between)):
        low, high = _day(between.args["low"], _FIRST), _day(between.args["high"], _LAST)
        if low and high and year(between.this):
            between.set("low", low)
            between.set("high", high)


def _of(call: exp.Expr) -> exp.Expr | None:
    """What a call takes the year of."""
    given: list[exp.Expr] = call.expressions
    if call.this == YEAR and len(given) == 1:
        return given[0]
    return _named(call) if call.this in _PARTS else None


def _named(call: exp.Expr) -> exp.Expr | None:
    """What `f('year', …)` is of."""
    given: list[exp.Expr] = call.expressions
    if len(given) == 2 and isinstance(given[0], exp.Literal) and given[0].is_string:
        return given[1] if given[0].name.lower() == YEAR else None
    return None


def _compared(node: exp.Expr, first: bool, second: bool) -> None:
    """A comparison of a year, on its first or second side, with a day."""
    if first:
        day = _day(node.expression, _BOUNDS[type(node)])
        if day:
            node.set("expression", day)
    elif second:
        day = _day(node.this, _BOUNDS[_MIRRORED[type(node)]])
        if day:
            node.set("this", day)


def _day(node: exp.Expr, which: re.Pattern[str]) -> exp.Expr | None:
    """The year of a plain day, if it is such a one."""
    if isinstance(node, exp.Cast) and node.to.sql().upper() == "DATE":
        node = node.this
    found = which.match(node.name) if isinstance(node, exp.Literal) and node.is_string else None
    return exp.Literal.number(int(found[1])) if found else None
