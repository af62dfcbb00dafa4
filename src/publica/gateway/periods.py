"""Step 2: the year of a date that an agreement gives as a year is what it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import exp

from publica.gateway.model import Output, Shape, origins

YEAR = "year"
_PARTS = frozenset({"date_part", "datepart"})


def ask_as_given(query: exp.Expr, bound: Sequence[Output], shapes: Mapping[str, Shape]) -> None:
    """`year(c)`, `date_part('year', c)` and EXTRACT become `c` where c is a year already, in the query."""
    for call in list(query.find_all(exp.Anonymous)):
        asked = _of(call)
        found = origins(asked, bound)
        if found and all(shapes[dataset].columns[column].period == YEAR for dataset, column in found):
            call.replace(asked)


def _of(call: exp.Expr) -> exp.Expr | None:
    """What a call takes the year of."""
    given: list[exp.Expr] = call.expressions
    if call.this == YEAR and len(given) == 1:
        return given[0]
    if call.this in _PARTS and len(given) == 2 and isinstance(given[0], exp.Literal):
        return given[1] if given[0].is_string and given[0].name.lower() == YEAR else None
    return None
