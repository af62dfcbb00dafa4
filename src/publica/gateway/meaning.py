"""Step 3: columns meet only where they mean the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlglot import exp

from publica.gateway.model import Origin, Resolved, Shape, outside
from publica.governance.semantics.rules import mismatch

COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ)


def check_meaning(resolved: Resolved, shapes: Mapping[str, Shape]) -> None:
    """Raise Outside (`meaning-mismatch`) where columns are compared, joined or stacked that differ in
    concept, code list, its version, or unit. Computed values carry no meaning and are not judged."""
    for left, right in _meetings(resolved):
        for one in sorted(left):
            for other in sorted(right):
                _same_meaning(one, other, shapes)


def _same_meaning(one: Origin, other: Origin, shapes: Mapping[str, Shape]) -> None:
    found = mismatch(shapes[one[0]].columns[one[1]], shapes[other[0]].columns[other[1]])
    if found is not None:
        raise outside(
            "meaning-mismatch",
            left=".".join(one),
            right=".".join(other),
            what=found.what,
            left_value=found.left,
            right_value=found.right,
        )


def _meetings(resolved: Resolved) -> Iterator[tuple[frozenset[Origin], frozenset[Origin]]]:
    yield from resolved.met
    for node in resolved.query.walk():
        for left, right in _sides(node):
            yield resolved.origins(left), resolved.origins(right)


def _sides(node: exp.Expr) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    if isinstance(node, COMPARISONS):
        yield from _paired(node.this, node.expression)
    elif isinstance(node, exp.Between):
        yield node.this, node.args["low"]
        yield node.this, node.args["high"]
    elif isinstance(node, exp.In):
        for item in node.expressions:
            yield from _paired(node.this, item)


def _paired(left: exp.Expr, right: exp.Expr) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    """`(a, b) = (c, d)` compares a with c and b with d."""
    if isinstance(left, exp.Tuple) and isinstance(right, exp.Tuple):
        yield from zip(left.expressions, right.expressions, strict=False)
    else:
        yield left, right
