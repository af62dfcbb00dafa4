"""Refusals, ranked by what was missing: receipts say so in public."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select

from publica.kernel import clock
from publica.kernel.ledger.store import entries
from publica.trust.transparency import store


@dataclass
class Ranked:
    """How often one thing was missing, under which activities, and when last."""

    reason: str
    times: int = 0
    latest: str = ""
    activities: Counter[str] = field(default_factory=Counter)
    cited: Counter[str] = field(default_factory=Counter)


def ranked(connection: Connection, since: datetime, until: datetime) -> list[Ranked]:
    """What was missing in the refusals between two instants (`until` not included), the most frequent first.

    A refusal that lacked several things counts under each.
    """
    query = (
        select(entries.c.body)
        .join(store.uses, store.uses.c.entry == entries.c.leaf)
        .where(store.uses.c.outcome == "refused")
        .where(store.uses.c.recorded_at >= clock.text(since), store.uses.c.recorded_at < clock.text(until))
    )
    found: dict[str, Ranked] = {}
    for body in connection.execute(query, execution_options={"yield_per": 1000}).scalars():
        receipt = json.loads(body)
        for clause in receipt["clauses"]:
            held = found.setdefault(clause["reason"], Ranked(clause["reason"]))
            held.times += 1
            held.latest = max(held.latest, receipt["at"])
            held.activities[receipt["activity"]] += 1
            if clause.get("cites"):
                held.cited[clause["cites"]] += 1
    return sorted(found.values(), key=lambda each: (-each.times, each.reason))
