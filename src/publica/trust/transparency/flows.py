"""The flow map: who used whose data, for what, how often. Sums over receipts; nobody's name, nobody's rows.

Counted by the ledger's positions, up to one: what has a position never changes, so that each range is counted
once, and the sums are those of the ledger's entries below that position, whoever adds them up.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from sqlalchemy import Connection, func, select

from publica.kernel.ledger.store import entries
from publica.trust.transparency import store
from publica.trust.transparency.model import Outcome

RELEASED: Outcome = "released"
_AT_ONCE = 500


@dataclass(frozen=True)
class Sums:
    """What some uses come to: how many of each outcome, the rows that left, and when the last one was."""

    outcomes: Mapping[str, int] = field(default_factory=dict)
    rows: int = 0
    last: str | None = None

    @property
    def uses(self) -> int:
        """Those that were answered."""
        return self.outcomes.get(RELEASED, 0)

    @property
    def refused(self) -> int:
        return self.outcomes.get("refused", 0)

    @property
    def asked(self) -> int:
        """All of them."""
        return sum(self.outcomes.values())

    def __add__(self, other: Sums) -> Sums:
        latest = max((at for at in (self.last, other.last) if at is not None), default=None)
        outcomes = Counter(self.outcomes) + Counter(other.outcomes)
        return Sums(dict(outcomes), self.rows + other.rows, latest)


Flow = tuple[str, str]
"""A dataset, and an activity that used it."""


@dataclass(frozen=True)
class Flows:
    """Sums over the receipts among the ledger's first `size` entries.

    `datasets`: by dataset and activity, of answered uses alone. A use of two datasets counts for each.
    """

    size: int
    total: Sums
    activities: Mapping[str, Sums]
    agreements: Mapping[str, Sums]
    datasets: Mapping[Flow, Sums]


class FlowMap:
    """The flows of one ledger, kept as it grows; may be asked from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept = Flows(0, Sums(), {}, {}, {})

    def until(self, connection: Connection, size: int) -> Flows:
        """The flows of the ledger's first `size` entries, or of more if more were asked for before."""
        with self._lock:
            if size > self._kept.size:
                self._kept = _joined(self._kept, between(connection, self._kept.size, size))
            return self._kept


def between(connection: Connection, start: int, end: int) -> Flows:
    """The flows of the entries from position `start` on, before `end`."""
    uses, matters = store.uses.c, store.matters.c
    kinds = (uses.activity, uses.matter, uses.outcome)
    query = (
        select(*kinds, func.count(), func.sum(uses.rows), func.max(uses.recorded_at))
        .join(entries, entries.c.leaf == uses.entry)
        .where(entries.c.position >= start, entries.c.position < end)
        .group_by(*kinds)
    )
    found = connection.execute(query).all()
    known = sorted({row[1] for row in found})
    held: dict[bytes, Mapping[str, Any]] = {}
    for at in range(0, len(known), _AT_ONCE):
        some = select(matters.id, matters.body).where(matters.id.in_(known[at : at + _AT_ONCE]))
        held |= {row[0]: json.loads(row[1]) for row in connection.execute(some).all()}
    return flows_of(
        end, ((row[0], held[row[1]], Sums({row[2]: row[3]}, int(row[4]), row[5])) for row in found)
    )


def flows_of(size: int, counted: Iterable[tuple[str, Mapping[str, Any], Sums]]) -> Flows:
    """The flows that activities, what was used (agreements, columns by dataset), and their sums add up to."""
    total = Sums()
    activities: defaultdict[str, Sums] = defaultdict(Sums)
    agreements: defaultdict[str, Sums] = defaultdict(Sums)
    datasets: defaultdict[Flow, Sums] = defaultdict(Sums)
    for activity, matter, sums in counted:
        total += sums
        activities[activity] += sums
        if not sums.uses:
            continue
        for agreement in matter["agreements"]:
            agreements[agreement] += sums
        for dataset in matter["columns"]:
            datasets[dataset.partition("@")[0], activity] += sums
    return Flows(size, total, dict(activities), dict(agreements), dict(datasets))


def _joined(one: Flows, other: Flows) -> Flows:
    return Flows(
        other.size,
        one.total + other.total,
        _added(one.activities, other.activities),
        _added(one.agreements, other.agreements),
        _added(one.datasets, other.datasets),
    )


def _added(one: Mapping[Any, Sums], other: Mapping[Any, Sums]) -> dict[Any, Sums]:
    return {name: one.get(name, Sums()) + other.get(name, Sums()) for name in (*one, *other)}
