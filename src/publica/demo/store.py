"""What the tour looks at, and damages in a copy, beneath everything that guards an instance."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, select, update

from publica.kernel.database import Change
from publica.kernel.ledger.canonical import canonical
from publica.kernel.ledger.store import entries


def receipt(connection: Connection, use: str) -> dict[str, Any]:
    """The ledger entry of a use, as everybody may read it. Raises KeyError when there is none."""
    return _find(connection, use)[1]


def rewrite_history(change: Change, use: str) -> None:
    """What somebody with every right on the database could do: make a use say that it released nothing."""
    number, body = _find(change.connection, use)
    forged = canonical({**body, "rows": 0})
    change.connection.execute(update(entries).where(entries.c.id == number).values(body=forged))


def _find(connection: Connection, use: str) -> tuple[int, dict[str, Any]]:
    newest_first = select(entries.c.id, entries.c.body).where(entries.c.kind == "receipt")
    for number, text in connection.execute(newest_first.order_by(entries.c.id.desc())):
        body: dict[str, Any] = json.loads(text)
        if body["id"] == use:
            return number, body
    raise KeyError(use)
