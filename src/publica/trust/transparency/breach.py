"""Everyone whose data an actor's uses touched in a period: what must be known after a breach.

A report is made for a reason, committed to in the ledger and kept sealed, so that it says the same ever
after. Each look at it is entered, too.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pyroaring import BitMap
from sqlalchemy import Connection, insert, select

from publica.kernel import clock, ids
from publica.kernel.actor import Actor
from publica.kernel.database import Change, Database
from publica.kernel.errors import BadInput
from publica.kernel.keys import Keys
from publica.kernel.ledger.canonical import b64, canonical, commit, new_salt, unb64
from publica.trust.transparency import actions, index, receipts, store

ENTRY = "breach"
"""The kind of ledger entry that a report makes."""
WHY_LIMIT = 2000


@dataclass(frozen=True)
class Report:
    """Whom an actor's uses touched between two instants (`since` included, `until` not).

    `uses`: the receipts of those that read about people. `touched`, `left`: positions of the people whose
    rows were looked through or counted, and of those whose rows left. `exact`: whether the second is so, or
    at most.
    """

    id: str
    at: datetime
    by: Actor
    about: str
    since: datetime
    until: datetime
    why: str
    uses: tuple[str, ...]
    touched: BitMap
    left: BitMap
    exact: bool


def report(
    db: Database, keys: Keys, about: str, since: datetime, until: datetime, why: str, actor: Actor
) -> Report:
    """Find everyone, keep that sealed, and enter it. Raises BadInput without a reason or a period."""
    words = " ".join(why.split("\n")).replace("\r", "").strip()
    if not 0 < len(words) <= WHY_LIMIT or not words.isprintable():
        raise BadInput("A report is made for a reason.", do="Say why, in a sentence or two.")
    if since >= until:
        raise BadInput("The period ends before it begins.", do="Correct one of the two days.")
    with db.read() as connection:
        found = _found(connection, keys, about, since, until)
    name = ids.draw("rep")
    held = {
        "by": [actor.id, actor.authenticated, actor.os_user],
        "about": about,
        "since": clock.text(since),
        "until": clock.text(until),
        "why": why.strip(),
        "salt": b64(new_salt()),
        **found,
    }
    db.write(lambda change: _keep(change, keys, name, held))
    with db.read() as connection:
        return _report(keys, _row(connection, name))


def look(db: Database, keys: Keys, name: str, actor: Actor) -> Report:
    """A report that was made. That `actor` looked is entered first. Raises BadInput when there is none."""

    def work(change: Change) -> Any:
        row = _row(change.connection, name)
        actions.read(change, keys, "breach-report", actor, {"report": name.encode()})
        return row

    return _report(keys, db.write(work))


def listed(connection: Connection, limit: int = 50) -> list[tuple[str, datetime]]:
    """The reports that were made, newest first: id and when. About whom, only a look tells."""
    query = select(store.breaches.c.id, store.breaches.c.recorded_at)
    rows = connection.execute(query.order_by(store.breaches.c.number.desc()).limit(limit))
    return [(row.id, clock.parse(row.recorded_at)) for row in rows]


def context(token: bytes) -> bytes:
    """What a sealed report is bound to."""
    return b"breach" + token


def opened(keys: Keys, row: Any) -> dict[str, Any]:
    """What is sealed of a report."""
    held: dict[str, Any] = json.loads(keys.unseal(row.sealed, context(row.token)))
    return held


def commitment(held: dict[str, Any]) -> str:
    """What a report's entry says of its content."""
    return commit(unb64(held["salt"]), canonical(held))


def _found(
    connection: Connection, keys: Keys, about: str, since: datetime, until: datetime
) -> dict[str, Any]:
    columns = store.uses.c
    query = select(columns.id, columns.touched, columns.released, columns.released_exact).where(
        columns.actor_tag.in_(receipts.actor_tags(keys, about)),
        columns.recorded_at >= clock.text(since),
        columns.recorded_at < clock.text(until),
        columns.touched.is_not(None) | columns.released.is_not(None),  # it read about people
    )
    rows = connection.execute(query.order_by(columns.number)).all()
    return {
        "uses": [row.id for row in rows],
        "touched": _union(connection, keys, (row.touched for row in rows)),
        "left": _union(connection, keys, (row.released for row in rows)),
        "exact": all(row.released_exact for row in rows if row.released is not None),
    }


def _union(connection: Connection, keys: Keys, sets: Iterable[int | None]) -> str:
    people = BitMap()
    for number in {each for each in sets if each is not None}:
        people |= BitMap(index.load(connection, keys, number)[0].positions())
    return b64(people.serialize())


def _keep(change: Change, keys: Keys, name: str, held: dict[str, Any]) -> None:
    token = secrets.token_bytes(16)
    row = {
        "id": name,
        "recorded_at": clock.text(change.now),
        "token": token,
        "sealed": keys.seal(json.dumps(held).encode(), context(token)),
        "entry": change.enter(ENTRY, {"report": name, "content": commitment(held)}),
    }
    change.connection.execute(insert(store.breaches), row)


def _row(connection: Connection, name: str) -> Any:
    row = connection.execute(select(store.breaches).where(store.breaches.c.id == name)).first()
    if row is None:
        raise BadInput(f"There is no report {name[:40]!r}.", do="Check its id.")
    return row


def _report(keys: Keys, row: Any) -> Report:
    held = opened(keys, row)
    people: Sequence[BitMap] = [BitMap.deserialize(unb64(held[name])) for name in ("touched", "left")]
    return Report(
        id=row.id,
        at=clock.parse(row.recorded_at),
        by=Actor(*held["by"]),
        about=held["about"],
        since=clock.parse(held["since"]),
        until=clock.parse(held["until"]),
        why=held["why"],
        uses=tuple(held["uses"]),
        touched=people[0],
        left=people[1],
        exact=held["exact"],
    )
