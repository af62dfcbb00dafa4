"""Uses as those who asked them, or the auditor, look them up: by actor, activity, time and outcome.

What a receipt says in public is read from its entry. Who asked and in which words is sealed: opening it is a
deed of its own, entered in the ledger.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from publica.kernel import clock
from publica.kernel.keys import Keys
from publica.kernel.ledger.store import entries
from publica.trust.transparency import receipts, store


@dataclass(frozen=True)
class Filter:
    """Which uses: None where anything will do. `since` is included, `until` is not; older than `after`."""

    actor: str | None = None
    activity: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: str | None = None


Entry = Mapping[str, Any]
"""What a receipt's entry says."""


def page(connection: Connection, keys: Keys, wanted: Filter, limit: int) -> list[Entry]:
    """The entries of the uses that fit, newest first."""
    columns = store.uses.c
    query = _joined().order_by(columns.number.desc()).limit(limit)
    if wanted.actor is not None:
        query = query.where(columns.actor_tag.in_(receipts.actor_tags(keys, wanted.actor)))
    if wanted.activity is not None:
        query = query.where(columns.activity == wanted.activity)
    if wanted.outcome is not None:
        query = query.where(columns.outcome == wanted.outcome)
    if wanted.since is not None:
        query = query.where(columns.recorded_at >= clock.text(wanted.since))
    if wanted.until is not None:
        query = query.where(columns.recorded_at < clock.text(wanted.until))
    if wanted.after is not None:
        last = select(columns.number).where(columns.id == wanted.after).scalar_subquery()
        query = query.where(columns.number < last)
    return [json.loads(body) for body in connection.execute(query).scalars()]


def entry(connection: Connection, use: str) -> Entry | None:
    """The entry of one use; None when there is none."""
    body = connection.execute(_joined().where(store.uses.c.id == use)).scalar()
    return None if body is None else dict(json.loads(body))


def is_of(connection: Connection, keys: Keys, use: str, actor: str) -> bool:
    """Whether an actor made a use."""
    tag = connection.execute(select(store.uses.c.actor_tag).where(store.uses.c.id == use)).scalar()
    return tag is not None and tag in receipts.actor_tags(keys, actor)


def sealed(connection: Connection, uses: Sequence[str]) -> dict[str, bytes]:
    """What is sealed of each of these uses."""
    query = select(store.uses.c.id, store.privates.c.sealed).join(
        store.privates, store.privates.c.use == store.uses.c.number
    )
    rows = connection.execute(query.where(store.uses.c.id.in_(list(uses)))).all()
    return {row[0]: row[1] for row in rows}


def _joined() -> Select[Any]:
    return select(entries.c.body).join(store.uses, store.uses.c.entry == entries.c.leaf)
