"""Reading choices: counters, where a person stands, and whose data an activity may use."""

from __future__ import annotations

from collections.abc import Iterable

from pyroaring import BitMap
from sqlalchemy import Connection

from publica.data.engines import MaskUpdate
from publica.governance.activities import Activity, Basis
from publica.kernel import clock
from publica.kernel.backends import Lock
from publica.kernel.errors import BadInput, IntegrityBroken
from publica.kernel.records import Book
from publica.trust.consent import rules, store
from publica.trust.consent.model import Action, Fold, Status, Step

FAR = 10_000
"""So many changes behind, it is cheaper to be told everything than what changed."""


def counter(connection: Connection, activity: str) -> int:
    """How many choices there were about an activity."""
    return store.counter_value(connection, activity)


def counters(connection: Connection, activities: Iterable[str]) -> dict[str, int]:
    """The counter of each of these activities; 0 where nobody chose yet."""
    wanted = list(activities)
    return {**dict.fromkeys(wanted, 0), **store.counter_values(connection, wanted)}


def standing(activity: str) -> Lock:
    """Held by what names the counter of an activity: no choice about it is made meanwhile."""
    return store.lock(activity, shared=True)


def fold(connection: Connection, activity: str, at: int | None = None) -> Fold:
    """Everybody's state at a counter (now, unless one is given)."""
    last = counter(connection, activity) if at is None else at
    state = store.snapshot(connection, activity)
    if state.counter > last:
        state = Fold()
    return _onto(connection, activity, state, last)


def allowed(connection: Connection, activity: str, basis: Basis, size: int, at: int | None = None) -> BitMap:
    """The positions, among `size` people, whose data an activity may use (as of a counter)."""
    return rules.allowed(basis, fold(connection, activity, at), size)


def update_since(
    connection: Connection, activity: str, basis: Basis, size: int, since: int | None
) -> MaskUpdate:
    """What a mask must be told to stand at the present counter: everything, or what changed since `since`.

    What changed covers people with any position: those beyond `size` too.
    """
    last = counter(connection, activity)
    if since is None or last - since > FAR:
        return MaskUpdate(last, True, rules.allowed(basis, fold(connection, activity, last), size))
    changed = _onto(connection, activity, Fold(since), last)
    now_allowed, refused = rules.difference(basis, changed)
    return MaskUpdate(last, False, now_allowed, refused)


def state_of(connection: Connection, activity: str, position: int) -> Action | None:
    """A person's choice in effect; None when they never chose, or withdrew."""
    kept = store.snapshot_counter(connection, activity)
    last = store.last_alone(connection, activity, position)
    after = max(kept, 0 if last is None else last.counter)
    newer = (batch for batch in store.batches(connection, activity, after) if position in batch.people)
    last = next(newer, last)
    if last is not None and last.counter > kept:
        return None if last.action in (Action.WITHDRAW, Action.LAPSE) else last.action
    state = store.snapshot(connection, activity)
    if position in state.granted:
        return Action.GRANT
    if position in state.objected:
        return Action.OBJECT
    return Action.REFUSE if position in state.refused else None


def status(connection: Connection, book: Book, activity: str, position: int) -> Status:
    """Where a person stands with an activity. Looks through every batch about it.

    Raises BadInput when there is no such activity.
    """
    basis = basis_of(book, activity)
    state = state_of(connection, activity, position)
    alone = list(store.alone(connection, activity, position))
    among = [batch for batch in store.batches(connection, activity, 0) if position in batch.people]
    history = tuple(
        Step(
            one.counter,
            clock.parse(one.recorded_at),
            one.action,
            one.in_bulk,
            one.entry,
            one.terms,
            one.shown,
        )
        for one in sorted((*alone, *among), key=lambda change: change.counter)
    )
    return Status(rules.allows(basis, state), state, counter(connection, activity), history)


def basis_of(book: Book, activity: str) -> Basis:
    """The legal basis of an activity. Raises BadInput when there is no such activity."""
    record = book.get("activity", activity)
    if record is None or not isinstance(record.spec, Activity):
        raise BadInput(
            f"There is no activity {activity!r} that people could choose about.",
            do="Check its id; `publica apply` adds activities.",
        )
    return record.spec.basis


def _onto(connection: Connection, activity: str, state: Fold, last: int) -> Fold:
    """`state` with the changes up to `last` folded in."""
    first = state.counter
    count = 0
    for change in store.between(connection, activity, first, last):
        state.apply(change.counter, change.action, change.people)
        count += 1
    if count != last - first:
        raise IntegrityBroken(f"Choices about {activity} are missing.", do="Restore the state from a backup.")
    return state
