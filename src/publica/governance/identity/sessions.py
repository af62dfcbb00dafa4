"""Sessions of people who signed in, and sign-ins under way: kept by digest, what is said of them sealed."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from publica.governance.identity.credentials import digest
from publica.governance.identity.store import answers, attempts, sessions
from publica.kernel import clock
from publica.kernel.actor import Actor
from publica.kernel.database import Change, Database
from publica.kernel.keys import Keys

NOTED = timedelta(minutes=1)
"""How exactly the last use of a session is known."""
ATTEMPT = timedelta(minutes=10)
"""How long a sign-in may take."""


@dataclass(frozen=True)
class Session:
    """Somebody who signed in: who, at which provider, and until when.

    `subject`: a citizen's key. `roles`: those that count, None for all that they hold.
    """

    digest: bytes
    actor: Actor
    provider: str
    subject: str | None
    roles: frozenset[str] | None
    signed_in_at: datetime
    used_at: datetime
    expires_at: datetime

    def good(self, now: datetime, idle: timedelta) -> bool:
        """Whether it still holds: not too old, and used not too long ago."""
        return now < self.expires_at and now - self.used_at < idle


@dataclass(frozen=True)
class Attempt:
    """A sign-in under way: at which provider, and what was sealed with it."""

    provider: str
    held: Mapping[str, str]


def begin(change: Change, keys: Keys, session: Session) -> None:
    """Keep a new session."""
    held = {
        "actor": [session.actor.id, session.actor.authenticated],
        "provider": session.provider,
        "subject": session.subject,
        "roles": None if session.roles is None else sorted(session.roles),
    }
    row = {
        "digest": session.digest,
        "actor_tag": actor_tag(keys, session.actor.id),
        "sealed": keys.seal(json.dumps(held).encode(), b"session" + session.digest),
        "signed_in_at": clock.text(session.signed_in_at),
        "used_at": clock.text(session.used_at),
        "expires_at": clock.text(session.expires_at),
    }
    change.connection.execute(insert(sessions), row)


def end(change: Change, session_digest: bytes) -> bool:
    """Forget a session; whether there was one."""
    done = change.connection.execute(delete(sessions).where(sessions.c.digest == session_digest))
    return done.rowcount > 0


def end_others(change: Change, keys: Keys, session: Session) -> int:
    """Forget every session of the same actor; returns how many."""
    mine = sessions.c.actor_tag == actor_tag(keys, session.actor.id)
    return change.connection.execute(delete(sessions).where(mine)).rowcount


def find(connection: Connection, keys: Keys, session_digest: bytes) -> Session | None:
    """The session of that digest, whether it still holds or not. Raises IntegrityBroken if it was altered."""
    row = connection.execute(select(sessions).where(sessions.c.digest == session_digest)).one_or_none()
    if row is None:
        return None
    held = json.loads(keys.unseal(row.sealed, b"session" + session_digest))
    return Session(
        digest=session_digest,
        actor=Actor(*held["actor"]),
        provider=held["provider"],
        subject=held["subject"],
        roles=None if held["roles"] is None else frozenset(held["roles"]),
        signed_in_at=clock.parse(row.signed_in_at),
        used_at=clock.parse(row.used_at),
        expires_at=clock.parse(row.expires_at),
    )


def note_use(db: Database, session: Session, now: datetime) -> Session:
    """Note that a session is in use, to the minute."""
    if now - session.used_at < NOTED:
        return session
    mine = sessions.update().where(sessions.c.digest == session.digest)
    db.maintain(lambda change: change.connection.execute(mine.values(used_at=clock.text(now))))
    return replace(session, used_at=now)


def attempt(
    db: Database, keys: Keys, state: str, browser: str, provider: str, held: Mapping[str, Any], now: datetime
) -> None:
    """Keep a sign-in under way, known by its `state`, of the browser that holds `browser`."""
    mark = digest(state)
    row = {
        "digest": mark,
        "browser": digest(browser),
        "provider": provider,
        "sealed": keys.seal(json.dumps(held).encode(), b"attempt" + mark),
        "expires_at": clock.text(now + ATTEMPT),
    }
    db.maintain(lambda change: change.connection.execute(insert(attempts), row))


def take(db: Database, keys: Keys, state: str, browser: str, now: datetime) -> Attempt | None:
    """The sign-in under way of that state and browser; it can be taken once, and not too late.

    One of another browser stays: whoever sends somebody else's state ends nothing.
    """
    mark = digest(state)

    def work(change: Change) -> Attempt | None:
        row = change.connection.execute(select(attempts).where(attempts.c.digest == mark)).one_or_none()
        if row is None or not hmac.compare_digest(bytes(row.browser), digest(browser)):
            return None
        gone = change.connection.execute(delete(attempts).where(attempts.c.digest == mark))
        if gone.rowcount != 1 or clock.parse(row.expires_at) <= now:
            return None
        return Attempt(row.provider, json.loads(keys.unseal(row.sealed, b"attempt" + mark)))

    return db.maintain(work)


def clean(db: Database, now: datetime) -> int:
    """Remove what has expired: sessions, sign-ins under way, kept answers. Returns how many rows."""
    tables = (sessions, attempts, answers)

    def work(change: Change) -> int:
        text = clock.text(now)
        gone = (change.connection.execute(delete(t).where(t.c.expires_at <= text)).rowcount for t in tables)
        return sum(gone)

    return db.maintain(work)


def actor_tag(keys: Keys, actor: str) -> bytes:
    """By which the sessions of one actor are found, without their name standing in the table."""
    return hmac.digest(keys.derive("sealing", "session-tag"), actor.encode(), "sha256")[:16]
