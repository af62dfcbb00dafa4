"""The verb of records: apply documents, all of them or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from publica.kernel import clock
from publica.kernel.actor import Actor
from publica.kernel.database import Change, Database
from publica.kernel.documents import Reading, read
from publica.kernel.errors import BadInput, Place, Unavailable
from publica.kernel.ledger.canonical import canonical, commit, new_salt
from publica.kernel.records import store
from publica.kernel.records.history import book, entry_of
from publica.kernel.records.model import Book, Difference, Key, Kind, Record, Spec
from publica.kernel.records.rules import broken_references, changes, differences, failed_checks, typed

ATTEMPTS = 50

Also = Callable[[Change, Book, Mapping[Key, Spec]], None]
"""What else a change of records does: given the change, the book before it, and what is new."""


class _Moved(Exception):
    """Somebody else changed a record since this input was checked."""


def apply(
    db: Database, kinds: Sequence[Kind], paths: Sequence[Path], actor: Actor, *, dry_run: bool = False
) -> tuple[Difference, ...]:
    """Bring the records to what the documents of files and folders say: all of them or none.

    What is unchanged gets no revision. Raises one BadInput that lists every problem with file and line.
    """
    return apply_reading(db, kinds, read(paths), actor, dry_run=dry_run)


def apply_reading(
    db: Database,
    kinds: Sequence[Kind],
    reading: Reading,
    actor: Actor,
    *,
    dry_run: bool = False,
    also: Also | None = None,
) -> tuple[Difference, ...]:
    """The same of documents that were read already; `also` is done in the same transaction."""
    for _ in range(ATTEMPTS):
        try:
            return _apply(db, tuple(kinds), reading, actor, dry_run=dry_run, also=also)
        except _Moved:
            continue
    raise Unavailable("Others keep changing the records.", do="Try again.")


def _apply(
    db: Database,
    kinds: tuple[Kind, ...],
    reading: Reading,
    actor: Actor,
    *,
    dry_run: bool,
    also: Also | None,
) -> tuple[Difference, ...]:
    with db.read() as connection:  # one snapshot: the stamp is that of the book
        stamp, before = store.stamp(connection), book(connection, kinds)
    specs, found = _checked(reading, before, actor)
    changed = changes(found)
    if (changed or also is not None) and not dry_run:
        new = {key: specs[key] for key in changed}
        follows = [kind.follows for kind in kinds if kind.follows is not None and new]
        planned = before.revised(new, clock.now(), actor.id)

        def work(change: Change) -> None:
            _write(change, stamp, before, new, actor)
            for follow in follows:
                follow(change, before, before.revised(new, change.now, actor.id), actor)
            if also is not None:
                also(change, before, new)

        held = (lock for follow in follows for lock in follow.locks(before, planned))
        db.write(work, [store.CHANGES, *held])
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
    if rows:
        store.add(change.connection, rows)


def _revision(
    change: Change, before: Record[Any] | None, key: Key, spec: Spec, actor: Actor
) -> dict[str, Any]:
    """The row of a new revision; its ledger entry commits to the spec and to who changed it."""
    body, body_salt, actor_salt = canonical(spec.json_value), new_salt(), new_salt()
    revision = before.revision + 1 if before is not None else 1
    fields = entry_of(key, revision, commit(body_salt, body), commit(actor_salt, actor.canonical))
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
