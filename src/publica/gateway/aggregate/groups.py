"""GROUP BY over people: dimensions, one set of them or several (GROUPING SETS, ROLLUP, CUBE)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, combinations, product

from sqlglot import exp

from publica.gateway.aggregate.frames import refused
from publica.gateway.aggregate.model import Leaf
from publica.gateway.order import is_aggregate

MOST_SETS = 64
"""Most grouping sets of one SELECT."""

Find = Callable[[exp.Expr], Leaf]
"""The dimension that an expression is; raises Outside when it is none."""

Set = tuple[Leaf, ...]


def grouping_sets(select: exp.Expr, find: Find) -> list[Set]:
    """The sets of dimensions that a SELECT groups by, each in turn; without GROUP BY the empty one."""
    group = select.args.get("group")
    if group is None:
        return [()]
    items = list(group.expressions)
    if group.args.get("all"):
        items = [item.this for item in select.expressions if not _has_aggregate(item)]
    found = _crossed([_sets(_meant(select, item), select, find) for item in items])
    if len(found) > 1 and len(set(found)) < len(found):
        raise refused("the same grouping set twice")
    return found


def _crossed(parts: list[list[Set]]) -> list[Set]:
    """`a, ROLLUP (b, c)` groups by each set of the one with each of the other."""
    count = 1
    for part in parts:
        count *= len(part)
    if count > MOST_SETS:
        raise refused(f"more than {MOST_SETS} grouping sets")
    return [tuple(dict.fromkeys(chain.from_iterable(chosen))) for chosen in product(*parts)]


def _sets(item: exp.Expr, select: exp.Expr, find: Find) -> list[Set]:
    if isinstance(item, exp.GroupingSets):
        return [one for inner in item.expressions for one in _sets(_meant(select, inner), select, find)]
    if isinstance(item, (exp.Rollup, exp.Cube)):
        units = [_unit(_meant(select, inner), select, find) for inner in item.expressions]
        if len(units) > MOST_SETS.bit_length():
            raise refused(f"more than {MOST_SETS} grouping sets")
        chosen = _prefixes(units) if isinstance(item, exp.Rollup) else _subsets(units)
        return [tuple(chain.from_iterable(some)) for some in chosen]
    return [_unit(item, select, find)]


def _unit(item: exp.Expr, select: exp.Expr, find: Find) -> Set:
    """One dimension, or several in brackets."""
    if isinstance(item, exp.Tuple):
        return tuple(find(_meant(select, inner)) for inner in item.expressions)
    return (find(item),)


def _prefixes(units: list[Set]) -> Iterator[tuple[Set, ...]]:
    yield from (tuple(units[:size]) for size in range(len(units), -1, -1))


def _subsets(units: list[Set]) -> Iterator[tuple[Set, ...]]:
    yield from (some for size in range(len(units), -1, -1) for some in combinations(units, size))


def _meant(select: exp.Expr, item: exp.Expr) -> exp.Expr:
    """The output column that a number stands for; anything else itself."""
    while isinstance(item, exp.Paren):
        item = item.this
    if isinstance(item, exp.Literal) and not item.is_string:
        if not (item.name.isdecimal() and 1 <= int(item.name) <= len(select.expressions)):
            raise refused("grouping by anything but a column")
        meant: exp.Expr = select.expressions[int(item.name) - 1].this
        return _meant(select, meant) if isinstance(meant, exp.Paren) else meant
    return item


def _has_aggregate(node: exp.Expr) -> bool:
    return any(is_aggregate(inner) for inner in node.walk())
