"""Requests: finding one's own, those that wait, and whether they are what the ledger says."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, or_, select

from publica.governance.leadership.rules import may_decide
from publica.kernel import clock
from publica.kernel.actor import Actor
from publica.kernel.errors import BadInput, IntegrityBroken
from publica.kernel.keys import Keys
from publica.kernel.ledger.canonical import b64, canonical, commit, unb64
from publica.kernel.ledger.store import entered, entries
from publica.kernel.records import Book
from publica.trust.rights import rules
from publica.trust.rights.model import Answered, Content, Opened, State, Waiting, What
from publica.trust.rights.store import ENTRY, requests
from publica.trust.transparency import asked as transparency

_PLAIN = [column for column in requests.c if column.name not in ("sealed", "decided_sealed")]


def waiting(connection: Connection, *where: ColumnElement[bool]) -> list[Waiting]:
    """Every request that waits for an answer, those first that must be answered first."""
    query = select(*_PLAIN).where(requests.c.state == State.OPEN, *where)
    return [_waiting(row) for row in connection.execute(query.order_by(requests.c.due_at, requests.c.number))]


def to_answer(connection: Connection, keys: Keys, book: Book, official: Actor, at: date) -> list[Waiting]:
    """The requests that wait for an official, most urgent first: all of them, however many others wait."""
    found = waiting(connection, _reaching(connection, book, official, at))
    return [each for each in found if _reaches(connection, keys, book, each, official, at)]


def accused(connection: Connection, keys: Keys, request: Waiting, among: Iterable[str]) -> frozenset[str]:
    """Who of these made the use that a request complains of."""
    if request.what is not What.COMPLAINT:
        return frozenset()
    row = row_of(connection, request.id)
    bound = context(row.token, "asked")
    if keys.lost(row.sealed, bound):
        return frozenset()
    use = _unsealed(keys, row.sealed, bound)["content"]["about"]
    return frozenset(each for each in among if transparency.is_of(connection, keys, use, each))


def _reaching(connection: Connection, book: Book, official: Actor, at: date) -> ColumnElement[bool]:
    """At least what waits for an official: by the datasets and organisations that they answer for."""
    open_ones = select(requests.c.dataset, requests.c.organisation).where(requests.c.state == State.OPEN)
    chief = may_decide(book, official, at)
    theirs = []
    for dataset, organisation in connection.execute(open_ones.distinct()).all():
        stewards = rules.answering(book, dataset, organisation, at)
        if official.id in stewards or (chief and not stewards):
            theirs.append((dataset, organisation))
    mine = or_(
        requests.c.dataset.in_([dataset for dataset, _ in theirs if dataset is not None]),
        requests.c.dataset.is_(None)
        & requests.c.organisation.in_([organisation for dataset, organisation in theirs if dataset is None]),
    )
    late = requests.c.due_at < (at + timedelta(days=1)).isoformat()
    return or_(mine, late, requests.c.what == What.COMPLAINT) if chief else mine


def _reaches(
    connection: Connection, keys: Keys, book: Book, request: Waiting, official: Actor, at: date
) -> bool:
    if not rules.answers(book, request, official, at, frozenset()) and request.what is not What.COMPLAINT:
        return False
    among = {official.id, *rules.answering(book, request.dataset, request.organisation, at)}
    return rules.answers(book, request, official, at, accused(connection, keys, request, among))


def get(connection: Connection, name: str) -> Waiting:
    """What may be known of a request without opening it. Raises BadInput when there is none of that id."""
    row = connection.execute(select(*_PLAIN).where(requests.c.id == name)).first()
    if row is None:
        raise BadInput(f"There is no request {name[:40]!r}.", do="Check its id.")
    return _waiting(row)


def mine(connection: Connection, keys: Keys, person: str) -> list[Opened]:
    """All that a person asked, newest first."""
    return [opened(keys, row) for row in connection.execute(_newest(keys, person))]


def foremost(connection: Connection, keys: Keys, person: str, most: int) -> tuple[list[Opened], int]:
    """What of it waits, then the `most` newest of the others; and how many older ones are left out."""
    query, waits = _newest(keys, person), requests.c.state == State.OPEN
    rows = [*connection.execute(query.where(waits)), *connection.execute(query.where(~waits).limit(most))]
    every = connection.execute(query.with_only_columns(func.count()).order_by(None)).scalar_one()
    return [opened(keys, row) for row in rows], every - len(rows)


def one_of(connection: Connection, keys: Keys, person: str, name: str) -> Waiting | None:
    """One request of a person; None when they made none of that id."""
    query = select(*_PLAIN).where(requests.c.id == name, requests.c.subject_tag.in_(tags(keys, person)))
    row = connection.execute(query).first()
    return None if row is None else _waiting(row)


def _newest(keys: Keys, person: str) -> Select[Any]:
    theirs = requests.c.subject_tag.in_(tags(keys, person))
    return select(requests).where(theirs).order_by(requests.c.number.desc())


def tags(keys: Keys, person: str) -> tuple[bytes, ...]:
    """By which a person's requests are found, without their key standing in the table."""
    secrets = keys.derive_each("rights-subject")
    return tuple(hmac.digest(secret, person.encode(), "sha256")[:16] for secret in secrets)


def row_of(connection: Connection, name: str) -> Row[Any]:
    """The whole row. Raises BadInput when there is none of that id."""
    row = connection.execute(select(requests).where(requests.c.id == name)).first()
    if row is None:
        raise BadInput(f"There is no request {name[:40]!r}.", do="Check its id.")
    return row


def opened(keys: Keys, row: Row[Any]) -> Opened:
    """A request with what it says."""
    content = _unsealed(keys, row.sealed, context(row.token, "asked"))["content"]
    answer = None
    if row.decided_sealed is not None and row.state != State.WITHDRAWN:
        said = _unsealed(keys, row.decided_sealed, context(row.token, "decided"))["content"]
        answer = Answered(said["actor"]["id"], said["words"])
    return Opened(_waiting(row), Content(content["person"], content["about"], content["words"]), answer)


def sealed(keys: Keys, salt: bytes, content: Mapping[str, Any], bound: bytes) -> bytes:
    """What is kept of the words: with the salt that opens the commitment to them."""
    return keys.seal(json.dumps({"salt": b64(salt), "content": content}).encode(), bound)


def context(token: bytes, step: str) -> bytes:
    """What the sealed words of a step are bound to."""
    return b"rights" + token + step.encode()


def asked(row: Mapping[str, Any], salt: bytes, content: Mapping[str, Any]) -> dict[str, Any]:
    """What the entry of a request says: where it goes and until when; a commitment to who asks what."""
    return {
        "request": row["id"],
        "step": "asked",
        "what": str(row["what"]),
        "organisation": row["organisation"],
        "dataset": row["dataset"],
        "due_at": row["due_at"],
        "content": commit(salt, canonical(content)),
    }


def decided(name: str, state: str, salt: bytes, content: Mapping[str, Any]) -> dict[str, Any]:
    """What the entry of an answer says."""
    return {"request": name, "step": str(state), "content": commit(salt, canonical(content))}


def altered(connection: Connection, keys: Keys) -> Iterator[str]:
    """Every request that is not what its ledger entries commit to."""
    known: set[bytes | None] = set()
    for row in connection.execute(select(requests).order_by(requests.c.number)):
        known |= {row.entry, row.decided_entry}
        bound = context(row.token, "asked")
        if not keys.lost(row.sealed, bound) and not _agrees(connection, keys, row, bound):
            yield f"The request {row.id} is not what its ledger entry commits to."
        if row.decided_entry is None and row.state == State.OPEN:
            continue
        if not _decision_agrees(connection, keys, row):
            yield f"The answer to the request {row.id} is not what its ledger entry commits to."
    for leaf in connection.execute(select(entries.c.leaf).where(entries.c.kind == ENTRY)).scalars():
        if leaf not in known:
            yield "A step of a request about one's own data is in the ledger and nowhere else."


def _agrees(connection: Connection, keys: Keys, row: Row[Any], bound: bytes) -> bool:
    try:
        held = _unsealed(keys, row.sealed, bound)
    except IntegrityBroken:
        return False
    mine_ = row.subject_tag in tags(keys, held["content"]["person"])
    said = asked(dict(row._mapping), unb64(held["salt"]), held["content"])
    return mine_ and entered(connection, row.entry, ENTRY, row.recorded_at) == said


def _decision_agrees(connection: Connection, keys: Keys, row: Row[Any]) -> bool:
    if row.decided_sealed is None or row.decided_entry is None:
        return False
    bound = context(row.token, "decided")
    if keys.lost(row.decided_sealed, bound):
        return True
    try:
        held = _unsealed(keys, row.decided_sealed, bound)
    except IntegrityBroken:
        return False
    said = decided(row.id, row.state, unb64(held["salt"]), held["content"])
    return entered(connection, row.decided_entry, ENTRY, row.decided_at) == said


def _unsealed(keys: Keys, value: bytes, bound: bytes) -> dict[str, Any]:
    held: dict[str, Any] = json.loads(keys.unseal(value, bound))
    return held


def _waiting(row: Row[Any]) -> Waiting:
    return Waiting(
        id=row.id,
        what=What(row.what),
        state=State(row.state),
        organisation=row.organisation,
        dataset=row.dataset,
        asked_at=clock.parse(row.recorded_at),
        due_at=clock.parse(row.due_at),
        decided_at=None if row.decided_at is None else clock.parse(row.decided_at),
    )
