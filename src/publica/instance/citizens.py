"""What a citizen does here, about themselves: reads what is held and notices, asks, gets receipts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select

from publica.governance.activities import OWN_DATA, BasisKind
from publica.instance.instance import Instance
from publica.kernel import clock
from publica.kernel.actor import Actor
from publica.kernel.errors import BadInput
from publica.kernel.ledger.canonical import b64
from publica.kernel.records import Book, Record
from publica.trust.consent import evidence, notices, reading, store
from publica.trust.consent.model import Action, Status, Step
from publica.trust.consent.notices import Understood, Version
from publica.trust.consent.rules import NONE, right
from publica.trust.consent.terms import Terms, terms
from publica.trust.rights import Content, Held, Opened, OwnRows, State, Waiting, What, held, own_rows
from publica.trust.rights import actions as rights
from publica.trust.rights import listing as requests
from publica.trust.transparency import actions as transparency
from publica.trust.transparency import asked


@dataclass(frozen=True)
class Standing:
    """Where a person stands with one activity. `version` is None where nobody is asked for consent."""

    activity: Record[Any]
    right: str
    status: Status
    terms: Terms
    version: Version | None
    lapsed: bool

    @property
    def said(self) -> str | None:
        """What they told last who asks for consent: the choice in effect, or how a yes ended.

        None where they said nothing yet; nor does an objection answer that was taken back.
        """
        if self.status.action is not None:
            return str(self.status.action)
        before, last = (None, None, *(step.action for step in self.status.history))[-2:]
        ended = last is Action.LAPSE or (last is Action.WITHDRAW and before is Action.GRANT)
        return str(last) if ended else None


def holdings(instance: Instance) -> list[Held]:
    """Every dataset that may hold something about a person."""
    with instance.db.read() as connection:
        return held(connection, instance.book(), instance.data)


def holding(instance: Instance, dataset: str) -> Held:
    """One of them. Raises BadInput when there is none of that id."""
    found = next((each for each in holdings(instance) if each.dataset.id == dataset), None)
    if found is None:
        raise BadInput(f"There is no data about people called {dataset[:40]!r}.", do="Check its name.")
    return found


def own(instance: Instance, dataset: str, actor: Actor) -> OwnRows:
    """The citizen's rows of one dataset: a use, with its receipt."""
    return own_rows(instance.door, holding(instance, dataset), actor)


def last_used(instance: Instance, key: str, actor: Actor) -> dict[str, datetime]:
    """When each dataset was last used about a person by somebody else. Looking is recorded."""
    position = instance.position(key)
    return transparency.last_of_each(instance.db, instance.keys, position, actor, but=OWN_DATA)


def bundle(instance: Instance, key: str, actor: Actor) -> dict[str, Any]:
    """Everything that is held about a person: the rows of every dataset, their choices, what they asked."""
    used = last_used(instance, key, actor)
    book = instance.book()
    return {
        "person": key,
        "at": clock.text(clock.now()),
        "data": [
            _held(book, own_rows(instance.door, each, actor), used.get(each.dataset.id))
            for each in holdings(instance)
        ],
        "choices": [_choice(each) for each in standings(instance, key)],
        "requests": [request_as_json(each) for each in mine(instance, key)],
    }


def _held(book: Book, found: OwnRows, used: datetime | None) -> dict[str, Any]:
    spec = found.held.dataset.spec
    holder = book.get("organisation", spec.holder)
    return {
        "dataset": found.held.dataset.id,
        "title": spec.title,
        "organisation": spec.holder,
        "organisation_name": spec.holder if holder is None else holder.spec.name,
        "source": spec.source,
        "loaded_at": clock.text(found.held.version.recorded_at),
        "last_used": None if used is None else clock.text(used),
        "receipt": found.receipt,
        "columns": list(found.columns),
        "rows": [[_plain(value) for value in row] for row in found.rows],
    }


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _choice(found: Standing) -> dict[str, Any]:
    return {
        "activity": found.activity.id,
        "title": found.activity.spec.title,
        "right": found.right,
        "allowed": found.status.allowed,
        "history": [
            {"at": clock.text(step.at), "action": str(step.action), "terms": step.terms}
            for step in found.status.history
        ],
    }


def standings(instance: Instance, key: str) -> list[Standing]:
    """Where a person stands with every activity about people, by id."""
    return _standings(instance, key, lambda book: book.all("activity"))


def standing(instance: Instance, key: str, activity: str) -> Standing:
    """Where a person stands with one activity. Raises BadInput when there is none of that id."""

    def one(book: Book) -> list[Record[Any]]:
        record = book.get("activity", activity)
        if record is None:
            raise BadInput(f"There is no activity {activity[:40]!r}.", do="Check its id.")
        return [record]

    (found,) = _standings(instance, key, one)
    return found


def _standings(instance: Instance, key: str, of: Callable[[Book], Sequence[Record[Any]]]) -> list[Standing]:
    """The records, the choices and the terms are those of one moment."""
    position = instance.position(key)
    with instance.db.read() as connection:
        book = instance.book(connection)
        found = [
            (
                record,
                reading.status(connection, book, record.id, position),
                notices.current(connection, record.id) if _asks(record) else None,
            )
            for record in of(book)
        ]
    return [
        _standing(record, status, terms(book, record), version or notice(instance, record, book))
        for record, status, version in found
    ]


def _standing(record: Record[Any], status: Status, now: Terms, version: Version | None) -> Standing:
    lapsed = bool(status.history) and status.history[-1].action is Action.LAPSE
    return Standing(record, right(record.spec.basis), status, now, version, lapsed)


def _asks(record: Record[Any]) -> bool:
    """Whether people are asked for consent."""
    return record.spec.basis.kind is BasisKind.CONSENT


def notice(instance: Instance, record: Record[Any], book: Book) -> Version | None:
    """The terms that hold for an activity that asks for consent; None for any other."""
    if not _asks(record):
        return None
    return notices.begin(instance.db, book, record.id)


def understood(instance: Instance, activity: str) -> list[Understood]:
    """How well the versions of a notice were understood."""
    with instance.db.read() as connection:
        return notices.understood(connection, activity)


def versions(instance: Instance, activity: str) -> list[Version]:
    """Every version of an activity's terms, newest first."""
    with instance.db.read() as connection:
        return notices.versions(connection, activity)


def receipt(instance: Instance, key: str, activity: str) -> dict[str, Any]:
    """The signed receipt of a person's last choice. Raises BadInput when they never chose."""
    found = standing(instance, key, activity)
    if found.right == NONE and not found.status.history:
        raise BadInput("There is no choice to make about this.", do="See what you can do instead.")
    if not found.status.history:
        raise BadInput("You have not chosen yet.", do="Choose first.")
    step = _with_its_terms(found.status.history)
    with instance.db.read() as connection:
        version = None if step.terms is None else notices.of(connection, activity, step.terms)
    organisation = found.activity.spec.organisation
    named = instance.book().get("organisation", organisation)
    party = {"party_id": organisation, "party_name": organisation if named is None else named.spec.name}
    opening = _opening(instance, key, activity, step)
    made = evidence.record_of(key, step, version, party, opening)
    made["pii_processing"]["activity"] = activity
    return evidence.signed(made, instance.keys, instance.settings.ledger.origin)


def _with_its_terms(history: tuple[Step, ...]) -> Step:
    """The last step; of a consent that lapsed with the terms it had been given to, not with those after."""
    last = history[-1]
    given = next((step for step in reversed(history) if step.action is Action.GRANT), last)
    return replace(last, terms=given.terms) if last.action is Action.LAPSE else last


def _opening(instance: Instance, key: str, activity: str, step: Step) -> evidence.Opening | None:
    """Of a choice made alone; opening a batch would show everybody in it."""
    if step.in_bulk:
        return None
    query = select(store.changes.c.salt).where(
        store.changes.c.activity == activity, store.changes.c.counter == step.counter
    )
    with instance.db.read() as connection:
        salt = connection.execute(query).scalar_one()
    return evidence.Opening(b64(salt), instance.position(key))


def untouched(instance: Instance, key: str, actor: Actor, limit: int) -> list[asked.Entry]:
    """The newest uses of data about people that did not concern a person. Looking is recorded."""
    position = instance.position(key)
    with instance.db.read() as connection:
        entries = asked.page(connection, instance.keys, asked.Filter(outcome="released"), limit * 4)
    about = {each["id"]: each for each in entries if each["touched"]}
    mine_ = transparency.concerned(instance.db, instance.keys, position, actor, list(about))
    return [each for use, each in about.items() if use not in mine_][:limit]


def refused(instance: Instance, limit: int) -> list[asked.Entry]:
    """The newest refused questions about data on people: nothing was read for them."""
    about = {each.dataset.id for each in holdings(instance)}
    with instance.db.read() as connection:
        entries = asked.page(connection, instance.keys, asked.Filter(outcome="refused"), limit * 4)
    return [each for each in entries if about & set(each["columns"])][:limit]


# requests


def ask_correction(
    instance: Instance, key: str, dataset: str, column: str, words: str, actor: Actor
) -> Waiting:
    """Ask that one's data be corrected; it reaches whoever answers for it. Raises BadInput as `ask` does."""
    found = holding(instance, dataset)
    if column and found.dataset.spec.column(column) is None:
        raise BadInput(f"{dataset} has no column {column[:40]!r}.", do="Choose one that it has.")
    instance.position(key)
    content = Content(key, column, words)
    return rights.ask(
        instance.db, instance.keys, What.CORRECTION, found.holder, found.dataset.id, content, actor
    )


def has_maker(book: Book, entry: asked.Entry) -> bool:
    """Whether an organisation answers for a use. None does for one under an activity that no record has.

    That is a person's own look at what is held about them, or a refused question that read nothing.
    """
    return book.get("activity", entry["activity"]) is not None


def complain(instance: Instance, key: str, use: str, words: str, actor: Actor) -> Waiting:
    """Complain of a use; it reaches the organisation that made it.

    Raises BadInput when there is no such use, and when no organisation made it.
    """
    with instance.db.read() as connection:
        entry = asked.entry(connection, use)
    if entry is None:
        raise BadInput(f"There is no use {use[:40]!r}.", do="Use ids stand in the list of your uses.")
    if not has_maker(instance.book(), entry):
        raise BadInput(
            f"No office made the use {use}: it is a person's own look, or it read nothing about people.",
            do="Complain of a use that an office made.",
        )
    instance.position(key)
    content = Content(key, use, words)
    return rights.ask(instance.db, instance.keys, What.COMPLAINT, entry["organisation"], None, content, actor)


def mine(instance: Instance, key: str) -> list[Opened]:
    """All that a person asked, newest first."""
    with instance.db.read() as connection:
        return requests.mine(connection, instance.keys, key)


def foremost(instance: Instance, key: str, most: int) -> tuple[list[Opened], int]:
    """What of it waits, then the `most` newest of the others; and how many older ones are left out."""
    with instance.db.read() as connection:
        return requests.foremost(connection, instance.keys, key, most)


def one_of_mine(instance: Instance, key: str, name: str) -> Waiting | None:
    """One request of a person; None when they made none of that id."""
    with instance.db.read() as connection:
        return requests.one_of(connection, instance.keys, key, name)


def take_back(instance: Instance, key: str, name: str, actor: Actor) -> None:
    """Take one's own request back."""
    rights.withdraw(instance.db, instance.keys, name, key, actor)


def to_answer(instance: Instance, actor: Actor) -> list[Waiting]:
    """The requests that wait for an official, most urgent first."""
    book, today = instance.book(), clock.now().date()
    with instance.db.read() as connection:
        return requests.to_answer(connection, instance.keys, book, actor, today)


def waiting(instance: Instance, name: str) -> Waiting:
    """What may be known of a request without opening it. Raises BadInput when there is none of that id."""
    with instance.db.read() as connection:
        return requests.get(connection, name)


def open_request(instance: Instance, name: str, actor: Actor) -> Opened:
    """What somebody asks; that it was opened is entered."""
    return rights.open_request(instance.db, instance.keys, instance.book(), name, actor)


def answer(instance: Instance, name: str, *, done: bool, words: str, actor: Actor) -> Waiting:
    """Answer a request."""
    state = State.DONE if done else State.DECLINED
    return rights.answer(instance.db, instance.keys, instance.book(), name, state, words, actor)


def request_as_json(found: Opened) -> dict[str, Any]:
    """A request for machines."""
    of, said = found.of, found.content
    return {
        "id": of.id,
        "what": str(of.what),
        "state": str(of.state),
        "organisation": of.organisation,
        "dataset": of.dataset,
        "about": said.about,
        "words": said.words,
        "asked_at": clock.text(of.asked_at),
        "due_at": clock.text(of.due_at),
        "decided_at": None if of.decided_at is None else clock.text(of.decided_at),
        "answer": None if found.answer is None else found.answer.words,
    }
