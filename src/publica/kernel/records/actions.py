"""The verbs of records: apply and export documents, read the book, look at history."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

import yaml
from pydantic import ValidationError
from sqlalchemy import Connection

from publica.kernel import clock
from publica.kernel.actor import Actor
from publica.kernel.database import Change, Database
from publica.kernel.documents import Reading, read
from publica.kernel.errors import BadInput, IntegrityBroken, Place, Unavailable
from publica.kernel.ledger.canonical import canonical, commit, new_salt
from publica.kernel.records import store
from publica.kernel.records.model import Book, Difference, Key, Kind, Record, Spec
from publica.kernel.records.rules import broken_references, changes, differences, failed_checks, typed

ATTEMPTS = 50
BOOKS_KEPT = 4

_books: OrderedDict[tuple[store.Stamp, tuple[Kind, ...]], Book] = OrderedDict()
_books_lock = Lock()


# reading


def book(connection: Connection, kinds: Sequence[Kind], at: datetime | None = None) -> Book:
    """The records as they are, or as they were recorded at an instant.

    The current book is shared by all who ask while nothing changes. Raises IntegrityBroken when a stored
    record does not fit its model.
    """
    key = (store.stamp(connection), tuple(kinds))
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


def history(
    connection: Connection, kinds: Sequence[Kind], kind: str, record_id: str
) -> tuple[Record[Any], ...]:
    """Every revision of one record, oldest first; empty when there is none."""
    by_name = {each.name: each for each in kinds}
    return tuple(_record(row, by_name) for row in store.of(connection, kind, record_id))


# applying


class _Moved(Exception):
    """Somebody else changed a record since this input was checked."""


def apply(
    db: Database, kinds: Sequence[Kind], paths: Sequence[Path], actor: Actor, *, dry_run: bool = False
) -> tuple[Difference, ...]:
    """Bring the records to what the documents of files and folders say: all of them or none.

    What is unchanged gets no revision. Raises one BadInput that lists every problem with file and line.
    """
    reading = read(paths)
    for _ in range(ATTEMPTS):
        try:
            return _apply(db, tuple(kinds), reading, actor, dry_run=dry_run)
        except _Moved:
            continue
    raise Unavailable("Others keep changing the records.", do="Try again.")


def _apply(
    db: Database, kinds: tuple[Kind, ...], reading: Reading, actor: Actor, *, dry_run: bool
) -> tuple[Difference, ...]:
    with db.read() as connection:  # one snapshot: the stamp is that of the book
        stamp, before = store.stamp(connection), book(connection, kinds)
    specs, found = _checked(reading, before, actor)
    changed = changes(found)
    if changed and not dry_run:
        db.write(lambda change: _write(change, stamp, before, {key: specs[key] for key in changed}, actor))
    return found


def _checked(
    reading: Reading, before: Book, actor: Actor
) -> tuple[Mapping[Key, Spec], tuple[Difference, ...]]:
    """The specs of an input and what they would do. Raises BadInput with everything that is wrong."""
    given = typed(reading.documents, before.kinds)
    found = differences(given.specs, before)
    problems = [*reading.problems, *given.problems]
    if not reading.problems:  # else what seems wrong may stand right in what could not be read
        changed, misfits = changes(found), given.documents.keys() - given.specs.keys()
        specs = {key: given.specs[key] for key in changed}
        after = before.revised(specs, clock.now(), actor.id, without=misfits)
        problems += [*broken_references(given, before), *failed_checks(given, changed, after)]
    if problems:
        raise BadInput.listing(sorted(problems, key=_in_reading_order))
    return given.specs, found


def _in_reading_order(problem: BadInput) -> tuple[str, int]:
    place = problem.place or Place()
    return place.file or "", place.line or 0


def _write(change: Change, stamp: store.Stamp, before: Book, specs: Mapping[Key, Spec], actor: Actor) -> None:
    """Write new revisions, each with its ledger entry. Raises _Moved when the records are not as checked."""
    if store.stamp(change.connection) != stamp:
        raise _Moved
    rows = [_revision(change, before.get(*key), key, spec, actor) for key, spec in specs.items()]
    store.add(change.connection, rows)


def _revision(
    change: Change, before: Record[Any] | None, key: Key, spec: Spec, actor: Actor
) -> dict[str, Any]:
    """The row of a new revision; its ledger entry commits to the spec and to who changed it."""
    body, body_salt, actor_salt = canonical(spec.json_value), new_salt(), new_salt()
    revision = before.revision + 1 if before is not None else 1
    fields = _entry(key, revision, commit(body_salt, body), commit(actor_salt, actor.canonical))
    return {
        "kind": key[0],
        "id": key[1],
        "revision": revision,
        "body": body.decode(),
        "body_salt": body_salt,
        "recorded_at": clock.text(change.now),
        "actor": actor.id,
        "authenticated": actor.authenticated,
        "os_user": actor.os_user,
        "actor_salt": actor_salt,
        "entry": change.enter(store.ENTRY, fields),
    }


def _entry(key: Key, revision: int, commitment: str, actor: str) -> dict[str, Any]:
    return {"record": ":".join(key), "revision": revision, "commitment": commitment, "actor": actor}


# checking what is stored


def altered(connection: Connection) -> Iterator[str]:
    """Every revision that is not what its ledger entry commits to, and every entry whose revision is gone."""
    for row in store.with_entries(connection):
        name = f"{row['kind']}:{row['id']}, revision {row['revision']}"
        if row["entry_body"] is None:
            yield f"{name} has no ledger entry."
            continue
        actor = Actor(row["actor"], row["authenticated"], row["os_user"])
        expected = _entry(
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


# exporting


def export(db: Database, kinds: Sequence[Kind], folder: Path) -> list[Path]:
    """Write every current record to `folder/<kind>/<id>.yaml`; applying the folder gives the same state."""
    with db.read() as connection:
        records = book(connection, kinds).records
    written = []
    for kind, record_id in sorted(records):
        path = folder / kind / f"{record_id}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(as_yaml(records[kind, record_id]), "utf-8", newline="\n")
        written.append(path)
    return written


def as_yaml(record: Record[Any]) -> str:
    """A record as the YAML document that `apply` reads."""
    spec = _plain(record.spec.model_dump(exclude_none=True))
    document = {"kind": record.kind, "id": record.id, "spec": spec}
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return text


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _plain(value: Any) -> Any:
    """A dumped spec in YAML's own types: enumerations as text, tuples as lists; days stay days."""
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, str) else value
