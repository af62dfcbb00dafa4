"""Receipts: prepared before the transaction (the costly part), written inside it."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Insert, insert

from publica.kernel import clock
from publica.kernel.database import Change, upsert
from publica.kernel.keys import Keys
from publica.kernel.ledger.canonical import b64, canonical, commit, new_salt
from publica.trust.transparency import sealing, store
from publica.trust.transparency.model import Private, Receipt, StoredSet, Written
from publica.trust.transparency.sealing import PreparedSet
from publica.trust.transparency.sets import SubjectSet

Kept = PreparedSet | StoredSet | None
MATTER = ("purpose", "basis", "agreements", "datasets", "columns", "protection")
"""What many uses have in common, stored once for all of them."""
COUNTS = ("rows", "bytes")
"""How much came out. The ledger says it, but of uses that are not counted, where it is sealed."""
UNTOLD = 0
"""What stands in the row of such a use."""


_USE, _PRIVATE = insert(store.uses), insert(store.privates)  # made once: making them takes as long as running
_MATTERS: dict[str, Insert] = {}  # by kind of database


@dataclass(frozen=True)
class Prepared:
    """A receipt with everything committed to and sealed; `write` only stores it."""

    fields: Mapping[str, Any]
    row: Mapping[str, Any]
    matter: str
    sealed: bytes
    touched: Kept
    released: Kept

    def saying(self, **more: Any) -> Prepared:
        """The same, with further fields in its entry."""
        return replace(self, fields={**self.fields, **more})


def prepare(
    keys: Keys,
    receipt: Receipt,
    private: Private,
    touched: SubjectSet | StoredSet | None = None,
    released: SubjectSet | StoredSet | None = None,
) -> Prepared:
    """Commit to and seal what the receipt must not show. Do this before the transaction.

    No sets: no personal data was read. A set that is stored already (the whole mask, for an earlier use) is
    given as such; equal sets of one use are stored once.
    """
    salts = {name: new_salt() for name in ("actor", "sql", "result")}
    fields = _public(receipt, private, salts)
    kept_touched = _keep(keys, touched, None)
    kept_released = _keep(keys, released, kept_touched)
    fields["touched"] = _shown(kept_touched)
    shown = _shown(kept_released)
    fields["released"] = None if shown is None else {**shown, "exact": receipt.exact}
    return Prepared(
        fields=fields,
        row=_row(keys, receipt, private),
        matter=matter(fields),
        sealed=keys.seal(_original(private, receipt, salts), original_context(receipt.id)),
        touched=kept_touched,
        released=kept_released,
    )


def write(change: Change, prepared: Prepared) -> Written:
    """Enter the receipt and its rows; durable once the transaction is (step 9 of a use)."""
    connection = change.connection
    leaf = change.enter("receipt", prepared.fields)
    touched = _add(connection, prepared.touched)
    same = prepared.released is prepared.touched
    released = touched if same else _add(connection, prepared.released)
    identity = matter_id(prepared.matter)
    connection.execute(_matter(connection), {"id": identity, "body": prepared.matter})
    row = {
        **prepared.row,
        "entry": leaf,
        "matter": identity,
        "recorded_at": clock.text(change.now),
        "touched": touched and touched.number,
        "released": released and released.number,
    }
    number = connection.execute(_USE, row).inserted_primary_key[0]  # type: ignore[index]
    connection.execute(_PRIVATE, {"use": number, "sealed": prepared.sealed})
    return Written(prepared.row["id"], leaf, touched, released)


def _matter(connection: Connection) -> Insert:
    """The insertion of a matter that may be there already."""
    if connection.dialect.name not in _MATTERS:
        adding = upsert(connection, store.matters).on_conflict_do_nothing()
        _MATTERS[connection.dialect.name] = adding
    return _MATTERS[connection.dialect.name]


def matter(fields: Mapping[str, Any]) -> str:
    """The part of an entry's fields that many uses share, as JSON."""
    return canonical({name: fields[name] for name in MATTER}).decode()


def matter_id(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:16]


def actor_tag(keys: Keys, actor: str) -> bytes:
    """By which the uses of one actor are found, without their name standing in the table."""
    return actor_tags(keys, actor)[0]


def actor_tags(keys: Keys, actor: str) -> tuple[bytes, ...]:
    """Also those of sealing keys that were replaced: older uses are filed under them."""
    secrets = keys.derive_each("actor-tag")
    return tuple(hmac.digest(secret, actor.encode(), "sha256")[:16] for secret in secrets)


def original_context(use: str) -> bytes:
    return b"original" + use.encode()


def statement_value(sql: str, params: Mapping[str, Any]) -> bytes:
    """What a statement commitment is of."""
    return canonical({"params": plain(params), "sql": sql})


def plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as JSON keeps them: text, booleans and null as they are, all else as text."""
    keep = (str, bool, type(None))
    return {name: value if isinstance(value, keep) else str(value) for name, value in params.items()}


def _keep(keys: Keys, given: SubjectSet | StoredSet | None, other: Kept) -> Kept:
    """Prepare a set, unless it is stored already or equals `other`."""
    if not isinstance(given, SubjectSet):
        return given
    if other is not None and other.size == given.size and other.digest == sealing.digest_of(given):
        return other
    return sealing.prepare(keys, given)


def _add(connection: Connection, kept: Kept) -> StoredSet | None:
    return sealing.add(connection, kept) if isinstance(kept, PreparedSet) else kept


def _shown(kept: Kept) -> dict[str, Any] | None:
    return None if kept is None else {"root": kept.root, "size": kept.size}


def _public(receipt: Receipt, private: Private, salts: Mapping[str, bytes]) -> dict[str, Any]:
    """The entry's fields, save the two sets."""
    names = ("id", "organisation", "activity", "outcome", "purpose", "basis", "authenticated", "protection")
    statement = statement_value(private.sql, private.params)
    return {
        **{name: getattr(receipt, name) for name in (*names, "form")},
        **{name: getattr(receipt, name) if receipt.counted else None for name in COUNTS},
        "agreements": list(receipt.agreements),
        "datasets": list(receipt.datasets),
        "columns": {dataset: list(columns) for dataset, columns in receipt.columns.items()},
        "clauses": [{"reason": clause.reason, "cites": clause.cites} for clause in receipt.clauses],
        "choice_state": dict(receipt.choice_state),
        "actor": commit(salts["actor"], private.who.canonical),
        "sql": commit(salts["sql"], statement),
        "result": receipt.digest and commit(salts["result"], receipt.digest.encode()),
    }


def _row(keys: Keys, receipt: Receipt, private: Private) -> dict[str, Any]:
    names = ("id", "activity", "organisation", "outcome", "form")
    return {
        **{name: getattr(receipt, name) for name in names},
        **{name: getattr(receipt, name) if receipt.counted else UNTOLD for name in COUNTS},
        "actor_tag": actor_tag(keys, private.actor),
        "released_exact": receipt.exact,
    }


def _original(private: Private, receipt: Receipt, salts: Mapping[str, bytes]) -> bytes:
    return json.dumps(
        {
            "actor": private.who.as_json,
            "sql": private.sql,
            "params": plain(private.params),
            "digest": receipt.digest,
            "salts": {name: b64(salt) for name, salt in salts.items()},
            **({} if receipt.counted else {name: getattr(receipt, name) for name in COUNTS}),
        }
    ).encode()
