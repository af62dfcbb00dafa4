"""Step 9, the reservations: how often and how much an agreement lets through."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import BigInteger, Column, Connection, Integer, String, Table, select
from sqlalchemy.dialects import sqlite

from publica.governance.agreements.model import Agreement
from publica.kernel.decision import Clause
from publica.kernel.ledger.store import metadata
from publica.kernel.records import Record

spent = Table(
    "agreement_spent",
    metadata,
    Column("agreement", String(128), primary_key=True),
    Column("period", String(10), primary_key=True),  # a day 2026-11-23 (uses) or a month 2026-11 (rows)
    Column("uses", Integer, nullable=False),
    Column("rows", BigInteger, nullable=False),
)


class Exhausted(Exception):
    """An agreement's frequency or volume is used up; carries the missing clause."""

    def __init__(self, clause: Clause) -> None:
        self.clause = clause
        super().__init__(clause.reason)


def reserve(connection: Connection, agreements: Iterable[Record[Agreement]], rows: int, at: datetime) -> None:
    """Count this use against each agreement, inside the receipt's transaction. Raises Exhausted."""
    for record in agreements:
        if record.spec.frequency is not None:
            uses = _add(connection, record.id, at.strftime("%Y-%m-%d"), uses=1, rows=0)[0]
            _within(record.id, "agreement-frequency", uses, record.spec.frequency)
        if record.spec.volume is not None:
            total = _add(connection, record.id, at.strftime("%Y-%m"), uses=0, rows=rows)[1]
            _within(record.id, "agreement-volume", total, record.spec.volume)


def _within(agreement: str, reason: str, value: int, limit: int) -> None:
    if value > limit:
        params = {"agreement": agreement, "limit": str(limit)}
        raise Exhausted(Clause(reason, False, params, f"agreement:{agreement}"))


def _add(connection: Connection, agreement: str, period: str, *, uses: int, rows: int) -> tuple[int, int]:
    added = sqlite.insert(spent).values(agreement=agreement, period=period, uses=uses, rows=rows)
    connection.execute(
        added.on_conflict_do_update(
            index_elements=["agreement", "period"],
            set_={"uses": spent.c.uses + uses, "rows": spent.c.rows + rows},
        )
    )
    where = (spent.c.agreement == agreement) & (spent.c.period == period)
    row = connection.execute(select(spent.c.uses, spent.c.rows).where(where)).one()
    return row.uses, row.rows
