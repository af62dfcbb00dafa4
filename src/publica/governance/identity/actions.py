"""The verbs of credentials: making and revoking tokens, signing in and out. Each is a ledger entry."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import timedelta
from typing import Any

from sqlalchemy import insert

from publica.governance.identity import credentials, events, rules, sessions
from publica.governance.identity.credentials import Token
from publica.governance.identity.laws import row_said
from publica.governance.identity.sessions import Session
from publica.governance.identity.store import tokens
from publica.kernel import clock, ids
from publica.kernel.actor import Actor
from publica.kernel.database import Change, Database
from publica.kernel.errors import BadInput
from publica.kernel.keys import Keys
from publica.kernel.ledger.canonical import commit, new_salt
from publica.kernel.records import Book

NAME_LIMIT = 200


def create_token(
    db: Database,
    keys: Keys,
    book: Book,
    holder: str,
    name: str,
    actor: Actor,
    *,
    activities: Collection[str] | None = None,
    scopes: Collection[str] = (),
    days: int = credentials.USUAL_DAYS,
    built_in: Collection[str] = (),
) -> tuple[Token, str]:
    """Make a token of an official: the token as it is kept, and its text, which is kept nowhere.

    `activities`: those that it may cite, None for all; besides recorded ones, those `built_in`. Raises
    BadInput, saying what is wrong.
    """
    label = name.strip()
    recorded = [activity for activity in activities or () if activity not in built_in]
    _check(book, holder, label, None if activities is None else recorded, scopes, days)
    text, salt, token_id = credentials.draw(), new_salt(), ids.draw("tok")

    def work(change: Change) -> Token:
        row: dict[str, Any] = {
            "id": token_id,
            "digest": credentials.digest(text),
            "holder": holder,
            "name": label,
            "activities": None if activities is None else json.dumps(sorted(set(activities))),
            "scopes": json.dumps(sorted(set(scopes))),
            "created_at": clock.text(change.now),
            "expires_at": clock.text(change.now + timedelta(days=days)),
            "salt": salt,
        }
        shown = {"token": token_id, "row": commit(salt, row_said(row))}
        row["entry"] = events.enter(change, keys, events.TOKEN, "created", shown, {"actor": actor.canonical})
        change.connection.execute(insert(tokens), row)
        return _made(credentials.by_id(change.connection, token_id))

    return db.write(work), text


def revoke_token(db: Database, keys: Keys, token_id: str, actor: Actor) -> bool:
    """Let nobody in with a token any more; False when it was revoked before.

    Raises BadInput when there is none of that id.
    """
    with db.read() as connection:
        found = credentials.by_id(connection, token_id)
    if found is None:
        raise BadInput(f"There is no token {token_id}.", do="See publica token list.")
    if found.revoked_at is not None:
        return False

    def work(change: Change) -> bool:
        if _made(credentials.by_id(change.connection, token_id)).revoked_at is not None:
            raise _Done
        shown = {"token": token_id}
        leaf = events.enter(change, keys, events.TOKEN, "revoked", shown, {"actor": actor.canonical})
        mine = tokens.update().where(tokens.c.id == token_id)
        change.connection.execute(mine.values(revoked_at=clock.text(change.now), revoked_entry=leaf))
        return True

    try:
        return db.write(work)
    except _Done:
        return False


def sign_in(db: Database, keys: Keys, session: Session, instead_of: bytes | None = None) -> None:
    """Begin a session; the one that the browser had before (`instead_of`, its digest) ends."""

    def work(change: Change) -> None:
        if instead_of is not None:
            sessions.end(change, instead_of)
        sessions.begin(change, keys, session)
        shown = {"provider": session.provider}
        events.enter(change, keys, events.SIGN_IN, "signed in", shown, {"actor": session.actor.canonical})

    db.write(work)


def refuse_sign_in(db: Database, keys: Keys, provider: str, why: str, actor: Actor) -> None:
    """Enter that somebody was not let in, and why (a word or two, and nothing of theirs)."""
    shown = {"provider": provider, "why": why}
    db.write(
        lambda change: events.enter(
            change, keys, events.SIGN_IN, "refused", shown, {"actor": actor.canonical}
        )
    )


def sign_out(db: Database, keys: Keys, session: Session, *, everywhere: bool = False) -> bool:
    """End a session, or all of the same actor; False when it had ended already."""

    def work(change: Change) -> bool:
        if not sessions.end(change, session.digest):
            raise _Done
        if everywhere:
            sessions.end_others(change, keys, session)
        shown = {"provider": session.provider}
        events.enter(change, keys, events.SIGN_IN, "signed out", shown, {"actor": session.actor.canonical})
        return True

    try:
        return db.write(work)
    except _Done:
        return False


class _Done(Exception):
    """It was so already: the transaction is left without a trace."""


def _check(
    book: Book,
    holder: str,
    name: str,
    activities: Collection[str] | None,
    scopes: Collection[str],
    days: int,
) -> None:
    if rules.in_service(book, holder, clock.now().date()) is None:
        raise BadInput(f"There is no official {holder}.", do="Tokens belong to officials with a record.")
    if not name or len(name) > NAME_LIMIT or not name.isprintable():
        raise BadInput("The token's name is no single line.", do=f"Up to {NAME_LIMIT} characters.")
    if not 1 <= days <= credentials.LONGEST_DAYS:
        raise BadInput(
            f"A token cannot be good for {days} days.", do=f"From 1 to {credentials.LONGEST_DAYS}."
        )
    unknown = [activity for activity in activities or () if book.get("activity", activity) is None]
    if unknown:
        raise BadInput(f"There is no activity {unknown[0]}.", do="Apply its record first.")
    strange = sorted(set(scopes) - set(credentials.SCOPES))
    if strange:
        raise BadInput(f"There is no scope {strange[0]}.", do=f"Use: {', '.join(credentials.SCOPES)}.")
    if activities is not None and not activities and not scopes:
        raise BadInput("The token could do nothing.", do="Name activities, or a scope.")


def _made(token: Token | None) -> Token:
    if token is None:
        raise BadInput("There is no such token.", do="See publica token list.")
    return token
