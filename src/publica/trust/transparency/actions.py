"""The verbs of transparency. Looking is a deed too: each look at somebody's uses is entered in the ledger."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from publica.kernel import clock
from publica.kernel.actor import Actor
from publica.kernel.database import Change, Database
from publica.kernel.errors import BadInput
from publica.kernel.keys import Keys
from publica.kernel.ledger.canonical import b64, commit, new_salt
from publica.trust.transparency import asked, listing, receipts, store
from publica.trust.transparency.listing import ANY, Only, Page
from publica.trust.transparency.model import Original, Private, UseOfMe


def uses_of(
    db: Database, keys: Keys, position: int, actor: Actor, *, limit: int | None = None, offset: int = 0
) -> list[UseOfMe]:
    """The uses of one person's data, newest first; that `actor` looked is entered before they are given."""
    _looked(db, keys, position, actor)
    with db.read() as connection:
        return listing.find(connection, keys, position, limit=limit, offset=offset)


def page_of_uses(
    db: Database,
    keys: Keys,
    position: int,
    actor: Actor,
    *,
    limit: int,
    offset: int = 0,
    since: datetime | None = None,
    until: datetime | None = None,
    only: Only = ANY,
    behalf: str | None = None,
) -> Page:
    """As `uses_of`, some of them and their number, between two instants.

    `behalf`: whom the actor, a machine, named as the one who asked; it is entered, hidden, too.
    """
    hidden = {"subject": position.to_bytes(4, "big")}
    if behalf is not None:
        hidden["behalf"] = behalf.encode()
    db.write(lambda change: read(change, keys, "uses-of-subject", actor, hidden))
    with db.read() as connection:
        return listing.page(
            connection, keys, position, limit=limit, offset=offset, since=since, until=until, only=only
        )


def concerned(db: Database, keys: Keys, position: int, actor: Actor, uses: Sequence[str]) -> set[str]:
    """Which of these uses concerned one person; that `actor` looked is entered before they are given."""
    _looked(db, keys, position, actor)
    with db.read() as connection:
        return listing.concerned(connection, keys, position, uses)


def last_of_each(db: Database, keys: Keys, position: int, actor: Actor, but: str) -> dict[str, datetime]:
    """When each dataset was last used about one person, but for uses under one activity; entered likewise."""
    _looked(db, keys, position, actor)
    with db.read() as connection:
        return listing.last_of_each(connection, keys, position, but)


def _looked(db: Database, keys: Keys, position: int, actor: Actor) -> None:
    subject = position.to_bytes(4, "big")
    db.write(lambda change: read(change, keys, "uses-of-subject", actor, {"subject": subject}))


def open_original(db: Database, keys: Keys, use: str, actor: Actor, why: str) -> Original:
    """Who made a use and with which statement. The opening is entered first.

    Raises BadInput for an unknown use or an empty `why`.
    """
    if not why.strip():
        raise BadInput("An original is opened for a reason.", do="Say why.")

    def work(change: Change) -> Original:
        original = _original(change.connection, keys, use)
        read(change, keys, "original", actor, {"why": why.encode()}, use=use)
        return original

    return db.write(work)


def open_originals(
    db: Database, keys: Keys, uses: Sequence[str], actor: Actor, why: str
) -> dict[str, Original]:
    """The same of several uses, in one entry which commits to their ids. Unknown ones are left out."""
    if not uses:
        return {}

    def work(change: Change) -> dict[str, Original]:
        found = asked.sealed(change.connection, uses)
        hidden = {"why": why.encode(), "uses": "\n".join(uses).encode()}
        read(change, keys, "originals", actor, hidden)
        return {use: _opened(keys, use, sealed) for use, sealed in found.items()}

    return db.write(work)


def read(
    change: Change,
    keys: Keys,
    what: str,
    actor: Actor,
    hidden: Mapping[str, bytes],
    use: str | None = None,
) -> bytes:
    """Enter that somebody read something sealed. What is `hidden`, and who read, is committed to."""
    values = {"actor": actor.canonical, **hidden}
    salts = {name: new_salt() for name in values}
    commitments = {name: commit(salts[name], value) for name, value in values.items()}
    leaf = change.enter("reading", {"what": what, "use": use, **commitments})
    opened = {name: [b64(salts[name]), b64(value)] for name, value in values.items()}
    token = secrets.token_bytes(16)
    row = {
        "entry": leaf,
        "what": what,
        "recorded_at": clock.text(change.now),
        "token": token,
        "sealed": keys.seal(json.dumps(opened).encode(), b"reading" + token),
    }
    change.connection.execute(insert(store.readings), row)
    return leaf


def _original(connection: Connection, keys: Keys, use: str) -> Original:
    query = select(store.privates.c.sealed).join(store.uses).where(store.uses.c.id == use)
    sealed = connection.execute(query).scalar()
    if sealed is None:
        raise BadInput(f"There is no use {use}.", do="Use ids stand in receipts and in people's lists.")
    return _opened(keys, use, sealed)


def _opened(keys: Keys, use: str, sealed: bytes) -> Original:
    held: dict[str, Any] = json.loads(keys.unseal(sealed, receipts.original_context(use)))
    who = held["actor"]
    private = Private(**{"actor": who.pop("id"), **who}, sql=held["sql"], params=held["params"])
    return Original(use, private, held["digest"], held["salts"])
