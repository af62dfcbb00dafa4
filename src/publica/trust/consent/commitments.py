"""What the ledger entry of a choice commits to."""

from __future__ import annotations

import sys
from typing import Any

from pyroaring import BitMap

from publica.kernel.ledger.canonical import commit
from publica.trust.consent.model import Action

ENTRY = "choice"
"""The kind of ledger entry that a choice makes."""


def packed(people: BitMap) -> bytes:
    """Positions, ascending, each as 4 bytes, most significant first: what is committed to."""
    positions = people.to_array()
    if sys.byteorder == "little":
        positions.byteswap()
    return bytes(positions.tobytes())


def entry_of(
    activity: str,
    action: Action,
    counter: int,
    people: BitMap,
    *,
    in_bulk: bool,
    salt: bytes,
    actor: str,
    terms: str | None = None,
    shown: str | None = None,
) -> dict[str, Any]:
    """The entry of one choice, or of a batch: commitments to the people, and to the actor who recorded it.

    A batch is committed to as a whole: opening it for one person shows everybody in it. `terms` and `shown`
    are named where they are known.
    """
    whom: dict[str, Any] = {"subject": commit(salt, packed(people))}
    if in_bulk:
        whom = {"subjects": commit(salt, packed(people)), "count": len(people)}
    under = {name: value for name, value in (("terms", terms), ("shown", shown)) if value is not None}
    return {"activity": activity, "action": str(action), "counter": counter, "actor": actor, **whom, **under}


def actor_context(activity: str, counter: int) -> bytes:
    """What the sealed actor of a choice is bound to."""
    return f"choice/{activity}/{counter}".encode()
