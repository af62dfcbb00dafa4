"""What an activity could ask of its datasets: so much the more noise each of its tables needs."""

from __future__ import annotations

import math
from collections.abc import Iterator

from publica.gateway.aggregate.model import Core
from publica.gateway.facts import Facts
from publica.gateway.relations import AS_IS, WITHHELD, effective, shape
from publica.trust.privacy.exposure import Exposure, Source, coarseness, cuts, looks


def exposure(facts: Facts, core: Core, *, in_cell: int, in_all: int, datasets: int) -> Exposure:
    """How much of one person a core shows, among all that its activity could ask for."""
    coarse = coarseness(_left_out(facts, core), math.prod(map(cuts, core.limits)))
    return Exposure(in_cell, in_all, datasets, coarse, looks(_source(facts, d) for d in _personal(facts)))


def _personal(facts: Facts) -> Iterator[str]:
    return (dataset for dataset, grant in facts.around.items() if not grant.open)


def _dimensions(facts: Facts, dataset: str) -> Iterator[tuple[str, bool, int]]:
    """Each dimension that the activity may use: its name, whether it is a period, and how many values it has
    (0: unknown)."""
    grant = facts.around[dataset]
    shown, used = shape(grant, facts.output), _used(facts, dataset)
    for column in grant.dataset.spec.columns:
        transform = effective(grant, column, facts.output)
        within = column.name in used and transform.kind != WITHHELD
        if within and shown.columns[column.name].part == "dimension":
            known = len(column.codes or ()) if transform.kind == AS_IS else 0
            yield column.name, column.role == "time", known


def _used(facts: Facts, dataset: str) -> frozenset[str]:
    parts = facts.activity.spec.datasets if facts.activity else ()
    return frozenset(column for part in parts if part.dataset == dataset for column in part.columns)


def _left_out(facts: Facts, core: Core) -> Iterator[int]:
    """How many values each dimension has that the activity may use and the core does not.

    Of all its datasets, since people could be joined with them; but no periods of others, in which people
    come again.
    """
    for dataset in _personal(facts):
        for name, period, values in _dimensions(facts, dataset):
            ours = dataset in core.members or not period
            if ours and f"{dataset}.{name}" not in core.dimensions:
                yield values


def _source(facts: Facts, dataset: str) -> Source:
    shown, used = shape(facts.around[dataset], facts.output).columns, _used(facts, dataset)
    measures = [column for name, column in shown.items() if name in used and column.part == "measure"]
    found = list(_dimensions(facts, dataset))
    return Source(
        dimensions=tuple(values for _, period, values in found if not period),
        periods=tuple(values for _, period, values in found if period),
        limited=sum(bool(column.limits) for column in measures),
        partial=sum(not column.required for column in measures),
    )
