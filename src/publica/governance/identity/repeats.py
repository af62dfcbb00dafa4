"""Answers kept for repeated requests (`Idempotency-Key`): the same key and request get the same answer.

Who asked, what and under which key stands here only as keyed digests, and the answer is sealed.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update

from publica.governance.identity.store import answers
from publica.kernel import clock
from publica.kernel.database import Change, Database, upsert
from publica.kernel.keys import Keys

KEPT = timedelta(hours=24)
"""How long a key is kept, with its answer; and one whose request never ended, as after a crash, without: the
change may have been made, so it is not made again under that key."""


@dataclass(frozen=True)
class Kept:
    """What is known of a key: `same` request or another one; its answer, None where no end is known."""

    same: bool
    status: int | None
    body: Any


def tag(keys: Keys, *parts: str) -> bytes:
    """By which a key is found: a digest of who, where and the key itself."""
    return hmac.digest(keys.derive("sealing", "idempotency"), json.dumps(parts).encode(), "sha256")


def begin(db: Database, keys: Keys, mark: bytes, request: bytes, now: datetime) -> Kept | None:
    """Note that a request is under way; None, unless something is known of its key already."""

    def work(change: Change) -> Kept | None:
        connection = change.connection
        stale = answers.c.expires_at <= clock.text(now)
        connection.execute(delete(answers).where(answers.c.tag == mark, stale))
        row = {"tag": mark, "request": request, "expires_at": clock.text(now + KEPT)}
        insert = upsert(connection, answers).values(row).on_conflict_do_nothing().returning(answers.c.tag)
        if connection.execute(insert).first() is not None:
            return None
        held = connection.execute(select(answers).where(answers.c.tag == mark)).one()
        body = None if held.sealed is None else json.loads(keys.unseal(held.sealed, b"answer" + mark))
        return Kept(hmac.compare_digest(held.request, request), held.status, body)

    return db.maintain(work)


def finish(db: Database, keys: Keys, mark: bytes, status: int, body: Any, now: datetime) -> None:
    """Keep the answer."""
    row = {
        "status": status,
        "sealed": keys.seal(json.dumps(body).encode(), b"answer" + mark),
        "expires_at": clock.text(now + KEPT),
    }
    db.maintain(lambda change: change.connection.execute(update(answers).where(answers.c.tag == mark), row))


def forget(db: Database, mark: bytes) -> None:
    """Nothing was done: the key may be used again."""
    db.maintain(lambda change: change.connection.execute(delete(answers).where(answers.c.tag == mark)))
