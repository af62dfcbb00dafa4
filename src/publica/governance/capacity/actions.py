"""The verbs of requests: ask whoever can supply what was missing; answer, or take it back; let it go on.

Answering changes no record: what was agreed is proposed, signed or loaded by whoever agreed to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert, select, update

from publica.governance.capacity import listing, rules
from publica.governance.capacity.model import AccessRequest, Gap, RequestState
from publica.governance.capacity.store import ENTRY, requests
from publica.kernel import clock, ids
from publica.kernel.actor import Actor
from publica.kernel.database import Change, Database
from publica.kernel.decision import Decision
from publica.kernel.errors import BadInput, Refused
from publica.kernel.ledger.canonical import new_salt
from publica.kernel.records import Book

WORDS_LIMIT = 2000
"""Most characters of why somebody asks, and of why it was decided so."""


def ask(
    db: Database, book: Book, receipt: Mapping[str, Any], reason: str, about: str, words: str, actor: Actor
) -> AccessRequest:
    """Ask for what a refusal of one's own lacked; `receipt`: its ledger entry. The clock starts.

    Raises BadInput when nobody can be asked for it, when it was asked already, or without words.
    """
    text, gap = _words(words, "reason"), _gap(book, receipt, reason, about, actor)
    name = ids.draw("req")

    def work(change: Change) -> None:
        _require_new(change, receipt, gap, actor)
        row = {
            "id": name,
            "state": RequestState.OPEN,
            "use": receipt["id"],
            "reason": reason,
            "about": about,
            "organisation": receipt["organisation"],
            "words": text,
            "asker": actor.id,
            "authenticated": actor.authenticated,
            "os_user": actor.os_user,
            "answering": gap.answering,
            "addressee": gap.official,
            "salt": new_salt(),
            "asker_salt": new_salt(),
            "asked_at": clock.text(change.now),
            "due_at": clock.text(rules.due(change.now)),
        }
        row["entry"] = change.enter(ENTRY, listing.asked(row, actor))
        change.connection.execute(insert(requests), row)

    db.write(work)
    return _get(db, name)


def answer(db: Database, book: Book, name: str, *, agreed: bool, why: str, actor: Actor) -> AccessRequest:
    """Agree or decline, with a reason. Raises Refused when it is not the actor's to answer."""
    request = _get(db, name)
    _require(rules.may_answer(book, request, actor, clock.now()))
    state = RequestState.AGREED if agreed else RequestState.DECLINED
    text = _words(why, "reason")
    db.write(lambda change: _decide(change, request, state, text, actor))
    return _get(db, name)


def withdraw(db: Database, name: str, actor: Actor) -> AccessRequest:
    """Take one's own request back. Raises Refused when it is somebody else's."""
    request = _get(db, name)
    _require(rules.may_withdraw(request, actor.id))
    db.write(lambda change: _decide(change, request, RequestState.WITHDRAWN, "", actor))
    return _get(db, name)


def escalate(db: Database, book: Book) -> int:
    """Let every request go on whose clock ran out; returns how many did."""
    with db.read() as connection:
        waiting = listing.open_ones(connection)
    late = [each for each in waiting if each.overdue(clock.now()) and each.escalated_at is None]
    for request in late:
        db.write(lambda change, each=request: _escalate(change, book, each))  # type: ignore[misc]
    return len(late)


def _escalate(change: Change, book: Book, request: AccessRequest) -> None:
    connection, to = change.connection, rules.escalates_to(book, request, change.now.date())
    row = connection.execute(select(requests).where(requests.c.id == request.id).with_for_update()).one()
    if row.state != RequestState.OPEN or row.escalated_at is not None:
        raise BadInput(f"The request {request.id} went on already.", do="Look again.")
    values = {
        "escalated_at": clock.text(change.now),
        "escalated_to": to,
        "escalated_entry": change.enter(ENTRY, listing.escalated(request.id, to, row.salt)),
    }
    connection.execute(update(requests).where(requests.c.id == request.id).values(values))


def _decide(change: Change, request: AccessRequest, state: RequestState, why: str, actor: Actor) -> None:
    """Write the answer, once. Raises BadInput when there is one."""
    current = select(requests.c.state).where(requests.c.id == request.id).with_for_update()
    if change.connection.execute(current).scalar() != RequestState.OPEN:
        raise BadInput(f"The request {request.id} is closed already.", do="Ask anew, if it is needed.")
    salt = new_salt()
    row = {
        "state": state,
        "decided_at": clock.text(change.now),
        "decided_by": actor.id,
        "decided_authenticated": actor.authenticated,
        "decided_os_user": actor.os_user,
        "decided_salt": salt,
        "decided_why": why,
        "decided_entry": change.enter(ENTRY, listing.decided(request.id, state, why, actor, salt)),
    }
    change.connection.execute(update(requests).where(requests.c.id == request.id).values(row))


def _gap(book: Book, receipt: Mapping[str, Any], reason: str, about: str, actor: Actor) -> Gap:
    """The gap that is asked for. Raises BadInput when it is none of the refusal's, or nobody can be asked."""
    found = rules.gaps(book, receipt, actor.id, clock.now().date())
    gap = next((each for each in found if (each.reason, each.about) == (reason, about)), None)
    if receipt["outcome"] != "refused" or gap is None:
        raise BadInput("That is not what this refusal lacked.", do="Choose one of the things it names.")
    if gap.official is None or gap.answering is None:
        raise BadInput("Nobody can be asked for this.", do="Ask another question, or the data office.")
    return gap


def _require_new(change: Change, receipt: Mapping[str, Any], gap: Gap, actor: Actor) -> None:
    same = (
        (requests.c.state == RequestState.OPEN)
        & (requests.c.asker == actor.id)
        & (requests.c.organisation == receipt["organisation"])
        & (requests.c.reason == gap.reason)
        & (requests.c.about == gap.about)
    )
    held = change.connection.execute(select(requests.c.id).where(same)).scalar()
    if held is not None:
        raise BadInput(f"You have asked for this already: {held}.", do="Wait for the answer.")


def _get(db: Database, name: str) -> AccessRequest:
    with db.read() as connection:
        return listing.get(connection, name)


def _require(decision: Decision) -> None:
    if not decision.allowed:
        raise Refused(decision)


def _words(given: str, name: str) -> str:
    text = given.replace("\r\n", "\n").strip()
    if not 0 < len(text) <= WORDS_LIMIT or not text.replace("\n", " ").isprintable():
        raise BadInput(
            f"The {name} must be 1 to {WORDS_LIMIT} printable characters.",
            do="Say why, in a sentence or two.",
        )
    return text
