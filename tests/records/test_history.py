"""The book: one consistent set of records, now or as of any time; and whether any was altered."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from publica.kernel.database import Database
from publica.kernel.errors import IntegrityBroken
from publica.kernel.ledger.store import entries
from publica.kernel.records import altered, book, revisions, store

from .world import KINDS, changed, current, database, document, everything, give


def test_a_book_gives_records_by_id_and_by_kind(db: Database, tmp_path: Path) -> None:
    give(db, tmp_path, everything())
    found = current(db)
    assert [record.id for record in found.all("organisation")] == ["registry", "social"]
    assert found.get("organisation", "nowhere") is None
    assert found.get("nothing", "registry") is None
    assert found.all("nothing") == ()
    assert [record.name for record in found.referring("official", "sam")] == [
        "agreement:registry-social",
        "role:sam-steward",
    ]
    record = found.get("dataset", "population")
    assert record and record.name == "dataset:population" and record.recorded_at.tzinfo is not None


def test_the_empty_book(db: Database) -> None:
    assert current(db).generation == 0
    assert current(db).all("organisation") == ()


def test_a_warm_book_is_the_same_book(db: Database, tmp_path: Path) -> None:
    give(db, tmp_path, everything())
    first = current(db)
    with db.read() as connection:
        assert book(connection, KINDS) is first


def test_a_change_makes_a_new_book_and_leaves_the_old_one_alone(db: Database, tmp_path: Path) -> None:
    give(db, tmp_path, everything())
    before = current(db)
    give(db, tmp_path, changed("organisation:social", ("Social services", "Welfare")))
    after = current(db)
    assert after.generation == before.generation + 1
    assert before.get("organisation", "social").spec.name == "Social services"  # type: ignore[union-attr]
    assert after.get("organisation", "social").spec.name == "Welfare"  # type: ignore[union-attr]
    assert after.get("dataset", "population") is before.get("dataset", "population")


def test_books_of_two_databases_are_never_mixed_up(tmp_path: Path) -> None:
    with database(tmp_path, "one.db") as one, database(tmp_path, "two.db") as two:
        give(one, tmp_path, document("organisation:registry"))
        give(two, tmp_path, document("organisation:social"))
        assert current(one).generation == current(two).generation
        assert [record.id for record in current(one).all("organisation")] == ["registry"]
        assert [record.id for record in current(two).all("organisation")] == ["social"]


def test_a_change_that_is_undone_leaves_no_book_behind(db: Database, tmp_path: Path) -> None:
    give(db, tmp_path, document("organisation:registry"))

    class Stop(Exception):
        pass

    def work(change: object) -> None:
        connection = change.connection  # type: ignore[attr-defined]
        connection.execute(update(store.revisions).values(seq=2, entry=b"x" * 32))
        assert book(connection, KINDS).generation == 2
        raise Stop

    with pytest.raises(Stop):
        db.write(work)
    assert current(db).generation == 1


def test_records_as_of_any_time(db: Database, tmp_path: Path) -> None:
    def as_of(at: datetime) -> list[str]:
        with db.read() as connection:
            return [record.spec.name for record in book(connection, KINDS, at).all("organisation")]

    names = ["One", "Two", "Three"]
    for name in names:
        give(db, tmp_path, changed("organisation:social", ("Social services", name)))
        time.sleep(0.003)
    with db.read() as connection:
        history = revisions(connection, KINDS, "organisation", "social")
    assert [record.spec.name for record in history] == names
    assert [record.revision for record in history] == [1, 2, 3]
    assert as_of(history[0].recorded_at - timedelta(milliseconds=1)) == []
    for record in history:
        assert as_of(record.recorded_at) == [record.spec.name]
        assert as_of(record.recorded_at + timedelta(milliseconds=1)) == [record.spec.name]
    assert as_of(datetime(2999, 1, 1, tzinfo=UTC)) == ["Three"]


def test_what_was_altered_behind_our_back_is_found(db: Database, tmp_path: Path) -> None:
    give(db, tmp_path, everything())
    table = store.revisions

    def found() -> list[str]:
        with db.read() as connection:
            return list(altered(connection))

    def tamper(statement: object) -> None:
        db.maintain(lambda change: change.connection.execute(statement))  # type: ignore[call-overload]

    assert found() == []
    law = current(db).get("law", "grant-act")
    assert law is not None
    name = table.c.id == "ana-analyst"
    tamper(update(table).where(name).values(body='{"role":"auditor"}'))
    assert found() == ["role:ana-analyst, revision 1 is not what its ledger entry commits to."]
    tamper(update(table).where(table.c.id == "sam").values(actor="somebody"))
    assert len(found()) == 2
    tamper(delete(table).where(name))
    assert "role:ana-analyst, revision 1, is in the ledger and nowhere else." in found()
    tamper(delete(entries).where(entries.c.leaf == law.entry))
    assert "law:grant-act, revision 1 has no ledger entry." in found()


def test_a_stored_record_that_does_not_fit_is_an_integrity_error(db: Database, tmp_path: Path) -> None:
    give(db, tmp_path, everything())
    broken = update(store.revisions).where(store.revisions.c.id == "sam").values(body="{}", entry=b"y" * 32)
    db.maintain(lambda change: change.connection.execute(broken))
    with db.read() as connection, pytest.raises(IntegrityBroken, match="official sam, revision 1"):
        revisions(connection, KINDS, "official", "sam")
