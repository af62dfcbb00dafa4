"""What a person may choose under a legal basis, and what the choice means. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from pyroaring import BitMap

from publica.governance.activities import Basis, BasisKind
from publica.kernel.decision import Clause
from publica.trust.consent.model import Action, Fold

CONSENT, OBJECTION, NONE = "consent", "objection", "none"

SNAPSHOT_EVERY = 1_000
"""The folded state is kept once in so many changes of an activity, and after a batch of so many people."""


def right(basis: Basis) -> str:
    """The right that people have under a basis: consent, objection or none."""
    if basis.kind is BasisKind.CONSENT:
        return CONSENT
    return OBJECTION if basis.objection else NONE


def missing(activity: str, basis: Basis, action: Action) -> Clause | None:
    """The clause that stands against an action; None when it may be done. Withdrawing always may.

    Saying yes and saying no both answer who asks for consent: where a law is the basis, nobody does.
    """
    has = right(basis)
    params, cites = {"activity": activity, "right": has}, f"activity:{activity}"
    if action in (Action.GRANT, Action.REFUSE) and has != CONSENT:
        return Clause("choice-basis-is-law", False, params, cites)
    if action is Action.OBJECT and has != OBJECTION:
        return Clause("choice-no-objection", False, params, cites)
    return None


def allows(basis: Basis, action: Action | None) -> bool:
    """Whether the data of somebody whose choice in effect is `action` may be used."""
    has = right(basis)
    if has == CONSENT:
        return action is Action.GRANT
    return has == NONE or action is not Action.OBJECT


def allowed(basis: Basis, fold: Fold, size: int) -> BitMap:
    """The positions, among `size` people, whose data may be used."""
    everybody = BitMap(range(size))
    has = right(basis)
    if has == CONSENT:
        return fold.granted & everybody
    return everybody if has == NONE else everybody - fold.objected


def difference(basis: Basis, changes: Fold) -> tuple[BitMap, BitMap]:
    """Of those whom `changes` concern: who is allowed now, and who is not."""
    has = right(basis)
    if has == CONSENT:
        return changes.granted, changes.objected | changes.refused | changes.withdrawn
    if has == OBJECTION:
        return changes.granted | changes.refused | changes.withdrawn, changes.objected
    return BitMap(), BitMap()


def snapshot_due(counter: int, people: int) -> bool:
    """Whether a change at `counter`, of so many people, is worth keeping the folded state after."""
    return counter % SNAPSHOT_EVERY == 0 or people >= SNAPSHOT_EVERY


def changes(basis: Basis, state: Action | None, action: Action) -> bool:
    """Whether an action changes anything for somebody whose choice in effect is `state`."""
    if action is Action.WITHDRAW:
        return state in _taken_back(basis)
    return state not in _STANDS.get(action, {action})


def changing(basis: Basis, state: Fold, action: Action, people: BitMap) -> BitMap:
    """Those of `people` for whom an action changes anything."""
    of = {Action.GRANT: state.granted, Action.OBJECT: state.objected, Action.REFUSE: state.refused}
    if action is Action.WITHDRAW:
        return people & BitMap.union(*(of[each] for each in _taken_back(basis)))
    return people - BitMap.union(*(of[each] for each in _STANDS.get(action, {action})))


_STANDS = {Action.REFUSE: frozenset({Action.REFUSE, Action.OBJECT})}
"""Where an action changes nothing, if not only where it is in effect: who objects has said no already."""


def _taken_back(basis: Basis) -> frozenset[Action]:
    """What withdrawing ends: a consent; an objection where one could be made, and nowhere else.

    Else who asks for consent could end an objection with a no.
    """
    ended = {Action.GRANT, Action.OBJECT} if right(basis) == OBJECTION else {Action.GRANT}
    return frozenset(ended)


def overlap(sets: Iterable[BitMap]) -> bool:
    """Whether somebody is in two of the sets."""
    seen = BitMap()
    for people in sets:
        if seen & people:
            return True
        seen |= people
    return False
