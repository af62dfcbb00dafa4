"""Open data is counted by the hour and dataset; nobody gets a receipt for reading what is public."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Column, Connection, String, Table, func, select

from publica.kernel.database import Change, Database, upsert
from publica.kernel.ledger.store import Number, metadata

open_uses = Table(
    "open_use",
    metadata,
    Column("dataset", String(128), primary_key=True),
    Column("hour", String(13), primary_key=True),  # 2026-11-23T12
    Column("uses", Number, nullable=False),
)


def count(db: Database, datasets: Iterable[str], at: datetime) -> None:
    """One more use of each dataset in this hour."""
    rows = [
        {"dataset": dataset, "hour": at.strftime("%Y-%m-%dT%H"), "uses": 1} for dataset in sorted(datasets)
    ]

    def work(change: Change) -> None:
        added = upsert(change.connection, open_uses)
        again = added.on_conflict_do_update(
            index_elements=["dataset", "hour"], set_={"uses": open_uses.c.uses + 1}
        )
        change.connection.execute(again, rows)

    if rows:
        db.maintain(work)


def total(connection: Connection) -> int:
    """How often open data was used, all datasets together."""
    return int(connection.execute(select(func.coalesce(func.sum(open_uses.c.uses), 0))).scalar_one())
