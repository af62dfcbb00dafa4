"""What `ledger verify` checks of credentials: tokens are what their entries say, events open to theirs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Row, select

from publica.governance.identity import events, store
from publica.kernel.keys import Keys
from publica.kernel.ledger.canonical import b64, canonical, commit, unb64
from publica.kernel.ledger.laws import Law, Linked, Problem, Seen, broken, told
from publica.kernel.ledger.store import entries

_SAID = ("id", "holder", "name", "activities", "scopes", "created_at", "expires_at")


def row_said(row: Mapping[str, Any]) -> bytes:
    """What a token's entry commits to: what it may do, whose it is, and by what it is known."""
    return canonical({**{name: row[name] for name in _SAID}, "digest": b64(row["digest"])})


class TokenLaw(Law):
    """Every token is what the entry of its making commits to; every one that was revoked says so."""

    def __init__(self) -> None:
        self._created: dict[str, str] = {}
        self._revoked: dict[str, str] = {}

    def entry(self, seen: Seen, /) -> Iterable[Problem]:
        if seen.kind == events.TOKEN:
            found = self._created if seen.body.get("what") == "created" else self._revoked
            found[str(seen.body.get("token"))] = str(seen.body.get("row", seen.body.get("at")))
        return ()

    def finish(self, connection: Connection, /) -> Iterator[Problem]:
        there = set()
        for row in connection.execute(select(store.tokens).order_by(store.tokens.c.number)):
            there.add(row.id)
            yield from told(f"Token {row.id}", self._token(row))
        for lost in sorted(self._created.keys() - there):
            yield broken(None, f"Token {lost} is in the ledger and nowhere else.")

    def _token(self, row: Row[Any]) -> Iterator[Problem]:
        if self._created.get(row.id) != commit(row.salt, row_said(dict(row._mapping))):
            yield broken(None, f"Token {row.id} is not what its ledger entry commits to.")
        if self._revoked.get(row.id) != row.revoked_at:
            yield broken(None, f"Token {row.id} is not revoked as the ledger says.")


class EventLaw(Law):
    """Every event says what its entry says, and what is sealed in it gives its commitments."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def finish(self, connection: Connection, /) -> Iterator[Problem]:
        joined = store.events.join(entries, entries.c.leaf == store.events.c.entry)
        query = select(store.events, entries.c.body, entries.c.position).select_from(joined)
        for row in connection.execute(query, execution_options={"yield_per": 1000}):
            yield from told(f"Event {row.number}", self._event(row))

    def _event(self, row: Row[Any]) -> Iterator[Problem]:
        entry, bound = json.loads(row.body), events.context(row.token)
        if (entry["what"], entry["at"]) != (row.what, row.recorded_at):
            yield broken(row.position, f"Event {row.number} says something else than its entry.")
        if self._keys.lost(row.sealed, bound):
            return
        for name, (salt, value) in json.loads(self._keys.unseal(row.sealed, bound)).items():
            if entry[name] != commit(unb64(salt), unb64(value)):
                what = f"Event {row.number} has another `{name}` sealed than its entry commits to."
                yield broken(row.position, what)


def laws(keys: Keys) -> tuple[Law, ...]:
    """Fresh laws for one verification."""
    return TokenLaw(), Linked(store.events, events.KINDS), EventLaw(keys)
