"""An instance in miniature: a state database, keys, and a book of four activities."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
import states

from publica.governance.activities import Activity, Basis, BasisKind
from publica.kernel import clock, keys
from publica.kernel.actor import Actor
from publica.kernel.database import Database
from publica.kernel.keys import Keys
from publica.kernel.records import Book, Record

SAM = Actor("sam", "operator", "root")

CONSENT = Basis(kind=BasisKind.CONSENT)
OBJECTION = Basis(kind=BasisKind.LAW, law="statistics-act", objection=True)
LAW = Basis(kind=BasisKind.LAW, law="aid-act")

BASES = {"research": CONSENT, "other_research": CONSENT, "statistics": OBJECTION, "aid": LAW}


@dataclass(frozen=True)
class World:
    db: Database
    keys: Keys
    book: Book


def _activity(basis: Basis) -> Activity:
    return Activity(
        title="T",
        organisation="statistics",
        purpose="dpv:Research",
        basis=basis,
        datasets=({"dataset": "population", "columns": ("name",)},),
        roles=("analyst",),
        protection="rows",
        retention="P1Y",
        valid_from=date(2020, 1, 1),
    )


def book(bases: dict[str, Basis]) -> Book:
    records = {
        ("activity", name): Record("activity", name, 1, _activity(basis), clock.now(), "carla", b"")
        for name, basis in bases.items()
    }
    return Book((), records, 1)


@pytest.fixture
def world(tmp_path: Path, state: str) -> Iterator[World]:
    db = states.database(tmp_path)
    keys.create(tmp_path / "keys")
    yield World(db, keys.load(tmp_path / "keys"), book(BASES))
    db.close()
