"""A small ledger on a real database, and the means to tamper with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import states
from sqlalchemy import insert

from publica.kernel import clock, keys
from publica.kernel.database import Change, Database
from publica.kernel.keys import Keys
from publica.kernel.ledger.canonical import canonical, leaf_hash
from publica.kernel.ledger.checkpoint import checkpoint, vkey
from publica.kernel.ledger.laws import Law
from publica.kernel.ledger.store import entries
from publica.kernel.ledger.verify import Report, verify

ORIGIN = "example.org/ledger"


@dataclass
class Ledger:
    db: Database
    keys: Keys

    @property
    def vkey(self) -> str:
        return vkey(self.keys, ORIGIN)

    def checkpoint(self) -> str:
        return checkpoint(self.db, self.keys, ORIGIN)

    def enter(self, kind: str, **fields: Any) -> bytes:
        return self.db.write(lambda change: change.enter(kind, fields))

    def fill(self, count: int, start: int = 0) -> None:
        """Many entries in one transaction."""

        def work(change: Change) -> None:
            stamp = {"at": clock.text(change.now), "kind": "test", "v": 1}
            bodies = [canonical({"n": n, **stamp}) for n in range(start, start + count)]
            rows = [{"kind": "test", "body": body, "leaf": leaf_hash(body)} for body in bodies]
            if rows:
                change.connection.execute(insert(entries), rows)

        self.db.maintain(work)

    def verify(self, *laws: Law, kept: tuple[str, ...] = ()) -> Report:
        with self.db.read() as connection:
            return verify(connection, (self.vkey,), laws, kept)

    def tamper(self, *statements: str) -> None:
        """Edit the database behind Publica's back."""
        states.tamper(self.db, *statements)


def open_ledger(folder: Path) -> Ledger:
    keys.create(folder / "keys")
    return Ledger(states.database(folder), keys.load(folder / "keys"))


@pytest.fixture
def make_ledger(tmp_path: Path, state: str) -> Iterator[Callable[[], Ledger]]:
    made: list[Ledger] = []

    def make() -> Ledger:
        made.append(open_ledger(tmp_path / str(len(made))))
        return made[-1]

    yield make
    for ledger in made:
        ledger.db.close()


@pytest.fixture
def ledger(make_ledger: Callable[[], Ledger]) -> Ledger:
    return make_ledger()
