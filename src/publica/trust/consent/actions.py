"""Choosing: each choice is a step of its activity's counter and a ledger entry, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyroaring import BitMap

from publica.governance.activities import Basis
from publica.kernel import clock
from publica.kernel.actor import Actor
from publica.kernel.database import Change, Database
from publica.kernel.decision import Decision
from publica.kernel.errors import BadInput, Refused
from publica.kernel.keys import Keys
from publica.kernel.ledger.canonical import commit, new_salt
from publica.kernel.records import Book
from publica.trust.consent import notice_store as notice_store
from publica.trust.consent import reading, rules, store
from publica.trust.consent.commitments import ENTRY, actor_context, entry_of
from publica.trust.consent.keeping import keep_if_due
from publica.trust.consent.model import Action, Batch, Made


class _Stands(Exception):
    """What was chosen is in effect already: the transaction is left without a trace."""


def choose(
    db: Database, keys: Keys, book: Book, activity: str, subject_position: int, action: str, actor: Actor
) -> Made:
    """Grant, withdraw or object, for one person.

    Raises Refused when the activity's basis gives no such right, BadInput for an unknown activity or action.
    A choice that stands already changes nothing and makes no entry.
    """
    chosen, basis = _action(action), reading.basis_of(book, activity)
    _may(activity, basis, chosen)
    people = BitMap([subject_position])

    def work(change: Change) -> tuple[int, bytes]:
        state = reading.state_of(change.connection, activity, subject_position)
        if state is (None if chosen is Action.WITHDRAW else chosen):
            raise _Stands
        return _record(change, keys, activity, chosen, people, actor, in_bulk=False)

    allowed = rules.allows(basis, chosen)
    try:
        counter, entry = db.write(work, [store.lock(activity)])
    except _Stands:
        with db.read() as connection:
            return Made(activity, reading.counter(connection, activity), allowed, False, None)
    keep_if_due(db, activity, counter, 1)
    return Made(activity, counter, allowed, True, entry)


def choose_many(
    db: Database, keys: Keys, book: Book, activity: str, sets: Mapping[str, BitMap], actor: Actor
) -> Batch:
    """Many people's choices, by action: all or nothing; one step and one entry per action.

    Only those whose choice changes are recorded. Raises as `choose` does, and BadInput when somebody is in
    two of the sets.
    """
    wanted = {_action(action): people for action, people in sets.items()}
    basis = reading.basis_of(book, activity)
    for action in wanted:
        _may(activity, basis, action)
    if rules.overlap(wanted.values()):
        raise BadInput("Somebody has two different choices in one batch.", do="Keep the one that counts.")
    try:
        done = db.write(
            lambda change: _record_many(change, keys, activity, wanted, actor), [store.lock(activity)]
        )
    except _Stands:
        done = []
    counts = {**dict.fromkeys(wanted, 0), **{action: count for action, count, _, _ in done}}
    if not done:
        with db.read() as connection:
            return Batch(activity, reading.counter(connection, activity), counts, ())
    last = done[-1][2]
    keep_if_due(db, activity, last, sum(counts.values()))
    return Batch(activity, last, counts, tuple(entry for _, _, _, entry in done))


def _record_many(
    change: Change, keys: Keys, activity: str, wanted: Mapping[Action, BitMap], actor: Actor
) -> list[tuple[Action, int, int, bytes]]:
    """One step per action that changes anything: the action, how many people, the counter, the entry."""
    state = reading.fold(change.connection, activity)
    done = []
    for action, people in wanted.items():
        if changed := rules.changing(state, action, people):
            counter, entry = _record(change, keys, activity, action, changed, actor, in_bulk=True)
            done.append((action, len(changed), counter, entry))
    if not done:
        raise _Stands
    return done


def _action(action: str) -> Action:
    try:
        return Action(action)
    except ValueError:
        raise BadInput(f"{action!r} is no choice.", do=f"Use one of: {', '.join(Action)}.") from None


def _may(activity: str, basis: Basis, action: Action) -> None:
    clause = rules.missing(activity, basis, action)
    if clause is not None:
        raise Refused(Decision((clause,)))


def _record(
    change: Change, keys: Keys, activity: str, action: Action, people: BitMap, actor: Actor, *, in_bulk: bool
) -> tuple[int, bytes]:
    """One step of the counter: its row and its entry. Returns the counter and the entry's leaf hash."""
    counter = store.step(change.connection, activity)
    salt, actor_salt = new_salt(), new_salt()
    by = commit(actor_salt, actor.canonical)
    entry = change.enter(
        ENTRY, entry_of(activity, action, counter, people, in_bulk=in_bulk, salt=salt, actor=by)
    )
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
    }
    store.add(change.connection, row)
    return counter, entry
