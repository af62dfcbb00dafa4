"""Whether stored choices are what the ledger commits to: everything derived is derived again and compared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, select

from publica.kernel.errors import IntegrityBroken
from publica.kernel.keys import Keys
from publica.kernel.ledger.canonical import b64, commit
from publica.kernel.ledger.store import fields
from publica.trust.consent import reading, store
from publica.trust.consent.commitments import ENTRY, actor_context, entry_of
from publica.trust.consent.model import Fold


def altered(connection: Connection, keys: Keys) -> Iterator[str]:
    """Every choice that is not what its entry commits to, and all that does not follow from the choices."""
    kept = connection.execute(select(store.snapshots.c.activity)).scalars()
    for activity in sorted({*store.activities(connection), *kept}):
        yield from _of_activity(connection, keys, activity)
    for body in store.entries_alone(connection, ENTRY):
        entry = json.loads(body)
        yield f"Choice {entry['counter']} about {entry['activity']} is in the ledger and nowhere else."


def _of_activity(connection: Connection, keys: Keys, activity: str) -> Iterator[str]:
    kept = store.snapshot(connection, activity)
    state = Fold()
    same = kept == Fold()
    for row, change in store.with_entries(connection, activity):
        yield from _of_change(keys, row, change)
        if change.counter != state.counter + 1:
            yield f"Choice {state.counter + 1} about {activity} is missing."
        state.apply(change.counter, change.action, change.people)
        same = same or (state.counter == kept.counter and _equal(state, kept))
    if not same:
        yield f"The state of choices about {activity} that is kept does not follow from the choices."
    if reading.counter(connection, activity) != state.counter:
        yield f"The counter of {activity} is not the number of choices about it."


def _equal(state: Fold, kept: Fold) -> bool:
    pairs = (state.granted, kept.granted), (state.objected, kept.objected), (state.refused, kept.refused)
    return all(derived == held for derived, held in pairs)


def _of_change(keys: Keys, row: Any, change: store.Change) -> Iterator[str]:
    name = f"Choice {change.counter} about {row.activity}"
    if (row.subject is None) == (row.subjects is None):
        yield f"{name} is of one person and of many at once."
    if row.entry_body is None:
        yield f"{name} has no ledger entry."
        return
    entry = fields(row.entry_body)
    try:
        actor = keys.unseal(row.actor, actor_context(row.activity, change.counter))
        by = commit(row.actor_salt, actor)
    except IntegrityBroken:
        if not keys.sealing_lost:
            yield f"{name}: who recorded it was altered."
            return
        by = str(entry.get("actor"))  # nobody can tell any more
    expected = entry_of(
        row.activity,
        change.action,
        change.counter,
        change.people,
        in_bulk=change.in_bulk,
        salt=row.salt,
        actor=by,
        terms=change.terms,
        shown=change.shown,
    )
    if entry != {**expected, "kind": ENTRY, "at": row.recorded_at}:
        yield f"{name} is not what its ledger entry ({b64(change.entry)}) commits to."
