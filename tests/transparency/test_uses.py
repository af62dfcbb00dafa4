"""A person's list: what happened to their row, newest first; looking at it is entered too."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from itertools import product

import pytest
from sqlalchemy import select

from publica.kernel.database import Database
from publica.kernel.keys import Keys
from publica.kernel.ledger.canonical import b64, commit, unb64
from publica.kernel.ledger.store import entries
from publica.trust.transparency import actions, index, listing, store
from publica.trust.transparency.actions import page_of_uses, uses_of
from publica.trust.transparency.listing import Only
from publica.trust.transparency.model import How, StoredSet
from publica.trust.transparency.sets import SubjectSet

from .world import ANA, many, record, some

SIZE = 5000
ME = 42
HOWS: tuple[How | None, ...] = (None, "left", "total", "looked through")


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


def test_more_sets_than_one_statement_has_room_for(
    database: Database, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = [record(database, keys, some([ME], SIZE), some([ME], SIZE)).use for _ in range(10)]
    monkeypatch.setattr(index, "large_with", lambda *_: range(10**6, 10**6 + 200_000))
    assert [use.use for use in uses_of(database, keys, ME, ANA)] == written[::-1]


def test_only_a_pages_matters_are_read(
    database: Database, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(10):
        record(database, keys, some([ME], SIZE), purpose=f"dpv:Purpose{number}")
    read = list[bytes]()
    whole = listing._Matters.__missing__

    def counted(matters: listing._Matters, identity: bytes) -> listing._Matter:
        read.append(identity)
        return whole(matters, identity)

    monkeypatch.setattr(listing._Matters, "__missing__", counted)
    page = page_of_uses(database, keys, ME, ANA, limit=3)
    assert (page.total, len(page.uses), len(read)) == (10, 3, 3)


@pytest.mark.parametrize("seed", range(4))
def test_a_page_is_what_every_use_one_by_one_says(database: Database, keys: Keys, seed: int) -> None:
    chance, everybody = random.Random(seed), some(range(SIZE), SIZE)
    expected: list[tuple[str, str, str]] = []
    kept: list[tuple[SubjectSet, SubjectSet | StoredSet]] = []
    for _ in range(60):
        touched = chance.choice([some([ME, 7], SIZE), some([7], SIZE), many(SIZE, chance.randrange(9))])
        released = chance.choice([some([ME], SIZE), some([8], SIZE), everybody, SubjectSet.empty(SIZE)])
        again = chance.choice(kept)[1] if kept and chance.random() < 0.5 else None
        if again is not None:
            touched = next(made for made, stored in kept if stored is again)
        activity, form = chance.choice(["one", "two"]), chance.choice(["rows", "total"])
        made = record(database, keys, again or touched, released, activity=activity, form=form)
        if made.touched is not None:
            kept.append((touched, made.touched))
        if touched.contains(ME) or released.contains(ME):
            how = "left" if released.contains(ME) else "total" if form == "total" else "looked through"
            expected.insert(0, (made.use, activity, how))
    with database.read() as connection:
        for only in (Only(activity=one, how=how) for one, how in product((None, "one"), HOWS)):
            wanted = [
                each for each in expected if only.activity in (None, each[1]) and only.how in (None, each[2])
            ]
            page = listing.page(connection, keys, ME, limit=7, offset=2, only=only)
            assert page.total == len(wanted), only
            assert [(use.use, use.activity, use.how) for use in page.uses] == wanted[2:9]
        ids = [use for use, _, _ in expected[:5]]
        assert listing.concerned(connection, keys, ME, [*ids, "use-unknown"]) == set(ids)


def test_when_each_dataset_was_last_used_counts_every_use_but_ones_own(
    database: Database, keys: Keys
) -> None:
    me, other = some([ME], SIZE), some([7], SIZE)
    first = record(database, keys, me, columns={"population": ("name",), "incomes": ("income",)})
    for _ in range(3):
        record(database, keys, me, activity="own-data", columns={"population": ("name",)})
    last = record(database, keys, me, columns={"incomes": ("income",)})
    record(database, keys, other, columns={"incomes": ("income",), "deaths": ("cause",)})
    at = {use.use: use.at for use in uses_of(database, keys, ME, ANA)}
    found = actions.last_of_each(database, keys, ME, ANA, but="own-data")
    assert found == {"population": at[first.use], "incomes": at[last.use]}


@pytest.mark.parametrize(
    "look",
    [
        lambda db, keys: page_of_uses(db, keys, ME, ANA, limit=1),
        lambda db, keys: actions.concerned(db, keys, ME, ANA, []),
        lambda db, keys: actions.last_of_each(db, keys, ME, ANA, but="own-data"),
    ],
)
def test_every_way_of_looking_is_entered(
    database: Database, keys: Keys, look: Callable[[Database, Keys], object]
) -> None:
    look(database, keys)
    with database.read() as connection:
        assert len(connection.execute(select(entries).where(entries.c.kind == "reading")).all()) == 1


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
