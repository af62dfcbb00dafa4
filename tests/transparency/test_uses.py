"""A person's list: what happened to their row, newest first; looking at it is entered too."""

from __future__ import annotations

import json

from sqlalchemy import select

from publica.kernel.database import Database
from publica.kernel.keys import Keys
from publica.kernel.ledger.canonical import b64, commit, unb64
from publica.kernel.ledger.store import entries
from publica.trust.transparency import listing, store
from publica.trust.transparency.actions import uses_of
from publica.trust.transparency.sets import SubjectSet

from .world import ANA, many, record, some

SIZE = 5000
ME = 42


def test_left_total_looked_through_and_not_concerned(database: Database, keys: Keys) -> None:
    mask, nobody = some(range(200), SIZE), SubjectSet.empty(SIZE)
    record(database, keys, mask, some([ME], SIZE), rows=1)
    record(database, keys, mask, nobody, form="total")
    record(database, keys, mask, some([7], SIZE))
    record(database, keys, mask, nobody, outcome="failed")
    record(database, keys, some([7], SIZE), some([7], SIZE))
    record(database, keys, mask, mask, exact=False)
    record(database, keys, outcome="refused", form="none")
    record(database, keys, many(SIZE, 1), SubjectSet.empty(SIZE), form="none", protection=None)
    uses = uses_of(database, keys, ME, ANA)
    mine = ["looked through"] if many(SIZE, 1).contains(ME) else []
    assert [use.how for use in uses] == [*mine, "left", "looked through", "looked through", "total", "left"]
    assert [use.exact for use in uses] == [True] * len(mine) + [False, True, True, True, True]
    assert uses[-1].columns == {"population@3": ("person_id", "name"), "incomes@1": ("income",)}
    assert (uses[-1].purpose, uses[-1].agreements) == ("dpv:ServiceProvision", ("civil-registry-social",))
    assert json.loads(json.dumps(uses[-1].as_json()))["how"] == "left"


def test_somebody_who_joins_later_was_in_none_of_them(database: Database, keys: Keys) -> None:
    record(database, keys, some(range(SIZE), SIZE), some(range(SIZE), SIZE))
    assert uses_of(database, keys, SIZE, ANA) == []
    assert uses_of(database, keys, 2**32 - 1, ANA) == []


def test_pages_make_up_the_whole(database: Database, keys: Keys) -> None:
    mask = some(range(100), SIZE)
    for number in range(25):
        record(database, keys, mask if number % 2 else some([ME], SIZE), some([ME], SIZE))
    whole = uses_of(database, keys, ME, ANA)
    assert [use.at for use in whole] == sorted((use.at for use in whole), reverse=True)
    pages = [uses_of(database, keys, ME, ANA, limit=10, offset=start) for start in (0, 10, 20, 30)]
    assert [len(page) for page in pages] == [10, 10, 5, 0]
    assert [use for page in pages for use in page] == whole


def test_more_uses_than_one_statement_holds(database: Database, keys: Keys, monkeypatch: object) -> None:
    monkeypatch.setattr(listing, "_AT_ONCE", 3)  # type: ignore[attr-defined]
    written = [record(database, keys, some([ME], SIZE), some([ME], SIZE)).use for _ in range(10)]
    assert [use.use for use in uses_of(database, keys, ME, ANA)] == written[::-1]


def test_looking_is_entered_and_names_nobody(database: Database, keys: Keys) -> None:
    uses_of(database, keys, ME, ANA)
    with database.read() as connection:
        body = connection.scalar(select(entries.c.body).where(entries.c.kind == "reading")) or b""
        kept = connection.execute(select(store.readings)).one()
    shown = json.loads(body)
    opened = json.loads(keys.unseal(kept.sealed, b"reading" + kept.token))
    salt, value = (unb64(text) for text in opened["subject"])
    assert value == ME.to_bytes(4, "big") and shown["subject"] == commit(salt, value)
    salt, value = (unb64(text) for text in opened["actor"])
    assert b64(value) and shown["actor"] == commit(salt, ANA.canonical)
    assert b"ana" not in body and shown["what"] == "uses-of-subject"
