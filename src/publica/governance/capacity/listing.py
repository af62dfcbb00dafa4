"""Requests: reading them, what they amount to, and whether they are what the ledger says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, or_, select

from publica.governance.capacity.model import AccessRequest, RequestState
from publica.governance.capacity.store import ENTRY, requests
from publica.kernel import clock
from publica.kernel.actor import Actor
from publica.kernel.errors import BadInput
from publica.kernel.ledger.canonical import commit
from publica.kernel.ledger.store import entered, entries


def get(connection: Connection, name: str) -> AccessRequest:
    """The request of that id. Raises BadInput when there is none."""
    row = connection.execute(select(requests).where(requests.c.id == name)).mappings().first()
    if row is None:
        raise BadInput(f"There is no request {name[:40]!r}.", do="Check its id.")
    return _request(row)


def listed(
    connection: Connection,
    *,
    state: str | None = None,
    party: str | None = None,
    use: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> list[AccessRequest]:
    """Requests, newest first; those older than `after`. `party`: who asked or was asked."""
    query = select(requests).order_by(requests.c.number.desc()).limit(limit)
    if state is not None:
        query = query.where(requests.c.state == state)
    if party is not None:
        columns = (requests.c.asker, requests.c.addressee, requests.c.escalated_to)
        query = query.where(or_(*(column == party for column in columns)))
    if use is not None:
        query = query.where(requests.c.use == use)
    if after is not None:
        last = select(requests.c.number).where(requests.c.id == after).scalar_subquery()
        query = query.where(requests.c.number < last)
    return [_request(row) for row in connection.execute(query).mappings()]


def open_ones(connection: Connection) -> list[AccessRequest]:
    """Every request that waits for an answer, the most urgent first."""
    query = select(requests).where(requests.c.state == RequestState.OPEN).order_by(requests.c.due_at)
    return [_request(row) for row in connection.execute(query).mappings()]


def statistics(connection: Connection, now: datetime) -> dict[str, Any]:
    """How requests are answered: how many, in time or late, and after how many days (the median)."""
    columns = [requests.c[name] for name in ("state", "due_at", "asked_at", "decided_at")]
    rows = connection.execute(select(*columns)).all()
    answered = [row for row in rows if row.state in (RequestState.AGREED, RequestState.DECLINED)]
    spent = (clock.parse(row.decided_at) - clock.parse(row.asked_at) for row in answered)
    days = sorted(each.total_seconds() / 86400 for each in spent)
    open_rows = [row for row in rows if row.state == RequestState.OPEN]
    return {
        "asked": len(rows),
        "open": len(open_rows),
        "overdue": sum(row.due_at <= clock.text(now) for row in open_rows),
        **{str(state): sum(row.state == state for row in rows) for state in list(RequestState)[1:]},
        "late": sum(row.decided_at > row.due_at for row in answered),
        "median_days": round(days[len(days) // 2], 1) if days else None,
    }


def altered(connection: Connection) -> Iterator[str]:
    """Every request that is not what its ledger entries commit to."""
    known = set()
    for row in connection.execute(select(requests).order_by(requests.c.number)).mappings():
        known |= {row["entry"], row["escalated_entry"], row["decided_entry"]}
        if entered(connection, row["entry"], ENTRY, row["asked_at"]) != _as_asked(row):
            yield f"The request {row['id']} is not what its ledger entry commits to."
        if any(row[f"escalated_{what}"] is not None for what in ("entry", "at", "to")):
            said = entered(connection, row["escalated_entry"], ENTRY, row["escalated_at"])
            if said is None or said != escalated(row["id"], row["escalated_to"], row["salt"]):
                yield f"The request {row['id']} did not go on as its ledger entry says."
        if row["decided_entry"] is None and row["state"] == RequestState.OPEN:
            continue
        said = entered(connection, row["decided_entry"], ENTRY, row["decided_at"])
        if said is None or said != _as_decided(row):
            yield f"The answer to the request {row['id']} is not what its ledger entry commits to."
    for leaf in connection.execute(select(entries.c.leaf).where(entries.c.kind == ENTRY)).scalars():
        if leaf not in known:
            yield "A step of a request is in the ledger and nowhere else."


def _request(row: RowMapping) -> AccessRequest:
    def instant(name: str) -> datetime | None:
        return clock.parse(row[name]) if row[name] else None

    plain = ("id", "use", "reason", "about", "organisation", "words", "answering", "addressee")
    return AccessRequest(
        **{name: row[name] for name in (*plain, "escalated_to", "decided_by")},
        state=RequestState(row["state"]),
        by=Actor(row["asker"], row["authenticated"], row["os_user"]),
        asked_at=clock.parse(row["asked_at"]),
        due_at=clock.parse(row["due_at"]),
        escalated_at=instant("escalated_at"),
        decided_at=instant("decided_at"),
        why=row["decided_why"],
    )


def asked(row: RowMapping | dict[str, Any], actor: Actor) -> dict[str, Any]:
    """What the entry of a request says: for what and until when; commitments to who asks whom, and why."""
    shown = ("use", "reason", "about", "organisation", "answering", "due_at")
    return {
        "request": row["id"],
        "step": "asked",
        **{name: row[name] for name in shown},
        "words": commit(row["salt"], b"words:" + row["words"].encode()),
        "addressee": commit(row["salt"], b"addressee:" + row["addressee"].encode()),
        "actor": commit(row["asker_salt"], actor.canonical),
    }


def escalated(name: str, to: str | None, salt: bytes) -> dict[str, Any]:
    """What the entry says of a request that went on to a chief data officer; `to` is None for nobody."""
    addressee = None if to is None else commit(salt, b"escalated:" + to.encode())
    return {"request": name, "step": "escalated", "to": addressee}


def decided(name: str, state: str, why: str, actor: Actor, salt: bytes) -> dict[str, Any]:
    """What the entry of an answer says."""
    return {
        "request": name,
        "step": state,
        "why": commit(salt, b"why:" + why.encode()),
        "actor": commit(salt, actor.canonical),
    }


def _as_asked(row: RowMapping) -> dict[str, Any]:
    return asked(row, Actor(row["asker"], row["authenticated"], row["os_user"]))


def _as_decided(row: RowMapping) -> dict[str, Any] | None:
    if row["decided_by"] is None or row["decided_salt"] is None or row["decided_why"] is None:
        return None
    actor = Actor(row["decided_by"], row["decided_authenticated"], row["decided_os_user"])
    return decided(row["id"], row["state"], row["decided_why"], actor, row["decided_salt"])
