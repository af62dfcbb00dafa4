"""What is held about one person: which datasets there are, and their rows of each, through the one door."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from publica.data import versions
from publica.data.model import Version
from publica.gateway.door import Door, Request
from publica.gateway.use import use
from publica.governance.activities import OWN_DATA
from publica.governance.datasets.model import Dataset
from publica.kernel.actor import Actor
from publica.kernel.errors import BadInput
from publica.kernel.records import Book, Record


@dataclass(frozen=True)
class Held:
    """A dataset about people that has data: who holds it, and since when."""

    dataset: Record[Dataset]
    version: Version

    @property
    def holder(self) -> str:
        return self.dataset.spec.holder


@dataclass(frozen=True)
class OwnRows:
    """A person's rows of one dataset, and the receipt of the use that read them."""

    held: Held
    receipt: str | None
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def held(connection: Connection, book: Book, folder: Path) -> list[Held]:
    """Every dataset that may hold something about a person, by id."""
    found = []
    for record in book.all("dataset"):
        version = versions.current(connection, folder, record.id)
        if record.spec.subject_columns and version is not None:
            found.append(Held(record, version))
    return found


def own_rows(door: Door, found: Held, actor: Actor) -> OwnRows:
    """The rows about the citizen who asks: a use under `own-data`, with its receipt."""
    if found.dataset.spec.subject_columns == ():
        raise BadInput(f"{found.dataset.id} is not about people.", do="Choose another dataset.")
    names = ", ".join(f'"{column.name}"' for column in found.dataset.spec.columns)
    answer = use(door, Request(actor, OWN_DATA, f'SELECT {names} FROM "{found.dataset.id}"'))
    table = answer.table()
    rows = tuple(tuple(row.values()) for row in table.to_pylist())
    return OwnRows(found, answer.receipt, tuple(table.column_names), rows)
