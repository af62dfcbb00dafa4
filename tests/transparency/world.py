"""A small instance: a state database, keys, and receipts to write into it."""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import states

from publica.kernel.actor import Actor
from publica.kernel.database import Database
from publica.kernel.ids import draw
from publica.kernel.keys import KINDS, SIZE, Keys
from publica.trust.transparency.model import Private, Receipt, StoredSet, Written
from publica.trust.transparency.receipts import prepare, write
from publica.trust.transparency.sets import SubjectSet, padded

ANA = Actor("ana", "operator", "root")
SECRET = "SELECT income FROM incomes WHERE person_id = $who"
PRIVATE = Private("ana", "operator", "root", SECRET, {"who": "P-0000042"})


def new_keys() -> Keys:
    return Keys(**{kind: secrets.token_bytes(SIZE) for kind in KINDS})


def new_database(folder: Path) -> Database:
    database: Database = states.database(folder)
    return database


def receipt(**changes: Any) -> Receipt:
    base: dict[str, Any] = {
        "id": draw("use"),
        "organisation": "social-services",
        "activity": "heating_grant",
        "outcome": "released",
        "purpose": "dpv:ServiceProvision",
        "basis": "law:heating-act",
        "authenticated": "operator",
        "agreements": ("civil-registry-social",),
        "datasets": ("population@3", "incomes@1"),
        "columns": {"population@3": ("person_id", "name"), "incomes@1": ("income",)},
        "rows": 1,
        "bytes": 100,
        "digest": "ab" * 32,
        "protection": "rows",
        "choice_state": {"heating_grant": 5},
        "form": "rows",
    }
    return Receipt(**{**base, **changes})


def record(
    database: Database,
    keys: Keys,
    touched: SubjectSet | StoredSet | None = None,
    released: SubjectSet | StoredSet | None = None,
    **changes: Any,
) -> Written:
    """Write one receipt, as step 9 of a use does."""
    prepared = prepare(keys, receipt(**changes), PRIVATE, touched, released)
    return database.write(lambda change: write(change, prepared))


def some(positions: Iterable[int], size: int) -> SubjectSet:
    return SubjectSet.from_positions(positions, size)


def many(size: int, seed: int) -> SubjectSet:
    """About half of all subjects."""
    draw_from = random.Random(seed)
    whole, rest = divmod(size, 8)
    bits = draw_from.randbytes(whole) + bytes([draw_from.getrandbits(8) & (0xFF00 >> rest) & 0xFF])
    return SubjectSet(bits.ljust(padded(size), b"\0")[: padded(size)], size)
