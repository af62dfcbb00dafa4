"""What a program shows to be let in: API tokens, their text, and who each belongs to.

A token is `publica_`, 52 letters for 256 random bits (RFC 4648 base 32, lower case), and 6 for the start of
their SHA-256, by which a scanner for leaked secrets, and we, know one without asking.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from publica.governance.identity.store import tokens
from publica.kernel import clock
from publica.kernel.database import Change, Database

PREFIX, BYTES, CHECK = "publica_", 32, 6
SCOPES = ("metrics", "tracker")
"""What a token may do besides citing activities: read the metrics; ask as Estonia's Data Tracker does."""
LONGEST_DAYS, USUAL_DAYS = 365, 90
_BY_DIGEST = select(tokens).where(tokens.c.digest == bindparam("wanted"))


@dataclass(frozen=True)
class Token:
    """A token as it is kept: never its text. `activities`: None for every one."""

    number: int
    id: str
    holder: str
    name: str
    activities: frozenset[str] | None
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime
    last_used: datetime | None
    revoked_at: datetime | None

    def good(self, now: datetime) -> bool:
        """Whether it lets anybody in."""
        return self.revoked_at is None and now < self.expires_at

    def as_json(self) -> dict[str, Any]:
        """The same for machines: RFC 3339 times, sorted lists."""
        times = ("created_at", "expires_at", "last_used", "revoked_at")
        return {
            "id": self.id,
            "holder": self.holder,
            "name": self.name,
            "activities": None if self.activities is None else sorted(self.activities),
            "scopes": sorted(self.scopes),
            **{name: (at := getattr(self, name)) and clock.text(at) for name in times},
        }


def draw() -> str:
    """The text of a new token."""
    body = _letters(secrets.token_bytes(BYTES))
    return PREFIX + body + _check(body)


def well_formed(text: str) -> bool:
    """Whether a text is one that `draw` may have made: what is not needs no look-up."""
    body, check = text[len(PREFIX) : -CHECK], text[-CHECK:]
    long = len(PREFIX) + len(_letters(bytes(BYTES))) + CHECK
    return len(text) == long and text.startswith(PREFIX) and text.isascii() and check == _check(body)


def digest(text: str) -> bytes:
    """What is kept of a token, or of any other random text: its SHA-256."""
    return hashlib.sha256(text.encode()).digest()


def find(connection: Connection, text: str) -> Token | None:
    """The token of that text, whatever its state.

    It is looked up by its digest, of which nobody can choose a part, and then compared in constant time.
    """
    if not well_formed(text):
        return None
    wanted = digest(text)
    row = connection.execute(_BY_DIGEST, {"wanted": wanted}).one_or_none()
    if row is None or not hmac.compare_digest(bytes(row.digest), wanted):
        return None
    return _token(row)


def listing(connection: Connection, holder: str | None = None) -> list[Token]:
    """The tokens of one official, or all; the newest first."""
    query = select(tokens).order_by(tokens.c.number.desc())
    if holder is not None:
        query = query.where(tokens.c.holder == holder)
    return [_token(row) for row in connection.execute(query)]


def by_id(connection: Connection, token_id: str) -> Token | None:
    """The token of that id, or None."""
    row = connection.execute(select(tokens).where(tokens.c.id == token_id)).one_or_none()
    return None if row is None else _token(row)


def note_use(db: Database, token: Token, now: datetime) -> None:
    """Note that a token was used, to the hour: once in each hour, and never when it was used last."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    if token.last_used is not None and token.last_used >= hour:
        return

    def work(change: Change) -> None:
        mine = tokens.update().where(tokens.c.number == token.number)
        change.connection.execute(mine.values(last_used=clock.text(hour)))

    db.maintain(work)


def _token(row: Row[Any]) -> Token:
    return Token(
        number=row.number,
        id=row.id,
        holder=row.holder,
        name=row.name,
        activities=None if row.activities is None else frozenset(json.loads(row.activities)),
        scopes=frozenset(json.loads(row.scopes)),
        created_at=clock.parse(row.created_at),
        expires_at=clock.parse(row.expires_at),
        last_used=row.last_used and clock.parse(row.last_used),
        revoked_at=row.revoked_at and clock.parse(row.revoked_at),
    )


def _letters(value: bytes) -> str:
    return base64.b32encode(value).decode("ascii").rstrip("=").lower()


def _check(body: str) -> str:
    return _letters(hashlib.sha256(body.encode()).digest())[:CHECK]
