"""Requests after refusals: what one's own refusal lacked, whom to ask, and asking them."""

from __future__ import annotations

from dataclasses import dataclass

from publica.governance.capacity import AccessRequest, Gap, actions, gaps, listing
from publica.governance.capacity.rules import answers
from publica.governance.leadership.rules import may_oversee
from publica.instance.instance import Instance
from publica.kernel import clock
from publica.kernel.actor import Actor
from publica.kernel.errors import BadInput
from publica.trust.transparency import asked


@dataclass(frozen=True)
class Refusal:
    """A refusal of one's own: its ledger entry, what it lacked, and what was asked for since."""

    entry: asked.Entry
    gaps: tuple[Gap, ...]
    requests: tuple[AccessRequest, ...]

    def request(self, gap: Gap) -> AccessRequest | None:
        """The latest request for a gap."""
        same = (each for each in self.requests if (each.reason, each.about) == (gap.reason, gap.about))
        return next(same, None)


def refusal(instance: Instance, use: str, actor: Actor) -> Refusal:
    """What a refusal of the actor's lacked. Raises BadInput when it is none, or not theirs."""
    with instance.db.read() as connection:
        entry = asked.entry(connection, use)
        mine = asked.is_of(connection, instance.keys, use, actor.id)
        made = listing.listed(connection, use=use, limit=100)
    if entry is None or not mine or entry["outcome"] != "refused":
        raise BadInput("There is no such refusal of yours.", do="See the list of your uses.")
    found = gaps(instance.book(), entry, actor.id, clock.now().date())
    return Refusal(entry, found, tuple(made))


def ask(instance: Instance, use: str, reason: str, about: str, words: str, actor: Actor) -> AccessRequest:
    """Ask for one thing that a refusal of the actor's lacked. Raises BadInput as `refusal` and `ask` do."""
    entry = refusal(instance, use, actor).entry
    return actions.ask(instance.db, instance.book(), entry, reason, about, words, actor)


def answer(instance: Instance, name: str, *, agreed: bool, why: str, actor: Actor) -> AccessRequest:
    """Agree or decline. Raises Refused when it is not the actor's to answer."""
    return actions.answer(instance.db, instance.book(), name, agreed=agreed, why=why, actor=actor)


def withdraw(instance: Instance, name: str, actor: Actor) -> AccessRequest:
    """Take one's own request back."""
    return actions.withdraw(instance.db, name, actor)


def escalate(instance: Instance) -> int:
    """Let every request go on to a chief data officer whose clock ran out."""
    return actions.escalate(instance.db, instance.book())


def get(instance: Instance, name: str) -> AccessRequest:
    """The request of that id. Raises BadInput when there is none."""
    with instance.db.read() as connection:
        return listing.get(connection, name)


def concerns(instance: Instance, request: AccessRequest, actor: Actor) -> bool:
    """Whether somebody asked, was asked, or may answer."""
    if actor.id in (request.by.id, request.addressee, request.escalated_to, request.decided_by):
        return True
    return answers(instance.book(), request, actor, clock.now())


def oversees(instance: Instance, actor: Actor) -> bool:
    """Whether somebody may see everybody's requests."""
    return may_oversee(instance.book(), actor, clock.now().date()).allowed
