"""Going on after a loss: said in the ledger, so that nobody can say later that nothing was lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import select

from publica.instance.instance import Instance
from publica.instance.settings import read
from publica.kernel.actor import Actor
from publica.kernel.database import Change
from publica.kernel.errors import BadInput
from publica.kernel.files import PUBLIC, write_whole
from publica.kernel.ledger.canonical import b64, commit, new_salt
from publica.kernel.ledger.checkpoint import checkpoint as sign
from publica.kernel.ledger.checkpoint import root_at
from publica.kernel.ledger.sequencer import sequence
from publica.kernel.ledger.store import state

ENTRY = "recovery"


def recover(folder: Path, actor: Actor) -> dict[str, Any]:
    """Enter that what a published checkpoint held beyond the present state is lost, and publish this state.

    The checkpoint that is contradicted stays beside the new one, as `lost-SIZE`. Raises BadInput when nothing
    that was published is missing.
    """
    opened = Instance(folder, read(folder))
    try:
        opened.db.check()
        sequence(opened.db)
        found = opened.published.ahead(opened.db)
        if found is None:
            raise BadInput("Nothing that was published is missing.", do="Open the instance as usual.")
        place, lost, _ = found
        said = opened.db.write(lambda change: _enter(change, lost.size, lost.root, actor))
        signed = sign(opened.db, opened.keys, opened.settings.ledger.origin)
        # Until no place contradicts it, the instance does not open, and this can be done again.
        for each in opened.published.places:
            if each.exists():
                write_whole(each.with_name(f"lost-{lost.size}"), each.read_bytes(), PUBLIC)
            each.parent.mkdir(parents=True, exist_ok=True)
            write_whole(each, signed.encode(), PUBLIC)
        return {**said, "kept": str(place.with_name(f"lost-{lost.size}"))}
    finally:
        opened.close()


def _enter(change: Change, size: int, root: bytes, actor: Actor) -> dict[str, Any]:
    connection = change.connection
    held = connection.execute(select(state.c.size)).scalar() or 0
    fields = {
        "published": {"size": size, "root": b64(root)},
        "state": {"size": held, "root": b64(root_at(connection, held))},
        "actor": commit(new_salt(), actor.canonical),
    }
    change.enter(ENTRY, fields)
    return {"published": size, "state": held}
