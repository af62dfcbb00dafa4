"""Figures for everybody: how much is asked of whose data, from the ledger as far as it is numbered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from publica.gateway import opened
from publica.instance.instance import Instance
from publica.kernel.errors import Unavailable
from publica.kernel.ledger.checkpoint import StoredCheckpoint, latest
from publica.kernel.ledger.sequencer import waiting
from publica.kernel.ledger.store import newest as read_newest
from publica.trust.transparency.flows import FlowMap, Flows

_told: WeakKeyDictionary[Instance, str] = WeakKeyDictionary()
"""The checkpoint that this process published last, of each instance."""
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
        organisations=len(book.all("organisation")),
        datasets=len(book.all("dataset")),
        activities=len(book.all("activity")),
        agreements=len(book.all("agreement")),
        open_uses=open_uses,
        flows=flows(instance),
    )


def head(instance: Instance) -> StoredCheckpoint:
    """The latest checkpoint. It is in every place of `[ledger] published` before anybody hears of it.

    Raises Unavailable when there is none, or a place cannot be written.
    """
    with instance.db.read() as connection:
        signed = latest(connection)
    if signed is None:
        raise Unavailable("The ledger has no checkpoint.", do="Run `publica ledger checkpoint`.")
    if _told.get(instance) != signed.note:
        instance.published.publish(signed.note)
        _told[instance] = signed.note
    return signed


@dataclass(frozen=True)
class Entry:
    """An entry of the ledger, as everybody may read it."""

    position: int
    kind: str
    at: str
    says: Mapping[str, Any]


def newest(instance: Instance, most: int) -> list[Entry]:
    """The latest entries that have a position, newest first."""
    with instance.db.read() as connection:
        rows = read_newest(connection, most)
    found = []
    for position, kind, body in rows:
        says = json.loads(body)
        found.append(Entry(position, kind, says["at"], says))
    return found
