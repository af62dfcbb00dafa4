"""`ledger verify` notices when rows and receipts part."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Table, delete, update

from publica.kernel.database import Database
from publica.kernel.keys import Keys
from publica.kernel.ledger.checkpoint import checkpoint, vkey
from publica.kernel.ledger.verify import Report, verify
from publica.trust.transparency import store
from publica.trust.transparency.actions import uses_of
from publica.trust.transparency.laws import laws

from .world import ANA, many, record, some

ORIGIN = "publica.test/ledger"
SIZE = 5000


def check(database: Database, keys: Keys) -> Report:
    checkpoint(database, keys, ORIGIN)
    with database.read() as connection:
        return verify(connection, (vkey(keys, ORIGIN),), laws(keys))


@pytest.fixture
def filled(database: Database, keys: Keys) -> Database:
    state: dict[str, Any] = {"choice_state": {}}
    record(database, keys, some([1, 2], SIZE), some([1], SIZE), **state)
    record(database, keys, many(SIZE, 1), many(SIZE, 1), exact=False, **state)
    record(database, keys, outcome="refused", form="none", digest=None, **state)
    uses_of(database, keys, 1, ANA)
    return database


def test_what_was_written_is_sound(filled: Database, keys: Keys) -> None:
    report = check(filled, keys)
    assert report.sound and report.kinds == {"receipt": 3, "reading": 1}


@pytest.mark.parametrize(
    ("table", "values", "said"),
    [
        (store.uses, {"rows": 99}, "`rows`"),
        (store.uses, {"organisation": "acme"}, "`organisation`"),
        (store.uses, {"touched": 3}, "`touched`"),
        (store.uses, {"released": None}, "`released`"),
        (store.uses, {"entry": bytes(32)}, "no receipt"),
        (store.uses, {"recorded_at": "2020-01-01T00:00:00.000Z"}, "`at`"),
        (store.uses, {"id": "use_other"}, "`id`"),
        (store.subject_sets, {"root": "A" * 43 + "="}, "`touched`"),
        (store.subject_sets, {"size": 4999}, "`touched`"),
        (store.matters, {"body": '{"purpose":"none"}'}, "`matter`"),
    ],
)
def test_a_changed_row_is_noticed(
    filled: Database, keys: Keys, table: Table, values: dict[str, Any], said: str
) -> None:
    first = next(iter(table.primary_key))
    change = update(table).values(**values)
    if table is not store.matters:
        change = change.where(first == 1)
    filled.maintain(lambda each: each.connection.execute(change))
    problems = [problem.what for problem in check(filled, keys).problems]
    assert any(said in what for what in problems)


@pytest.mark.parametrize("table", [store.uses, store.readings])
def test_a_lost_row_is_noticed(filled: Database, keys: Keys, table: Table) -> None:
    filled.maintain(
        lambda change: change.connection.execute(delete(store.privates).where(store.privates.c.use == 1))
    )
    filled.maintain(lambda change: change.connection.execute(delete(table).where(table.c.number == 1)))
    assert any("has lost its row" in problem.what for problem in check(filled, keys).problems)
