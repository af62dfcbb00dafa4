"""Checkpoints: the ledger's signed word on its size and root, and proofs against it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from publica.kernel import clock
from publica.kernel.database import Change, Database
from publica.kernel.errors import BadInput, IntegrityBroken
from publica.kernel.keys import Keys
from publica.kernel.ledger import merkle, note
from publica.kernel.ledger.sequencer import locked_size, sequence
from publica.kernel.ledger.store import checkpoints, entries, state
from publica.kernel.ledger.tiles import Tree


@dataclass(frozen=True)
class StoredCheckpoint:
    """A checkpoint that was made: `note` is its signed text, `at` when (RFC 3339)."""

    size: int
    root: bytes
    note: str
    at: str


@dataclass(frozen=True)
class Inclusion:
    """Where an entry is, and the path from it to the root of the tree of that size."""

    position: int
    path: tuple[bytes, ...]


def vkey(keys: Keys, origin: str) -> str:
    """The verifier key to publish, `origin+keyid+base64`; by it anyone can check checkpoints."""
    return str(note.verifier(keys.signer, origin))


def checkpoint(database: Database, keys: Keys, origin: str) -> str:
    """Sequence what was committed, then sign the tree; the signed note. Unless it grew, the latest again.

    Raises IntegrityBroken rather than sign a tree that does not extend the latest one signed.
    """
    sequence(database)
    return database.maintain(lambda change: _sign(change, keys, origin))


def latest(connection: Connection) -> StoredCheckpoint | None:
    """The checkpoint of the largest tree."""
    row = connection.execute(select(checkpoints).order_by(checkpoints.c.size.desc()).limit(1)).first()
    return StoredCheckpoint(*row) if row else None


def inclusion(connection: Connection, leaf: bytes, size: int) -> Inclusion:
    """The proof that the entry of this leaf hash is in the tree of `size` entries.

    Raises BadInput when it is not (also when it awaits sequencing: make a checkpoint first).
    """
    _within(connection, size)
    position = connection.execute(select(entries.c.position).where(entries.c.leaf == leaf)).scalar()
    if position is None or position >= size:
        raise BadInput(f"The entry is not in the ledger of {size} entries.", do="Take a later checkpoint.")
    return Inclusion(position, tuple(merkle.inclusion_path(position, size, Tree(connection).subtree)))


def consistency(connection: Connection, old: int, new: int) -> tuple[bytes, ...]:
    """The proof that the tree of `new` entries begins with the tree of `old`.

    Raises BadInput unless 0 < old <= new.
    """
    _within(connection, new)
    if not 0 < old <= new:
        raise BadInput(f"A ledger of {new} entries cannot extend one of {old}.", do="Give 0 < old <= new.")
    return tuple(merkle.consistency_path(old, new, Tree(connection).subtree))


def _within(connection: Connection, size: int) -> None:
    held = connection.execute(select(state.c.size)).scalar() or 0
    if not 0 <= size <= held:
        raise BadInput(f"The ledger has {held} entries, not {size}.", do="Give a size it has reached.")


def _sign(change: Change, keys: Keys, origin: str) -> str:
    connection = change.connection
    size, tree, before = locked_size(connection), Tree(connection), latest(connection)
    if before is not None and (before.size > size or tree.root(before.size) != before.root):
        raise IntegrityBroken(
            "The ledger no longer holds what its last checkpoint signed; no new one was signed.",
            do="Run `publica ledger verify`.",
        )
    if before is not None and before.size == size:
        return before.note
    root = tree.root(size)
    signed = note.sign(str(note.Checkpoint(origin, size, root)), keys.signer, origin)
    row = {"size": size, "root": root, "note": signed, "at": clock.text(change.now)}
    connection.execute(insert(checkpoints).values(row))
    return signed
