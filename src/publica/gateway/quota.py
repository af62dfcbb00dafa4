"""How often and how much an agreement lets through: looked at in step 5, reserved in step 9."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Column, Connection, String, Table, select

from publica.governance.agreements.model import Agreement
from publica.kernel.backends import Lock
from publica.kernel.database import upsert
from publica.kernel.decision import Clause
from publica.kernel.ledger.store import Number, metadata
from publica.kernel.records import Record

spent = Table(
    "agreement_spent",
    metadata,
    Column("agreement", String(128), primary_key=True),
    Column("period", String(10), primary_key=True),  # a day 2026-11-23 (uses) or a month 2026-11 (rows)
    Column("uses", Number, nullable=False),
    Column("rows", BigInteger, nullable=False),
)


@dataclass(frozen=True)
class Spent:
    """What is spent of an agreement: uses of a day, rows of its calendar month (both UTC)."""

    uses: int = 0
    rows: int = 0


class Exhausted(Exception):
    """An agreement's frequency or volume is used up; carries the missing clause."""

    def __init__(self, clause: Clause) -> None:
        self.clause = clause
        super().__init__(clause.reason)


def spent_of(connection: Connection, agreement: Record[Agreement], at: datetime) -> Spent:
    """What is spent of an agreement by now; nothing is read where it limits neither."""
    spec = agreement.spec
    if spec.frequency is None and spec.volume is None:
        return Spent()
    columns = (spent.c.period, spent.c.uses, spent.c.rows)
    periods = (_day(at), _month(at))
    where = (spent.c.agreement == agreement.id) & spent.c.period.in_(periods)
    found = {row.period: row for row in connection.execute(select(*columns).where(where))}
    day, month = (found.get(period) for period in periods)
    return Spent(day.uses if day else 0, month.rows if month else 0)


def left(agreement: Record[Agreement], found: Spent) -> tuple[Clause, ...]:
    """Whether anything is left of what an agreement allows: a clause for each of its limits."""
    spec = agreement.spec
    limits = (
        ("agreement-frequency", found.uses, spec.frequency),
        ("agreement-volume", found.rows, spec.volume),
    )
    return tuple(
        _clause(agreement.id, code, limit, value < limit)
        for code, value, limit in limits
        if limit is not None
    )


def locks(agreements: Iterable[Record[Agreement]]) -> list[Lock]:
    """What `reserve` needs to stand still: the accounts of agreements that limit anything."""
    limited = (record for record in agreements if {record.spec.frequency, record.spec.volume} != {None})
    return [Lock(f"agreement {record.id}") for record in limited]


def reserve(connection: Connection, agreements: Iterable[Record[Agreement]], rows: int, at: datetime) -> None:
    """Count this use against each agreement, inside the receipt's transaction. Raises Exhausted."""
    for record in agreements:
        _within(record.id, "agreement-frequency", count(connection, record, at), record.spec.frequency)
        if record.spec.volume is not None:
            total = _add(connection, record.id, _month(at), uses=0, rows=rows)[1]
            _within(record.id, "agreement-volume", total, record.spec.volume)


def count(connection: Connection, agreement: Record[Agreement], at: datetime) -> int:
    """One more use of this day, whatever came of it. Returns how many it makes; 0 where none are counted."""
    if agreement.spec.frequency is None:
        return 0
    return _add(connection, agreement.id, _day(at), uses=1, rows=0)[0]


def _within(agreement: str, reason: str, value: int, limit: int | None) -> None:
    if limit is not None and value > limit:
        raise Exhausted(_clause(agreement, reason, limit, holds=False))


def _clause(agreement: str, reason: str, limit: int, holds: bool) -> Clause:
    return Clause(reason, holds, {"agreement": agreement, "limit": str(limit)}, f"agreement:{agreement}")


def _day(at: datetime) -> str:
    return at.strftime("%Y-%m-%d")


def _month(at: datetime) -> str:
    return at.strftime("%Y-%m")


def _add(connection: Connection, agreement: str, period: str, *, uses: int, rows: int) -> tuple[int, int]:
    added = upsert(connection, spent).values(agreement=agreement, period=period, uses=uses, rows=rows)
    connection.execute(
        added.on_conflict_do_update(
            index_elements=["agreement", "period"],
            set_={"uses": spent.c.uses + uses, "rows": spent.c.rows + rows},
        )
    )
    where = (spent.c.agreement == agreement) & (spent.c.period == period)
    row = connection.execute(select(spent.c.uses, spent.c.rows).where(where)).one()
    return row.uses, row.rows
