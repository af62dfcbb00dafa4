"""Keeping the folded state of an activity, so that a fold never starts from the first choice ever made."""

from __future__ import annotations

from publica.kernel.database import Change, Database
from publica.trust.consent import reading, rules, store


def keep_if_due(db: Database, activity: str, counter: int, people: int) -> None:
    """Keep the folded state when a change of so many people, at `counter`, is worth it."""
    if rules.snapshot_due(counter, people):
        db.maintain(lambda change: _keep(change, activity), [store.lock(activity)])


def _keep(change: Change, activity: str) -> None:
    state = reading.fold(change.connection, activity)
    if state.counter > store.snapshot_counter(change.connection, activity):
        store.keep_snapshot(change.connection, activity, state)
