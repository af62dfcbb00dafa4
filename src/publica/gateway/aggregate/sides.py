"""Conditions that put people on one side of a limit of a measure: `income > 30000`.

They say of everybody in a cell that they have more, or less. So both sides must be cells that may come out;
and only at the few limits that the dataset's record names, or else many answers would bisect one's value.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from publica.gateway.aggregate.model import Leaf
from publica.gateway.constants import fits

ORDERED = (exp.GT, exp.GTE, exp.LT, exp.LTE)
MIRRORED: dict[type[exp.Expr], str] = {exp.GT: "<", exp.GTE: "<=", exp.LT: ">", exp.LTE: ">="}
SIGNS: dict[type[exp.Expr], str] = {exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<="}


def compared(condition: exp.Expr) -> exp.Column | None:
    """The column that a condition compares, by order, with constants."""
    if isinstance(condition, exp.Between):
        one, others = condition.this, [condition.args["low"], condition.args["high"]]
    elif isinstance(condition, ORDERED):
        one, others = condition.this, [condition.expression]
        if not isinstance(one, exp.Column):
            one, others = others[0], [one]
    else:
        return None
    constant = all(isinstance(other, (exp.Literal, exp.Neg, exp.Placeholder)) for other in others)
    return one if isinstance(one, exp.Column) and constant else None


def sides(condition: exp.Expr, params: Mapping[str, object]) -> dict[str, float | None]:
    """The sides that a condition keeps, by sign, and their limits; None where one is no known number."""
    if isinstance(condition, exp.Between):
        low, high = condition.args["low"], condition.args["high"]
        return {">=": _number(low, params), "<=": _number(high, params)}
    if isinstance(condition.this, exp.Column):
        return {SIGNS[type(condition)]: _number(condition.expression, params)}
    return {MIRRORED[type(condition)]: _number(condition.this, params)}


def _number(node: exp.Expr, params: Mapping[str, object]) -> float | None:
    """What a constant is, of so few digits that it is exactly this; None for a text, and for more digits: the
    engine would convert people's values to them, and could fail."""
    if isinstance(node, exp.Neg):
        inner = _number(node.this, params)
        return None if inner is None else -inner
    value = params.get(node.name) if isinstance(node, exp.Placeholder) else node.name
    return float(str(value)) if value is not None and fits(node, "number", params) else None


def name(leaf: Leaf, sign: str, limit: float) -> tuple[Leaf, str]:
    """What a side is called in the definition of a cell."""
    return leaf, f"{sign} {limit!r}"
