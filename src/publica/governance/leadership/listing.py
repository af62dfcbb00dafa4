"""Proposals: reading them, and whether they are what the ledger says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from publica.governance.leadership.model import Proposal, State
from publica.governance.leadership.store import ENTRY, proposals
from publica.kernel import clock
from publica.kernel.actor import Actor
from publica.kernel.database import Database
from publica.kernel.errors import BadInput
from publica.kernel.ledger.canonical import commit
from publica.kernel.ledger.store import entered, entries


def get(db: Database, name: str) -> Proposal:
    """The proposal of that id. Raises BadInput when there is none."""
    with db.read() as connection:
        row = connection.execute(select(proposals).where(proposals.c.id == name)).mappings().first()
    if row is None:
        raise BadInput(f"There is no proposal {name[:40]!r}.", do="Check its id.")
    return _proposal(row)


def listed(
    connection: Connection, *, state: str | None = None, after: str | None = None, limit: int = 50
) -> list[Proposal]:
    """Proposals, newest first; those older than `after`."""
    query = select(proposals).order_by(proposals.c.number.desc()).limit(limit)
    if state is not None:
        query = query.where(proposals.c.state == state)
    if after is not None:
        last = select(proposals.c.number).where(proposals.c.id == after).scalar_subquery()
        query = query.where(proposals.c.number < last)
    return [_proposal(row) for row in connection.execute(query).mappings()]


def altered(connection: Connection) -> Iterator[str]:
    """Every proposal that is not what its ledger entries commit to."""
    known = set()
    query = select(proposals).order_by(proposals.c.number)
    for row in connection.execute(query).mappings():
        known |= {row["entry"], row["decided_entry"]}
        if entered(connection, row["entry"], ENTRY, row["proposed_at"]) != _as_proposed(row):
            yield f"The proposal {row['id']} is not what its ledger entry commits to."
        if row["decided_entry"] is None and row["state"] == State.OPEN:
            continue
        said = entered(connection, row["decided_entry"], ENTRY, row["decided_at"])
        if said is None or said != _as_decided(row):
            yield f"The decision of the proposal {row['id']} is not what its ledger entry commits to."
    for leaf in connection.execute(select(entries.c.leaf).where(entries.c.kind == ENTRY)).scalars():
        if leaf not in known:
            yield "A step of a proposal is in the ledger and nowhere else."


def _proposal(row: RowMapping) -> Proposal:
    return Proposal(
        id=row["id"],
        state=State(row["state"]),
        title=row["title"],
        documents=tuple(json.loads(row["documents"])),
        by=Actor(row["proposer"], row["authenticated"], row["os_user"]),
        proposed_at=clock.parse(row["proposed_at"]),
        decided_at=clock.parse(row["decided_at"]) if row["decided_at"] else None,
        decided_by=row["decided_by"],
        why=row["decided_why"],
    )


def proposed(
    name: str, documents: str, title: str, salt: bytes, actor: Actor, actor_salt: bytes
) -> dict[str, Any]:
    """What the entry of a proposal says: commitments to what is proposed, and by whom."""
    return {
        "proposal": name,
        "step": "proposed",
        "documents": commit(salt, f"{title}\n{documents}".encode()),
        "actor": commit(actor_salt, actor.canonical),
    }


def decided(name: str, state: str, why: str | None, actor: Actor, salt: bytes) -> dict[str, Any]:
    """What the entry of a decision says."""
    return {
        "proposal": name,
        "step": state,
        "why": commit(salt, (why or "").encode()),
        "actor": commit(salt, actor.canonical),
    }


def _as_proposed(row: RowMapping) -> dict[str, Any]:
    actor = Actor(row["proposer"], row["authenticated"], row["os_user"])
    return proposed(row["id"], row["documents"], row["title"], row["salt"], actor, row["proposer_salt"])


def _as_decided(row: RowMapping) -> dict[str, Any] | None:
    if row["decided_by"] is None or row["decided_salt"] is None:
        return None
    actor = Actor(row["decided_by"], row["decided_authenticated"], row["decided_os_user"])
    return decided(row["id"], row["state"], row["decided_why"], actor, row["decided_salt"])
