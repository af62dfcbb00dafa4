"""Checkpoints: the ledger's signed word on its size and root, and proofs against it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, insert, select

from publica.kernel import clock
from publica.kernel.database import Change, Database
from publica.kernel.errors import BadInput, IntegrityBroken
from publica.kernel.files import PUBLIC, write_whole
from publica.kernel.keys import Keys
from publica.kernel.ledger import merkle, note
from publica.kernel.ledger.canonical import b64
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


def checkpoint(database: Database, keys: Keys, origin: str, keep: Path | None = None) -> str:
    """Sequence what was committed, then sign the tree; the signed note. Unless it grew, the latest again.

    `keep`: a file outside the database that holds the latest note, too. Raises IntegrityBroken rather than
    sign a tree that does not extend the latest one signed, there or in the database.
    """
    if keep is not None:
        with database.read() as connection:
            _extends(connection, keep)  # before anything gets a position
    sequence(database)
    signed = database.maintain(lambda change: _sign(change, keys, origin))
    if keep is not None:
        database.maintain(lambda change: _keep(change.connection, keep))
    return signed


def kept(file: Path) -> str | None:
    """The note that was kept outside the database; None when the file is gone."""
    try:
        return file.read_text("utf-8", "replace")
    except OSError:
        return None


def latest(connection: Connection) -> StoredCheckpoint | None:
    """The checkpoint of the largest tree."""
    row = connection.execute(select(checkpoints).order_by(checkpoints.c.size.desc()).limit(1)).first()
    return StoredCheckpoint(*row) if row else None


def root_at(connection: Connection, size: int) -> bytes:
    """The root of the tree as it was at `size` entries, which it must have reached.

    Raises IntegrityBroken when the tiles lack it.
    """
    return Tree(connection).root(size)


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


def _extends(connection: Connection, file: Path) -> None:
    """Raises IntegrityBroken unless the tree begins with what the kept note says.

    Without any note there must not be entries: an instance signs before it enters anything.
    """
    text = kept(file)
    if text is None:
        if latest(connection) is None and connection.execute(select(entries.c.id).limit(1)).first():
            raise IntegrityBroken(
                "Every checkpoint of the ledger is gone; no new one was signed.",
                do="Run `publica ledger verify`.",
            )
        return
    lines = text.split("\n")
    size = int(lines[1]) if len(lines) > 2 and lines[1].isascii() and lines[1].isdigit() else -1
    held = connection.execute(select(state.c.size)).scalar() or 0
    if not 0 <= size <= held or b64(Tree(connection).root(size)) != lines[2]:
        raise IntegrityBroken(
            f"The ledger no longer holds what the checkpoint in {file.name} signed; no new one was signed.",
            do="Run `publica ledger verify`.",
        )


def _keep(connection: Connection, file: Path) -> None:
    """Write the latest note to the file, durably; whoever does holds the ledger, so that none is older."""
    locked_size(connection)
    newest = latest(connection)
    if newest is None or kept(file) == newest.note:
        return
    file.parent.mkdir(mode=0o755, exist_ok=True)
    write_whole(file, newest.note.encode(), PUBLIC)
