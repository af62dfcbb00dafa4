"""Receipts: what is public, what is committed to, what is stored once."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import func, select

from publica.kernel.database import Database
from publica.kernel.decision import Clause
from publica.kernel.errors import BadInput, IntegrityBroken
from publica.kernel.keys import Keys
from publica.kernel.ledger.canonical import canonical, commit, unb64
from publica.kernel.ledger.store import entries, metadata
from publica.trust.transparency import index, store
from publica.trust.transparency.actions import open_original
from publica.trust.transparency.receipts import actor_tag

from .world import ANA, PRIVATE, SECRET, many, new_keys, record, some

SIZE = 5000


def entry(database: Database, leaf: bytes) -> dict[str, object]:
    with database.read() as connection:
        body = connection.execute(select(entries.c.body).where(entries.c.leaf == leaf)).scalar_one()
    return dict(json.loads(body))


def test_the_entry_shows_the_use_and_hides_the_person(database: Database, keys: Keys) -> None:
    written = record(database, keys, some([42], SIZE), some([42], SIZE))
    shown = entry(database, written.leaf)
    assert shown["kind"] == "receipt"
    assert shown["id"] == written.use
    assert shown["columns"] == {"population@3": ["person_id", "name"], "incomes@1": ["income"]}
    assert shown["choice_state"] == {"heating_grant": 5}
    assert written.released
    assert shown["released"] == {"root": written.released.root, "size": SIZE, "exact": True}
    text = json.dumps(shown)
    assert not any(hidden in text for hidden in ("ana", 'root"@', SECRET, "P-0000042", "abab"))


def test_the_original_opens_the_commitments_and_the_opening_is_entered(
    database: Database, keys: Keys
) -> None:
    written = record(database, keys, some([42], SIZE), None)
    original = open_original(database, keys, written.use, ANA, "complaint 7")
    assert original.private == PRIVATE
    shown = entry(database, written.leaf)
    statement = canonical({"sql": SECRET, "params": {"who": "P-0000042"}})
    assert shown["sql"] == commit(unb64(original.salts["sql"]), statement)
    assert shown["actor"] == commit(unb64(original.salts["actor"]), ANA.canonical)
    assert original.digest and shown["result"] == commit(
        unb64(original.salts["result"]), original.digest.encode()
    )
    with database.read() as connection:
        body = connection.scalar(select(entries.c.body).where(entries.c.kind == "reading")) or b""
    reading = json.loads(body)
    assert (reading["what"], reading["use"]) == ("original", written.use)
    assert b"ana" not in body and b"complaint" not in body


def test_an_original_is_not_opened_without_a_reason_or_a_use(database: Database, keys: Keys) -> None:
    written = record(database, keys)
    with pytest.raises(BadInput):
        open_original(database, keys, written.use, ANA, " ")
    with pytest.raises(BadInput):
        open_original(database, keys, "use_unknown", ANA, "audit")


def test_other_keys_open_nothing(database: Database, keys: Keys) -> None:
    written = record(database, keys, some([42], SIZE))
    with pytest.raises(IntegrityBroken):
        open_original(database, new_keys(), written.use, ANA, "audit")


def test_a_refusal_says_what_was_missing_and_no_value(database: Database, keys: Keys) -> None:
    clause = Clause("agreement-missing", False, {"who": "P-0000042"}, "agreement:heating")
    written = record(database, keys, outcome="refused", clauses=(clause,), digest=None, form="none")
    shown = entry(database, written.leaf)
    assert shown["clauses"] == [{"reason": "agreement-missing", "cites": "agreement:heating"}]
    assert (shown["outcome"], shown["touched"], shown["released"], shown["result"]) == (
        "refused",
        None,
        None,
        None,
    )


def test_equal_sets_are_stored_once(database: Database, keys: Keys) -> None:
    same = record(database, keys, some([1, 2], SIZE), some([2, 1], SIZE))
    assert same.touched == same.released
    other = record(database, keys, some([1, 2], SIZE), some([2], SIZE))
    assert other.touched != other.released


def test_a_whole_mask_is_stored_for_its_first_use_only(database: Database, keys: Keys) -> None:
    mask = many(SIZE, 1)
    first = record(database, keys, mask, some([], SIZE), form="total")
    second = record(database, keys, first.touched, mask, form="rows")
    assert second.touched == second.released == first.touched
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(store.subject_sets)) == 2
        assert index.load(connection, keys, first.touched.number)[0] == mask  # type: ignore[union-attr]


def test_nothing_stored_shows_who(database: Database, keys: Keys) -> None:
    record(database, keys, some([0x415A4B], 0x415A4C), None)
    with database.read() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(select(table)):
                assert not any(
                    hidden in str(tuple(row)) for hidden in ("ana", "AZK", "income FROM", "P-0000042")
                )


def test_uses_of_an_actor_are_found_by_a_keyed_tag(database: Database, keys: Keys) -> None:
    record(database, keys)
    query = select(func.count()).select_from(store.uses)
    with database.read() as connection:
        assert connection.scalar(query.where(store.uses.c.actor_tag == actor_tag(keys, "ana"))) == 1
        assert connection.scalar(query.where(store.uses.c.actor_tag == actor_tag(new_keys(), "ana"))) == 0


def test_an_altered_stored_set_is_noticed(database: Database, keys: Keys) -> None:
    one = record(database, keys, many(SIZE, 1)).touched
    two = record(database, keys, many(SIZE, 2)).touched
    assert one and two
    with database.read() as connection:
        row = connection.execute(select(store.chunks).where(store.chunks.c.id == two.number)).one()

    def swap(change: object) -> None:
        change.connection.execute(  # type: ignore[attr-defined]
            store.chunks.update().where(store.chunks.c.id == one.number).values(sealed=row.sealed)
        )

    database.maintain(swap)
    with database.read() as connection, pytest.raises(IntegrityBroken):
        index.load(connection, keys, one.number)
