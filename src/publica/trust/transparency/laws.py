"""What `ledger verify` checks of this area: receipts, what is sealed for them, sets, and readings.

Rows and entries must say the same; what is sealed is opened and must give the commitments of the entries.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from publica.kernel.actor import Actor
from publica.kernel.backends import is_postgres
from publica.kernel.keys import Keys
from publica.kernel.ledger.canonical import commit, unb64
from publica.kernel.ledger.laws import DAMAGE, SHOWN, Law, Linked, Problem, Seen, broken, far_before, told
from publica.kernel.ledger.store import entries
from publica.trust.transparency import breach, index, receipts, store

_PLAIN = ("id", "organisation", "activity", "outcome", "rows", "bytes", "form")
_SETS = ("touched", "released")


class ReceiptLaw(Law):
    """Every row of `use` has its receipt, every receipt its row, and both say the same, roots included.

    The sealed original gives the receipt's commitments, and the row's tag of the actor.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._receipts = 0

    def entry(self, seen: Seen, /) -> Iterable[Problem]:
        self._receipts += seen.kind == "receipt"
        return ()

    def finish(self, connection: Connection, /) -> Iterator[Problem]:
        matched = last = 0
        newest = ""
        for row in connection.execute(_query(), execution_options={"yield_per": 1000}):
            wrong = _difference(row) or self._hidden(row)
            beside = is_postgres(connection) and not far_before(row.recorded_at, newest)
            if wrong is None and row.entry_id <= last and not beside:  # servers write beside each other
                wrong = "stands at another place than its receipt"
            last, newest = max(last, row.entry_id or 0), max(newest, row.recorded_at)
            matched += wrong is None
            if wrong is not None:
                yield broken(row.position, f"The row of use {row.id} {wrong}.")
        if matched != self._receipts:
            held = select(store.uses.c.entry)
            bare = (entries.c.kind == "receipt") & entries.c.leaf.not_in(held)
            for (position,) in connection.execute(select(entries.c.position).where(bare).limit(SHOWN)):
                yield broken(position, "The receipt has lost its row.")
        yield from _orphans(connection)

    def _hidden(self, row: Row[Any]) -> str | None:
        """What is wrong with the sealed original, or with what follows from it."""
        if row.sealed is None:
            return "has lost its sealed original"
        if self._keys.lost(row.sealed, receipts.original_context(row.id)):
            return None  # nobody can tell
        try:
            held = json.loads(self._keys.unseal(row.sealed, receipts.original_context(row.id)))
            receipt, who = json.loads(row.receipt), Actor(**_actor(held["actor"]))
            salts = {name: unb64(salt) for name, salt in held["salts"].items()}
            said = {
                "actor": who.canonical,
                "sql": receipts.statement_value(held["sql"], held["params"]),
                "result": held["digest"] and held["digest"].encode(),
            }
            for name, value in said.items():
                if receipt[name] != (value and commit(salts[name], value)):
                    return f"has a sealed original with another `{name}` than its receipt commits to"
        except DAMAGE:
            return "has a sealed original that was altered"
        if row.actor_tag not in receipts.actor_tags(self._keys, who.id):
            return "is filed under another actor"
        return None


class ReadingLaw(Law):
    """Every row of `reading` says what its entry says, and what is sealed in it gives its commitments."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def finish(self, connection: Connection, /) -> Iterator[Problem]:
        joined = store.readings.join(entries, entries.c.leaf == store.readings.c.entry)
        query = select(store.readings, entries.c.body, entries.c.position).select_from(joined)
        for row in connection.execute(query, execution_options={"yield_per": 1000}):
            yield from told(f"Reading {row.number}", self._reading(row))

    def _reading(self, row: Row[Any]) -> Iterator[Problem]:
        entry = json.loads(row.body)
        if (entry["what"], entry["at"]) != (row.what, row.recorded_at):
            yield broken(row.position, f"Reading {row.number} says something else than its entry.")
        if self._keys.lost(row.sealed, b"reading" + row.token):
            return
        opened = json.loads(self._keys.unseal(row.sealed, b"reading" + row.token))
        for name, (salt, value) in opened.items():
            if entry[name] != commit(unb64(salt), unb64(value)):
                what = f"Reading {row.number} has another `{name}` sealed than its entry commits to."
                yield broken(row.position, what)


class BreachLaw(Law):
    """Every report on an actor is the one that its entry commits to."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def finish(self, connection: Connection, /) -> Iterator[Problem]:
        joined = store.breaches.join(entries, entries.c.leaf == store.breaches.c.entry)
        query = select(store.breaches, entries.c.body, entries.c.position).select_from(joined)
        for row in connection.execute(query, execution_options={"yield_per": 10}):
            yield from told(f"Report {row.id}", self._report(row))

    def _report(self, row: Row[Any]) -> Iterator[Problem]:
        entry = json.loads(row.body)
        if (entry["report"], entry["at"]) != (row.id, row.recorded_at):
            yield broken(row.position, f"Report {row.id} says something else than its entry.")
        if self._keys.lost(row.sealed, breach.context(row.token)):
            return
        held = breach.opened(self._keys, row)
        if entry["content"] != breach.commitment(held):
            yield broken(row.position, f"Report {row.id} is not the one that its entry commits to.")


class SetLaw(Law):
    """Every stored set is the one that was committed to, and whoever is in it finds it."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def finish(self, connection: Connection, /) -> Iterator[Problem]:
        with closing(index.Tags(connection)) as tags:
            for number in connection.scalars(select(store.subject_sets.c.number).order_by("number")).all():
                yield from told(f"Subject set {number}", self._set(connection, number, tags.of(number)))
        for what in index.strays(connection):
            yield broken(None, what)

    def _set(self, connection: Connection, number: int, tags: set[int]) -> Iterator[Problem]:
        for what in index.wrong_with(connection, self._keys, number, tags):
            yield broken(None, what)


def laws(keys: Keys) -> tuple[Law, ...]:
    """Fresh laws for one verification."""
    return (
        ReceiptLaw(keys),
        Linked(store.readings, ("reading",)),
        ReadingLaw(keys),
        SetLaw(keys),
        Linked(store.breaches, (breach.ENTRY,)),
        BreachLaw(keys),
    )


def _actor(held: Mapping[str, Any]) -> dict[str, Any]:
    return {name: held[name] for name in ("id", "authenticated", "os_user")}


def _orphans(connection: Connection) -> Iterator[Problem]:
    """What is sealed for a use that is not there, and matters that are not filed by their hash."""
    known = select(store.uses.c.number)
    lost = select(func.count()).select_from(store.privates).where(store.privates.c.use.not_in(known))
    if count := connection.scalar(lost):
        yield broken(None, f"{count} sealed originals belong to no use.")
    for identity, body in connection.execute(select(store.matters)):
        if not isinstance(body, str) or receipts.matter_id(body) != identity:
            yield broken(None, "What several uses have in common was altered, or is filed wrongly.")


def _query() -> Select[Any]:
    """Each use with its entry, what it shares with others, and the roots of its two sets."""
    touched, released = store.subject_sets.alias(), store.subject_sets.alias()
    uses = store.uses
    joined = (
        uses.outerjoin(entries, (entries.c.leaf == uses.c.entry) & (entries.c.kind == "receipt"))
        .outerjoin(store.matters, store.matters.c.id == uses.c.matter)
        .outerjoin(touched, touched.c.number == uses.c.touched)
        .outerjoin(released, released.c.number == uses.c.released)
        .outerjoin(store.privates, store.privates.c.use == uses.c.number)
    )
    return (
        select(
            *(uses.c[name] for name in (*_PLAIN, "recorded_at", "released_exact", "actor_tag")),
            store.privates.c.sealed,
            entries.c.id.label("entry_id"),
            entries.c.position,
            entries.c.body.label("receipt"),
            store.matters.c.body.label("matter"),
            *(uses.c[name] for name in _SETS),
            touched.c.root.label("touched_root"),
            touched.c.size.label("touched_size"),
            released.c.root.label("released_root"),
            released.c.size.label("released_size"),
        )
        .select_from(joined)
        .order_by(uses.c.number)
    )


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
    untold = {name: receipts.UNTOLD for name in receipts.COUNTS if receipt[name] is None}
    said = {name: receipt[name] for name in (*_PLAIN, "at")} | untold
    return said | sets | {"exact": exact, "matter": shared}


def _kept(row: Row[Any]) -> dict[str, Any]:
    return {
        **{name: getattr(row, name) for name in _PLAIN},
        "at": row.recorded_at,
        "touched": None if row.touched is None else (row.touched_root, row.touched_size),
        "released": None if row.released is None else (row.released_root, row.released_size),
        "exact": None if row.released is None else row.released_exact,
        "matter": row.matter,
    }
