"""Reading records: the book as it is or was, the revisions of one record, and whether any was altered."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from threading import Lock
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection

from publica.kernel import clock
from publica.kernel.actor import Actor
from publica.kernel.errors import IntegrityBroken
from publica.kernel.ledger.canonical import commit
from publica.kernel.records import store
from publica.kernel.records.model import Book, Key, Kind, Record

BOOKS_KEPT = 4

_books: OrderedDict[tuple[store.Stamp, tuple[Kind, ...]], Book] = OrderedDict()
_books_lock = Lock()


def book(
    connection: Connection,
    kinds: Sequence[Kind],
    at: datetime | None = None,
    *,
    stamp: store.Stamp | None = None,
) -> Book:
    """The records as they are, or as they were recorded at an instant.

    The current book is shared by all who ask while nothing changes. `stamp`: what identifies the present
    state, where that was read already. Raises IntegrityBroken when a stored record does not fit its model.
    """
    key = (store.stamp(connection) if stamp is None else stamp, tuple(kinds))
    known = _books.get(key)
    if known is not None and at is None:
        return known
    made = _build(store.current(connection, at), key[1], _latest_book(key[1]))
    if at is None:
        with _books_lock:
            _books[key] = made
            while len(_books) > BOOKS_KEPT:
                _books.popitem(last=False)
    return made


def _latest_book(kinds: tuple[Kind, ...]) -> Book | None:
    with _books_lock:
        return next((kept for key, kept in reversed(_books.items()) if key[1] == kinds), None)


def _build(rows: Iterable[Mapping[str, Any]], kinds: tuple[Kind, ...], known: Book | None) -> Book:
    """A book of rows in order of `seq`; revisions that another book has read already are taken from there."""
    by_name = {kind.name: kind for kind in kinds}
    records: dict[Key, Record[Any]] = {}
    generation = 0
    for row in rows:
        key = (row["kind"], row["id"])
        same = known.records.get(key) if known is not None else None
        shared = same is not None and same.entry == row["entry"]
        records[key] = same if same is not None and shared else _record(row, by_name)
        generation = row["seq"]
    return Book(kinds, records, generation)


def _record(row: Mapping[str, Any], kinds: Mapping[str, Kind]) -> Record[Any]:
    try:
        spec = kinds[row["kind"]].model.model_validate(json.loads(row["body"]))
    except (KeyError, ValueError, ValidationError) as error:
        raise IntegrityBroken(
            f"The stored {row['kind']} {row['id']}, revision {row['revision']}, cannot be read.",
            do="Restore the state database from a backup, or run the version of Publica that wrote it.",
        ) from error
    at = clock.parse(row["recorded_at"])
    return Record(row["kind"], row["id"], row["revision"], spec, at, row["actor"], row["entry"])


def revisions(
    connection: Connection, kinds: Sequence[Kind], kind: str, record_id: str
) -> tuple[Record[Any], ...]:
    """Every revision of one record, oldest first; empty when there is none."""
    by_name = {each.name: each for each in kinds}
    return tuple(_record(row, by_name) for row in store.of(connection, kind, record_id))


def entry_of(key: Key, revision: int, commitment: str, actor: str) -> dict[str, Any]:
    """What the ledger entry of a revision says: which it is, and commitments to its body and its actor."""
    return {"record": ":".join(key), "revision": revision, "commitment": commitment, "actor": actor}


def altered(connection: Connection) -> Iterator[str]:
    """Every revision that is not what its ledger entry commits to, and every entry whose revision is gone."""
    revision: dict[Key, int] = {}
    for row in store.with_entries(connection):
        key = (row["kind"], row["id"])
        before, revision[key] = revision.get(key, 0), row["revision"]
        name = f"{row['kind']}:{row['id']}, revision {row['revision']}"
        if row["revision"] != before + 1:
            yield f"{name} comes after revision {before}: the order of revisions was altered."
        if row["entry_body"] is None:
            yield f"{name} has no ledger entry."
            continue
        actor = Actor(row["actor"], row["authenticated"], row["os_user"])
        expected = entry_of(
            (row["kind"], row["id"]),
            row["revision"],
            commit(row["body_salt"], row["body"].encode()),
            commit(row["actor_salt"], actor.canonical),
        )
        entry = json.loads(row["entry_body"])
        if {**entry, **expected, "kind": store.ENTRY, "at": row["recorded_at"]} != entry:
            yield f"{name} is not what its ledger entry commits to."
    for body in store.entries_alone(connection):
        entry = json.loads(body)
        yield f"{entry['record']}, revision {entry['revision']}, is in the ledger and nowhere else."
