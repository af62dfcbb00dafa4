"""One step of an activity's counter: its row and its ledger entry."""

from __future__ import annotations

from typing import Any

from pyroaring import BitMap

from publica.kernel import clock
from publica.kernel.actor import Actor
from publica.kernel.database import Change
from publica.kernel.keys import Keys
from publica.kernel.ledger.canonical import commit, new_salt
from publica.trust.consent import store
from publica.trust.consent.commitments import ENTRY, actor_context, entry_of
from publica.trust.consent.model import Action


def record(
    change: Change,
    keys: Keys,
    activity: str,
    action: Action,
    people: BitMap,
    actor: Actor,
    *,
    in_bulk: bool,
    terms: str | None = None,
    shown: str | None = None,
) -> tuple[int, bytes]:
    """Take the step, of an activity whose lock is held. Returns the counter and the entry's leaf hash."""
    counter = store.step(change.connection, activity)
    salt, actor_salt = new_salt(), new_salt()
    by = commit(actor_salt, actor.canonical)
    said = entry_of(
        activity, action, counter, people, in_bulk=in_bulk, salt=salt, actor=by, terms=terms, shown=shown
    )
    entry = change.enter(ENTRY, said)
    row: dict[str, Any] = {
        "activity": activity,
        "counter": counter,
        "action": str(action),
        "subject": None if in_bulk else people.min(),
        "subjects": people.serialize() if in_bulk else None,
        "recorded_at": clock.text(change.now),
        "salt": salt,
        "actor": keys.seal(actor.canonical, actor_context(activity, counter)),
        "actor_salt": actor_salt,
        "entry": entry,
        "terms": terms,
        "shown": shown,
    }
    store.add(change.connection, row)
    return counter, entry
