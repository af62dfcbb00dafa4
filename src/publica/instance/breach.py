"""Reports on everyone whom an actor's uses touched: for a reason, sealed, and looked at on the record."""

from __future__ import annotations

from datetime import datetime

from publica.data import people
from publica.governance.leadership.rules import may_oversee
from publica.instance.instance import Instance
from publica.kernel import clock
from publica.kernel.actor import OPERATOR, Actor
from publica.kernel.errors import BadInput, Refused
from publica.trust.transparency import breach
from publica.trust.transparency.breach import Report


def report(
    instance: Instance, about: str, since: datetime, until: datetime, why: str, actor: Actor
) -> Report:
    """Find everyone whom an official's uses touched between two instants.

    Raises Refused unless the actor is chief data officer or auditor; BadInput for nobody's id.
    """
    _require(instance, actor)
    if instance.book().get("official", about) is None:
        raise BadInput(f"Nobody is registered as {about[:40]!r}.", do="Give an official's id.")
    return breach.report(instance.db, instance.keys, about, since, until, why, actor)


def look(instance: Instance, name: str, actor: Actor) -> Report:
    """A report that was made; that `actor` looked is entered first. Raises Refused as `report` does."""
    _require(instance, actor)
    return breach.look(instance.db, instance.keys, name, actor)


def listed(instance: Instance) -> list[tuple[str, datetime]]:
    """The reports that were made, newest first: id and when."""
    with instance.db.read() as connection:
        return breach.listed(connection)


def persons(instance: Instance, found: Report) -> list[tuple[str, bool]]:
    """The keys of everyone touched, sorted, and whether their row left."""
    with instance.db.read() as connection:
        left = set(people.keys_of(connection, instance.data, found.left))
        touched = sorted(people.keys_of(connection, instance.data, found.touched | found.left))
    return [(key, key in left) for key in touched]


def _require(instance: Instance, actor: Actor) -> None:
    decision = may_oversee(instance.book(), actor, clock.now().date())
    if actor.id != OPERATOR and not decision.allowed:
        raise Refused(decision)
