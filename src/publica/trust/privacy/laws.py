"""What `ledger verify` checks of this area: the release history is what the receipts say came out.

Whoever could take a cell out of the history could have a cell released that differs from it by one person.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, select

from publica.kernel.ledger.canonical import b64
from publica.kernel.ledger.laws import SHOWN, Law, Problem, Seen, broken, told
from publica.kernel.ledger.store import entries
from publica.trust.privacy.sketch import Sketch
from publica.trust.privacy.store import released

_CELLS = "cells"
"""The field of a receipt that commits to the cells which came out with it for the first time."""


def digest(use: str, cells: Iterable[tuple[Sketch, bytes]]) -> str | None:
    """What a receipt says of its new cells, each with the name of its record keys; None of no cell.

    SHA-256 over the use's id and the sorted cells. It needs no salt: bits that only the instance can draw are
    among what is hashed.
    """
    return _digest(use, [_line(cell.identity, cell.rows, cell.per_person, key) for cell, key in cells])


def _digest(use: str, lines: list[bytes]) -> str | None:
    if not lines:
        return None
    return b64(hashlib.sha256(use.encode() + b"\0" + b"".join(sorted(lines))).digest())


def _line(identity: bytes, rows: int, per_person: int, key: bytes) -> bytes:
    return identity + key + rows.to_bytes(8) + per_person.to_bytes(8)


class CellLaw(Law):
    """The cells of each receipt are all there and as they were, and none has one that it did not say."""

    def __init__(self) -> None:
        self._said: dict[bytes, tuple[int | None, str]] = {}

    def entry(self, seen: Seen, /) -> Iterable[Problem]:
        if seen.kind == "receipt" and seen.body.get(_CELLS) is not None:
            self._said[seen.leaf] = seen.position, str(seen.body[_CELLS])
        return ()

    def finish(self, connection: Connection, /) -> Iterator[Problem]:
        joined = released.outerjoin(entries, entries.c.leaf == released.c.entry)
        query = select(released, entries.c.body).select_from(joined).order_by(released.c.entry, released.c.id)
        rows = connection.execute(query, execution_options={"yield_per": 1000})
        for leaf, cells in groupby(rows, key=lambda row: row.entry):
            yield from told("The release history", self._one(leaf, list(cells)))
        for position, _ in list(self._said.values())[:SHOWN]:
            yield broken(position, "The receipt has lost the cells that came out with it.")

    def _one(self, leaf: Any, rows: list[Row[Any]]) -> Iterator[Problem]:
        position, said = self._said.pop(leaf, (None, None))
        wrong = broken(position, "Cells of the release history are not those of the receipt they name.")
        if said is None:
            yield wrong
            return
        receipt = json.loads(rows[0].body)
        ours = {(receipt["organisation"], receipt["activity"])}
        lines = [_line(row.identity, row.rows, row.per_person, row.key) for row in rows]
        if {(row.recipient, row.activity) for row in rows} != ours or _digest(receipt["id"], lines) != said:
            yield wrong


def laws() -> tuple[Law, ...]:
    """Fresh laws for one verification."""
    return (CellLaw(),)
