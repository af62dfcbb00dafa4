"""Step 7: execute into a spool, and account for the subjects, in one engine snapshot."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, TypeVar

import pyarrow as pa

from publica.data.engines.errors import NoMemory
from publica.data.engines.snapshot import Snapshot
from publica.gateway.aggregate import run
from publica.gateway.aggregate.protect import Cells
from publica.gateway.aggregate.run import Release
from publica.gateway.door import Door, Margins
from publica.gateway.facts import Facts
from publica.gateway.model import Rewritten, Touch
from publica.gateway.own import Own, given
from publica.gateway.relations import MaskKey
from publica.gateway.spool import Spool
from publica.kernel.errors import IntegrityBroken, PublicaError
from publica.trust.transparency.model import StoredSet
from publica.trust.transparency.sets import SubjectSet, padded

Shared = tuple[SubjectSet, StoredSet | None]
T = TypeVar("T")

FEW = 1_000
"""So many positions are put together without the engine, sooner than it would begin."""
PAUSES = (0.1, 0.4, 1.6)
"""Seconds after which a statement that found no memory left is tried again."""


def patiently(door: Door, work: Callable[[], T]) -> T:
    """Do work of the engine; again, if others left no memory for it, while its time lasts.

    All uses of a server share the engine's memory: one that takes it all ends soon, at the same limit.
    """
    until = time.monotonic() + door.limits.seconds
    for pause in PAUSES:
        with door.crowd.joined():
            try:
                return work()
            except NoMemory:
                if door.crowd.size == 1 or time.monotonic() + pause > until:
                    raise
        time.sleep(pause)
    with door.crowd.joined():
        return work()


@dataclass(frozen=True)
class Outcome:
    """An answer in the spool, and whose rows it touched and released; not yet anybody's."""

    spool: Spool | None  # None until protection has made it
    counter: int | None  # the choice counter that the masks stood at; None where no mask depends on choices
    touched: SubjectSet | None
    touched_as: StoredSet | None  # where an equal set is stored already
    touched_key: frozenset[tuple[str, int]] | None  # what identifies the set where it is to be stored once
    released: SubjectSet | None
    exact: bool
    cells: tuple[Cells, ...] = ()
    release: Release | None = None
    margins: Margins = field(default_factory=dict)

    @property
    def answer(self) -> Spool:
        """What leaves. Raises IntegrityBroken before protection has made it."""
        if self.spool is None:
            raise IntegrityBroken("An answer was asked for before it was protected.")
        return self.spool

    @property
    def charge(self) -> int:
        """What the answer takes of an agreement's volume: its rows, or the persons in it if more."""
        return max(self.answer.rows, self.released.count if self.released is not None else 0)


def execute(
    door: Door,
    plan: Rewritten,
    masks: Mapping[str, MaskKey],
    params: Mapping[str, Any],
    size: int,
) -> Outcome:
    """Run the rewritten statement. Raises TimedOut past a limit, BadInput when it cannot be computed."""
    values = {name: params[name] for name in plan.parameters}
    with _snapshot(door, masks) as snapshot:
        spool, left = _run(door, snapshot, plan, values)
        counters = {name: snapshot.counter(key.column) for name, key in masks.items() if key.column}
        key = None if _owns(masks) else _identity(plan, counters, size)
        touched, stored, released = _accounted(door, snapshot, plan, params, size, key, left)
    counter = min(counters.values(), default=None)
    return Outcome(spool, counter, touched, stored, key if plan.whole else None, released, plan.exact)


def execute_cells(
    door: Door,
    facts: Facts,
    plan: Rewritten,
    masks: Mapping[str, MaskKey],
    params: Mapping[str, Any],
) -> Outcome:
    """Run the cores of a statement under `aggregates`. No row leaves; all let through are looked at."""
    stocks, size = run.stock(door, facts, plan), facts.size
    with door.engine.snapshot(door.limits.seconds) as snapshot:
        cells = run.compute(snapshot, plan, stocks, params, run.parameters(facts))
        counters = {name: snapshot.counter(key.column) for name, key in masks.items() if key.column}
        key = _identity(plan, counters, size)
        touched, stored = _touched(door, snapshot, plan, params, size, key)
    counter = min(counters.values(), default=None)
    nobody = None if touched is None else SubjectSet.empty(size)
    return Outcome(None, counter, touched, stored, key if plan.whole else None, nobody, True, cells)


def account(
    door: Door, plan: Rewritten, masks: Mapping[str, MaskKey], params: Mapping[str, Any], size: int
) -> SubjectSet | None:
    """Whose rows a statement looked through that failed half-way; everybody when that cannot be told."""
    try:
        with _snapshot(door, masks) as snapshot:
            return _touched(door, snapshot, plan, params, size, None)[0]
    except PublicaError:
        return SubjectSet.from_positions(range(size), size)


def _owns(masks: Mapping[str, MaskKey]) -> dict[str, Own]:
    """Under own-data: where the person's rows come from."""
    return {dataset: key.own for dataset, key in masks.items() if key.own is not None}


@contextmanager
def _snapshot(door: Door, masks: Mapping[str, MaskKey]) -> Iterator[Snapshot]:
    """A snapshot, with the rows of who asks where only those may be read."""
    with door.engine.snapshot(door.limits.seconds) as snapshot, given(snapshot, _owns(masks)):
        yield snapshot


def _run(
    door: Door, snapshot: Snapshot, plan: Rewritten, params: Mapping[str, Any]
) -> tuple[Spool, list[pa.Array]]:
    """The visible columns go to the spool, the hidden subject columns to a list."""
    visible = len(plan.columns)
    spool: Spool | None = None
    left: list[pa.Array] = []
    for batch in snapshot.batches(plan.sql, params):
        if spool is None:
            schema = pa.schema([batch.schema.field(i) for i in range(visible)])
            spool = Spool(schema, rows=door.limits.rows, size=door.limits.bytes)
        left += batch.columns[visible:]
        spool.add(pa.RecordBatch.from_arrays(batch.columns[:visible], schema=spool.schema))
    if spool is None:
        raise IntegrityBroken("The engine gave no answer, not even an empty one.")
    spool.close()
    return spool, left


def _identity(plan: Rewritten, counters: Mapping[str, int], size: int) -> frozenset[tuple[str, int]] | None:
    """What tells the touched set from others: who is let through, and which of them the statement looks at.

    None when values that are given apart from the statement decide that too.
    """
    if not plan.touches or any(touch.parameters for touch in plan.touches):
        return None
    return frozenset((touch.sql, counters.get(touch.dataset, 0)) for touch in plan.touches) | {("", size)}


def _accounted(
    door: Door,
    snapshot: Snapshot,
    plan: Rewritten,
    params: Mapping[str, Any],
    size: int,
    key: frozenset[tuple[str, int]] | None,
    left: list[pa.Array],
) -> tuple[SubjectSet | None, StoredSet | None, SubjectSet | None]:
    """Whose rows were touched, where that set is stored, and whose rows leave."""
    if plan.all_leave:
        both = _set(snapshot, left, size)
        return both, None, both
    touched, stored = _touched(door, snapshot, plan, params, size, key)
    if touched is None or not plan.exact:
        return touched, stored, touched  # what cannot be carried through: everybody touched
    return touched, stored, _set(snapshot, left, size)


def _touched(
    door: Door,
    snapshot: Snapshot,
    plan: Rewritten,
    params: Mapping[str, Any],
    size: int,
    key: frozenset[tuple[str, int]] | None,
) -> Shared | tuple[None, None]:
    if not plan.touches:
        return None, None
    kept = door.masks if plan.whole else door.parts
    known: Shared | None = kept.get(key) if key is not None else None
    if known is not None:
        return known
    found = reduce(SubjectSet.union, [_bits(snapshot, touch, params, size) for touch in plan.touches])
    if key is not None:
        kept.put(key, (found, None))
    return found, None


def _bits(snapshot: Snapshot, touch: Touch, params: Mapping[str, Any], size: int) -> SubjectSet:
    given = {name: params[name] for name in touch.parameters}
    bits = snapshot.bits(touch.sql, {**given, "__size": size})
    return SubjectSet(bits.ljust(padded(size), b"\0"), size)


def _set(snapshot: Snapshot, left: list[pa.Array], size: int) -> SubjectSet:
    """The people at some positions."""
    if sum(len(some) for some in left) <= FEW:
        members = {position for some in left for position in some.to_pylist() if position is not None}
        return SubjectSet.from_positions(members, size)
    return SubjectSet(snapshot.pack(left, size), size)
