"""Figures for everybody: how much is asked of whose data, from the ledger as far as it is numbered."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

from publica.gateway import opened
from publica.instance.instance import Instance
from publica.kernel.ledger.sequencer import waiting
from publica.trust.transparency.flows import FlowMap, Flows

_kept: WeakKeyDictionary[Instance, FlowMap] = WeakKeyDictionary()
"""The flow map of each instance of this process."""


@dataclass(frozen=True)
class Figures:
    """What the first page says of an instance, live."""

    organisations: int
    datasets: int
    activities: int
    agreements: int
    open_uses: int
    flows: Flows


def flows(instance: Instance) -> Flows:
    """The flow map up to the ledger's last position."""
    kept = _kept.setdefault(instance, FlowMap())
    with instance.db.read() as connection:
        return kept.until(connection, waiting(connection)[0])


def figures(instance: Instance) -> Figures:
    """How many there are of what is governed, and how much it is used."""
    book = instance.book()
    with instance.db.read() as connection:
        open_uses = opened.total(connection)
    return Figures(
        *(len(list(book.all(kind))) for kind in ("organisation", "dataset", "activity", "agreement")),
        open_uses,
        flows(instance),
    )
