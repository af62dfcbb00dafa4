"""What `ledger verify` checks of this area: receipts and their rows say the same, each has the other."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from publica.kernel.ledger.laws import SHOWN, Law, Linked, Problem, Seen
from publica.kernel.ledger.store import entries
from publica.trust.transparency import receipts, store

_PLAIN = ("id", "organisation", "activity", "outcome", "rows", "bytes", "form")
_SETS = ("touched", "released")
_DO = "Restore the database from a backup of before the change."


class ReceiptLaw(Law):
    """Every row of `use` has its receipt, every receipt its row, and both say the same, roots included."""

    def __init__(self) -> None:
        self._receipts = 0

    def entry(self, seen: Seen, /) -> Iterable[Problem]:
        self._receipts += seen.kind == "receipt"
        return ()

    def finish(self, connection: Connection, /) -> Iterator[Problem]:
        matched = 0
        for row in connection.execute(_query(), execution_options={"yield_per": 1000}):
            wrong = _difference(row)
            matched += wrong is None
            if wrong is not None:
                yield Problem(row.position, f"The row of use {row.id} {wrong}.", _DO)
        if matched != self._receipts:
            held = select(store.uses.c.entry)
            bare = (entries.c.kind == "receipt") & entries.c.leaf.not_in(held)
            for (position,) in connection.execute(select(entries.c.position).where(bare).limit(SHOWN)):
                yield Problem(position, "The receipt has lost its row.", _DO)


def laws() -> tuple[Law, ...]:
    """Fresh laws for one verification."""
    return ReceiptLaw(), Linked(store.readings, ("reading",))


def _query() -> Select[Any]:
    """Each use with its entry, what it shares with others, and the roots of its two sets."""
    touched, released = store.subject_sets.alias(), store.subject_sets.alias()
    uses = store.uses
    joined = (
        uses.outerjoin(entries, (entries.c.leaf == uses.c.entry) & (entries.c.kind == "receipt"))
        .outerjoin(store.matters, store.matters.c.id == uses.c.matter)
        .outerjoin(touched, touched.c.number == uses.c.touched)
        .outerjoin(released, released.c.number == uses.c.released)
    )
    return select(
        *(uses.c[name] for name in (*_PLAIN, "recorded_at", "released_exact")),
        entries.c.position,
        entries.c.body.label("receipt"),
        store.matters.c.body.label("matter"),
        touched.c.root.label("touched_root"),
        touched.c.size.label("touched_size"),
        released.c.root.label("released_root"),
        released.c.size.label("released_size"),
    ).select_from(joined)


def _difference(row: Row[Any]) -> str | None:
    """What is wrong with a row, None when it says what its receipt says."""
    if row.receipt is None:
        return "has no receipt in the ledger"
    try:
        receipt = json.loads(row.receipt)
        stated, kept = _stated(receipt), _kept(row)
    except (ValueError, TypeError, KeyError, AttributeError):
        return "belongs to a receipt that cannot be read"
    for name, value in stated.items():
        if kept[name] != value:
            return f"says something else about `{name}` than its receipt"
    return None


def _stated(receipt: Mapping[str, Any]) -> dict[str, Any]:
    sets = {name: receipt[name] and (receipt[name]["root"], receipt[name]["size"]) for name in _SETS}
    exact = receipt["released"] and receipt["released"]["exact"]
    shared = receipts.matter(receipt)
    return {name: receipt[name] for name in (*_PLAIN, "at")} | sets | {"exact": exact, "matter": shared}


def _kept(row: Row[Any]) -> dict[str, Any]:
    touched = None if row.touched_root is None else (row.touched_root, row.touched_size)
    released = None if row.released_root is None else (row.released_root, row.released_size)
    return {
        **{name: getattr(row, name) for name in _PLAIN},
        "at": row.recorded_at,
        "touched": touched,
        "released": released,
        "exact": None if released is None else row.released_exact,
        "matter": row.matter,
    }
