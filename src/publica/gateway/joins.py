"""Step 6, speed: where a statement asks whether two people are the same, their positions are compared.

Within a concept, each key has one position and each position one key (`data/subjects`); where a key is NULL
its position is. So keys are equal where their positions are, and numbers are compared much faster.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sqlglot import exp

from publica.data.model import SUBJECT_PREFIX
from publica.gateway.model import Governed, Resolved, Source, fold
from publica.gateway.released import SUBJECT
from publica.gateway.scope import identifier

KEPT = frozenset({"VARCHAR", "BIGINT", "UUID"})
"""Types by which a key is compared as its text is: as loaded, or as a pseudonym."""


class Place(NamedTuple):
    """A subject key in a statement: of which occurrence, its position instead, and what it means."""

    occurrence: int
    position: exp.Column
    meaning: tuple[str | None, str]  # concept and type


def join_by_position(query: exp.Query, resolved: Resolved, governed: Mapping[str, Governed]) -> set[int]:
    """Compare positions where `query` compares keys of one meaning; the occurrences that must give them."""
    used: set[int] = set()
    for equality in list(query.find_all(exp.EQ)):
        if not all(isinstance(side, exp.Column) for side in (equality.this, equality.expression)):
            continue  # first: to look for the clause above each of thousands would take long
        clause = equality.find_ancestor(exp.Join, exp.Where, exp.Select)
        if not isinstance(clause, (exp.Join, exp.Where)) or isinstance(clause.parent, exp.Filter):
            continue  # beside GROUP BY the keys themselves may be needed
        left = _place(equality.this, resolved, governed)
        right = _place(equality.expression, resolved, governed)
        if left and right and left.meaning == right.meaning:
            equality.set("this", left.position)
            equality.set("expression", right.position)
            used |= {left.occurrence, right.occurrence}
    return used


def _place(node: exp.Expr, resolved: Resolved, governed: Mapping[str, Governed]) -> Place | None:
    """Where a node is a subject key of a base table in the FROM next to it; None for anything else."""
    source = _source(node, resolved) if isinstance(node, exp.Column) else None
    if source is None or source.occurrence is None:
        return None
    [(dataset, column)] = resolved.origins(node)
    shape, relation = resolved.shape((dataset, column)), governed[dataset]
    subject = SUBJECT_PREFIX + column
    as_it_is = relation.columns[column] == f'"{column}"' or shape.type == "UUID"
    if subject not in relation.subjects or shape.type not in KEPT or not as_it_is:
        return None
    name = f"{SUBJECT}{relation.subjects.index(subject)}"
    position = exp.Column(this=identifier(name), table=identifier(source.alias))
    return Place(source.occurrence, position, (shape.concept, shape.type))


def _source(column: exp.Column, resolved: Resolved) -> Source | None:
    """The source that a column is of, if it is one of the SELECT that the column stands in."""
    select = column.find_ancestor(exp.Select)
    if select is None or "bound" not in column.meta:
        return None
    sources = resolved.chosen[select.meta["chosen"]].sources
    named = [source for source in sources if fold(source.alias) == fold(column.table)]
    return named[0] if len(named) == 1 and named[0].carried else None
