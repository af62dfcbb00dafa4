"""Choosing: each choice is a step of its activity's counter and a ledger entry, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping

from pyroaring import BitMap

from publica.governance.activities import Basis
from publica.kernel.actor import Actor
from publica.kernel.database import Change, Database
from publica.kernel.decision import Decision
from publica.kernel.errors import BadInput, Refused
from publica.kernel.keys import Keys
from publica.kernel.records import Book
from publica.trust.consent import notices, reading, rules, store
from publica.trust.consent.keeping import keep_if_due
from publica.trust.consent.model import CHOSEN, Action, Batch, Made
from publica.trust.consent.recording import record
from publica.trust.consent.terms import Shown


class _Stands(Exception):
    """What was chosen is in effect already: the transaction is left without a trace."""


def choose(
    db: Database,
    keys: Keys,
    book: Book,
    activity: str,
    subject_position: int,
    action: str,
    actor: Actor,
    *,
    shown: Shown | None = None,
) -> Made:
    """Grant, refuse, withdraw or object, for one person, who saw the notice `shown`.

    Raises Refused when the activity's basis gives no such right, BadInput for an unknown activity or action,
    and when a consent is to other terms than those that hold. A choice that stands already changes nothing
    and makes no entry.
    """
    chosen, basis = _action(action), reading.basis_of(book, activity)
    _may(activity, basis, chosen)
    people = BitMap([subject_position])

    def work(change: Change) -> tuple[int, bytes]:
        state = reading.state_of(change.connection, activity, subject_position)
        if not rules.changes(basis, state, chosen):
            raise _Stands
        terms = notices.agreed(change, book, activity, chosen, shown)
        seen = None if shown is None or (chosen is Action.REFUSE and terms is None) else shown.form
        return record(change, keys, activity, chosen, people, actor, in_bulk=False, terms=terms, shown=seen)

    allowed = rules.allows(basis, chosen)
    try:
        counter, entry = db.write(work, [store.lock(activity)])
    except _Stands:
        with db.read() as connection:
            return Made(activity, reading.counter(connection, activity), allowed, False, None)
    keep_if_due(db, activity, counter, 1)
    return Made(activity, counter, allowed, True, entry)


def choose_many(
    db: Database,
    keys: Keys,
    book: Book,
    activity: str,
    sets: Mapping[str, BitMap],
    actor: Actor,
    *,
    shown: Shown | None = None,
) -> Batch:
    """Many people's choices, by action: all or nothing; one step and one entry per action.

    `shown`: the notice that those who consent saw; needed once the activity had other terms before.
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
            lambda change: _record_many(change, keys, book, activity, basis, wanted, actor, shown),
            [store.lock(activity)],
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
    change: Change,
    keys: Keys,
    book: Book,
    activity: str,
    basis: Basis,
    wanted: Mapping[Action, BitMap],
    actor: Actor,
    shown: Shown | None,
) -> list[tuple[Action, int, int, bytes]]:
    """One step per action that changes anything: the action, how many people, the counter, the entry."""
    state = reading.fold(change.connection, activity)
    done = []
    for action, people in wanted.items():
        if changed := rules.changing(basis, state, action, people):
            terms = notices.agreed(change, book, activity, action, shown, in_bulk=True)
            seen = None if shown is None or terms is None else shown.form
            counter, entry = record(
                change, keys, activity, action, changed, actor, in_bulk=True, terms=terms, shown=seen
            )
            done.append((action, len(changed), counter, entry))
    if not done:
        raise _Stands
    return done


def _action(action: str) -> Action:
    found = next((each for each in CHOSEN if each == action), None)
    if found is None:
        raise BadInput(f"{action!r} is no choice.", do=f"Use one of: {', '.join(CHOSEN)}.")
    return found


def _may(activity: str, basis: Basis, action: Action) -> None:
    clause = rules.missing(activity, basis, action)
    if clause is not None:
        raise Refused(Decision((clause,)))
