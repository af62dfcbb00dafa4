"""Making a proof: what one receipt commits to about one person, in one file that stands alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from publica.data import subjects
from publica.data.bindings import Binding
from publica.kernel.actor import Actor
from publica.kernel.database import Database
from publica.kernel.errors import BadInput
from publica.kernel.keys import Keys
from publica.kernel.ledger.canonical import b64, unb64
from publica.kernel.ledger.checkpoint import StoredCheckpoint, checkpoint, inclusion, latest
from publica.kernel.ledger.store import entries
from publica.trust.transparency import actions, index, sets, store
from publica.trust.transparency.verification import FORMAT


def prove(
    db: Database,
    keys: Keys,
    origin: str,
    data_folder: Path,
    concept: str,
    key: str,
    use: str,
    actor: Actor,
) -> dict[str, Any]:
    """The proof file about the person of this key and this use; that `actor` made it is entered first.

    Raises BadInput for an unknown person or use.
    """
    with db.read() as connection:
        binding = subjects.binding(connection, keys, data_folder, key, concept)
        known = connection.scalar(select(store.uses.c.number).where(store.uses.c.id == use))
    if binding is None:
        raise BadInput(f"Nothing is held about {key!r}.", do="Check the person's key.")
    if known is None:
        raise BadInput(f"There is no use {use}.", do="Use ids stand in receipts and in people's lists.")
    subject = binding.position.to_bytes(4, "big")
    db.write(lambda change: actions.read(change, keys, "proof", actor, {"subject": subject}, use=use))
    checkpoint(db, keys, origin)
    with db.read() as connection:
        return assemble(connection, keys, use, binding)


def assemble(connection: Connection, keys: Keys, use: str, binding: Binding) -> dict[str, Any]:
    """The proof file, against the ledger's latest checkpoint, which must cover the use and the binding."""
    row = connection.execute(select(store.uses).where(store.uses.c.id == use)).one()
    signed = latest(connection)
    if signed is None:
        raise BadInput("The ledger has no checkpoint yet.", do="Make one: `publica ledger checkpoint`.")
    touched, opened_touched = _opened(connection, keys, row.touched, binding.position)
    released, opened_released = _opened(connection, keys, row.released, binding.position)
    says = {"use": use, "touched": touched, "released": released}
    if released and not row.released_exact:
        says["released"] = "at most"
    return {
        "format": FORMAT,
        "checkpoint": signed.note,
        "receipt": _entry(connection, row.entry, signed),
        "directory": _entry(connection, unb64(binding.entry), signed),
        "subject": {
            "concept": binding.concept,
            "key": binding.key,
            "position": binding.position,
            "salt": binding.salt,
            "block": b64(b"".join(unb64(each) for each in binding.block)),
            "path": list(binding.path),
        },
        "touched": opened_touched,
        "released": opened_released,
        "says": says,
    }


def _entry(connection: Connection, leaf: bytes, signed: StoredCheckpoint) -> dict[str, Any]:
    """An entry's canonical text, and where the signed tree has it."""
    body = connection.execute(select(entries.c.body).where(entries.c.leaf == leaf)).scalar_one()
    found = inclusion(connection, leaf, signed.size)
    return {"entry": body.decode(), "position": found.position, "path": _texts(found.path)}


def _opened(
    connection: Connection, keys: Keys, number: int | None, position: int
) -> tuple[bool, dict[str, Any] | None]:
    """Whether a stored set holds the position, and the opening that shows it.

    None when there is no set, or when the person came later than it: its size alone shows them out.
    """
    if number is None:
        return False, None
    held, salt = index.load(connection, keys, number)
    if position >= held.size:
        return False, None
    shown = sets.opening(held, salt, position)
    opening = {"salt": b64(shown.salt), "bits": b64(shown.bits), "path": _texts(shown.path)}
    return shown.contains(position), opening


def _texts(hashes: Sequence[bytes]) -> list[str]:
    return [b64(each) for each in hashes]
