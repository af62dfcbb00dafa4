"""The verbs of requests: a person asks or takes it back; whoever answers for the data opens and answers.

Answering changes no data: what is wrong is corrected where it is kept, and loaded.
"""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import insert, select, update

from publica.kernel import clock, ids
from publica.kernel.actor import Actor
from publica.kernel.database import Change, Database
from publica.kernel.errors import BadInput, Refused
from publica.kernel.keys import Keys
from publica.kernel.ledger.canonical import new_salt
from publica.kernel.records import Book
from publica.trust.rights import listing, rules
from publica.trust.rights.model import Content, Opened, State, Waiting, What
from publica.trust.rights.store import ENTRY, requests
from publica.trust.transparency import actions as transparency

WORDS_LIMIT = 2000
"""Most characters of what somebody asks, and of an answer."""
MOST_OPEN = 50
"""Most requests of one person that wait at once."""


class TooManyWait(BadInput):
    """Somebody has `MOST_OPEN` requests that wait."""


def ask(
    db: Database,
    keys: Keys,
    what: What,
    organisation: str,
    dataset: str | None,
    content: Content,
    actor: Actor,
) -> Waiting:
    """Ask for a correction of one's data, or complain of a use. The clock starts.

    Raises BadInput without words or with too many, TooManyWait when too much of the person's waits already.
    """
    said: dict[str, Any] = {"person": content.person, "about": content.about, "actor": actor.as_json}
    said["words"] = _words(content.words)
    name, token, salt = ids.draw("rrq"), secrets.token_bytes(16), new_salt()

    def work(change: Change) -> None:
        mine = requests.c.subject_tag.in_(listing.tags(keys, content.person))
        open_ones = select(requests.c.number).where(mine, requests.c.state == State.OPEN)
        if len(change.connection.execute(open_ones).all()) >= MOST_OPEN:
            raise TooManyWait(
                f"{MOST_OPEN} requests of yours wait already.", do="Wait for an answer, or take one back."
            )
        row: dict[str, Any] = {
            "id": name,
            "what": str(what),
            "state": str(State.OPEN),
            "organisation": organisation,
            "dataset": dataset,
            "subject_tag": listing.tags(keys, content.person)[0],
            "token": token,
            "sealed": listing.sealed(keys, salt, said, listing.context(token, "asked")),
            "recorded_at": clock.text(change.now),
            "due_at": clock.text(rules.due(change.now)),
        }
        row["entry"] = change.enter(ENTRY, listing.asked(row, salt, said))
        change.connection.execute(insert(requests), row)

    db.write(work)
    with db.read() as connection:
        return listing.get(connection, name)


def open_request(db: Database, keys: Keys, book: Book, name: str, actor: Actor) -> Opened:
    """What somebody asks. That it was opened is entered first.

    Raises Refused when it is not the actor's to answer, BadInput when there is none.
    """

    def work(change: Change) -> Opened:
        row = listing.row_of(change.connection, name)
        _require(book, keys, listing.get(change.connection, name), actor, change)
        hidden = {"request": name.encode()}
        transparency.read(change, keys, "rights-request", actor, hidden)
        return listing.opened(keys, row)

    return db.write(work)


def answer(
    db: Database, keys: Keys, book: Book, name: str, state: State, words: str, actor: Actor
) -> Waiting:
    """Say that it is done, or decline; always with a reason.

    Raises Refused when it is not the actor's to answer, BadInput when it was answered already.
    """
    if state not in (State.DONE, State.DECLINED):
        raise BadInput(f"{state} is no answer.", do="Say done, or declined.")
    said = {"actor": actor.as_json, "words": _words(words)}

    def work(change: Change) -> None:
        _require(book, keys, listing.get(change.connection, name), actor, change)
        _decide(change, keys, name, state, said)

    db.write(work)
    with db.read() as connection:
        return listing.get(connection, name)


def withdraw(db: Database, keys: Keys, name: str, person: str, actor: Actor) -> None:
    """Take one's own request back. Raises BadInput when there is none of theirs, or it is answered."""

    def work(change: Change) -> None:
        row = listing.row_of(change.connection, name)
        if row.subject_tag not in listing.tags(keys, person):
            raise BadInput(f"There is no request {name[:40]!r}.", do="Check its id.")
        _decide(change, keys, name, State.WITHDRAWN, {"actor": actor.as_json, "words": ""})

    db.write(work)


def _decide(change: Change, keys: Keys, name: str, state: State, said: dict[str, Any]) -> None:
    """Once. Raises BadInput when somebody was faster."""
    held = select(requests.c.state, requests.c.token).where(requests.c.id == name).with_for_update()
    current = change.connection.execute(held).one()
    if current.state != State.OPEN:
        raise BadInput(f"The request {name} is answered already.", do="A new one can be made.")
    salt = new_salt()
    row = {
        "state": str(state),
        "decided_at": clock.text(change.now),
        "decided_sealed": listing.sealed(keys, salt, said, listing.context(current.token, "decided")),
        "decided_entry": change.enter(ENTRY, listing.decided(name, state, salt, said)),
    }
    change.connection.execute(update(requests).where(requests.c.id == name).values(row))


def _require(book: Book, keys: Keys, request: Waiting, actor: Actor, change: Change) -> None:
    at = change.now.date()
    among = {actor.id, *rules.answering(book, request.dataset, request.organisation, at)}
    accused = listing.accused(change.connection, keys, request, among)
    decision = rules.may_answer(book, request, actor, at, accused)
    if not decision.allowed:
        raise Refused(decision)


def _words(given: str) -> str:
    words = given.replace("\r\n", "\n").strip()
    if not words or len(words) > WORDS_LIMIT or not words.replace("\n", " ").isprintable():
        raise BadInput(f"The words must be 1 to {WORDS_LIMIT} printable characters.", do="Correct them.")
    return words
