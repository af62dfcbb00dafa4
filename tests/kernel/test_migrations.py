"""From every released schema to this one, with data, on both databases; and no schema is mistaken."""

from __future__ import annotations

import re
import shutil
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import states
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from spine.support import publica as command
from sqlalchemy import Connection, select

import publica.kernel.migrations
from publica.gateway.door import Request
from publica.governance.identity import actions, repeats, sessions
from publica.governance.identity import credentials as tokens
from publica.governance.identity.sessions import Session
from publica.governance.leadership import proposals
from publica.instance import Instance, credentials, settings
from publica.instance.backup import back_up
from publica.instance.restore import restore
from publica.instance.upgrade import upgrade
from publica.kernel import clock, dump, migrations, schema
from publica.kernel.actor import Actor
from publica.kernel.database import Change, Database
from publica.kernel.errors import BadInput, Unavailable
from publica.kernel.ledger.store import metadata

SCHEMAS = Path(__file__).parents[1] / "data" / "schemas"
RELEASED = {"0.1.0": "0001"}
"""Each release whose schema may be met, and that schema's number."""
OPERATOR = Actor("operator", "operator", "tester")
HOUR = timedelta(hours=1)


def test_every_release_is_tried() -> None:
    assert {path.name for path in SCHEMAS.iterdir() if path.is_dir()} == set(RELEASED)


def script() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(Path(publica.kernel.migrations.__file__).parent))
    return ScriptDirectory.from_config(config)


def test_the_newest_migration_is_the_schema_of_this_version() -> None:
    found = script()
    assert found.get_heads() == [schema.HEAD]
    numbers = [migration.revision for migration in found.walk_revisions()]
    assert sorted(numbers, reverse=True) == numbers, "numbers sort as they follow each other"


@pytest.fixture
def database(tmp_path: Path, state: str) -> Any:
    with closing(Database(states.url(tmp_path))) as opened:
        yield opened


def differences(connection: Connection) -> list[Any]:
    options = {"compare_type": True, "compare_server_default": True}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), shipped()))


def shipped() -> Any:
    """The tables of Publica, without those that tests add."""
    kept = type(metadata)()
    for table in metadata.sorted_tables:
        if not table.name.startswith("test_"):
            table.to_metadata(kept)
    return kept


def test_migrations_make_the_tables_of_the_source(database: Database) -> None:
    database.administer(migrations.upgrade)
    database.check()
    with database._writer.connect() as connection:
        assert differences(connection) == []


def ddl(path: Path) -> list[str]:
    """What made each table and index, in a form that can be compared."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    plain = [re.sub(r"\s+", " ", sql) for (sql,) in found if "test_" not in sql]
    parts = [re.fullmatch(r"(.*?\()(.*)\)(.*)", sql) for sql in plain]
    return sorted(f"{p[1]}{sorted(map(str.strip, p[2].split(',')))}{p[3]}" for p in parts if p)


def test_sqlite_has_the_very_same_statements(tmp_path: Path) -> None:
    """Also what a comparison of columns does not see: partial indexes, WITHOUT ROWID, AUTOINCREMENT."""
    made, migrated = Database(f"sqlite:///{tmp_path}/made.db"), Database(f"sqlite:///{tmp_path}/migrated.db")
    made.create()
    migrated.administer(migrations.upgrade)
    made.close()
    migrated.close()
    assert ddl(tmp_path / "made.db") == ddl(tmp_path / "migrated.db")


def released(name: str, folder: Path) -> Path:
    """An instance as that release left it, its state in the database of the running test."""
    shutil.copytree(SCHEMAS / name, folder)
    with closing(sqlite3.connect(folder / "state.db")) as connection:
        connection.executescript((folder / "state.sql").read_text("utf-8"))
    url = states.named(folder)
    if url is not None:
        _move(folder, url, RELEASED[name])
    return folder


def _move(folder: Path, url: str, number: str) -> None:
    """The rows into PostgreSQL, in the tables of that schema."""
    with closing(Database(f"sqlite:///{folder}/state.db")) as old, closing(Database(url)) as new:
        with old.read() as connection:
            tables = dump.there(connection).sorted_tables
            for table in tables:
                dump.write(connection, table, folder / f"{table.name}.arrow")

        def fill(connection: Connection) -> None:
            migrations.upgrade(connection, number)
            there = dump.there(connection).tables
            for table in tables:
                dump.read(connection, folder / f"{table.name}.arrow", there[table.name])

        new.administer(fill)
    kept = settings.read(folder).model_copy(update={"state": settings.StateSettings(url=url)})
    (folder / settings.FILE).write_text(settings.text(kept), "utf-8")


@pytest.mark.parametrize("name", RELEASED)
def test_an_instance_of_every_release_is_upgraded(name: str, tmp_path: Path, state: str) -> None:
    folder = released(name, tmp_path / "office")
    if state == "sqlite" or RELEASED[name] != schema.HEAD:
        with pytest.raises(Unavailable, match="publica upgrade"):
            Instance.open(folder)
    assert upgrade(folder) == (RELEASED[name], schema.HEAD)
    assert upgrade(folder) == (schema.HEAD, schema.HEAD)
    everything_works(folder)
    totals_work(folder)
    serving_works(folder)


def test_what_upgrade_says(tmp_path: Path, state: str) -> None:
    folder = released("0.1.0", tmp_path / "office")
    before = command("ledger", "verify", instance=folder)
    if state == "sqlite" or schema.HEAD != "0001":
        assert before.code == 5 and "older version" in before.err and "run: publica upgrade" in before.err
    done = command("upgrade", instance=folder)
    assert done.code == 0 and done.text.strip().endswith(f"from schema 0001 (schema {schema.HEAD}).")
    again = command("upgrade", instance=folder)
    assert again.code == 0 and "is up to date" in again.text
    with closing(Database(settings.state_url(folder, settings.read(folder)))) as database:
        for number, says in (("9998", "Install that version"), ("ae1027a6acf", "another program")):
            states.tamper(database, f"UPDATE alembic_version SET version_num = '{number}'")
            for words in (["upgrade"], ["ledger", "verify"], ["backup", str(tmp_path / "backup.tar")]):
                refused = command(*words, instance=folder)
                assert refused.code == 5 and says in refused.err, (words, refused)
                assert len(refused.err.splitlines()) == 1
        assert not (tmp_path / "backup.tar").exists()
        database.administer(schema.drop)
    gone = command("upgrade", instance=folder)
    assert gone.code == 5 and "holds no instance" in gone.err
    none = command("upgrade", instance=tmp_path)
    assert none.code == 1 and "not a Publica instance" in none.err


def test_a_backup_of_an_older_schema_is_upgraded_on_the_way(
    tmp_path: Path, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made by that version, whose tables it knew and no others."""
    old = released("0.1.0", tmp_path / "old")
    with monkeypatch.context() as then:
        then.setattr(schema, "HEAD", "0001")
        with closing(Database(settings.state_url(old, settings.read(old)))) as database:
            database.administer(lambda connection: migrations.upgrade(connection, "0001"))
            with database.read() as connection:
                there = dump.there(connection)
        there.remove(there.tables["alembic_version"])
        then.setattr(dump, "tables", lambda: there.sorted_tables)
        with closing(Instance.open(old)) as instance:
            back_up(instance, tmp_path / "old.tar", with_keys=True)
    folder = tmp_path / "office"
    restore(tmp_path / "old.tar", folder, OPERATOR, state=states.named(folder))
    everything_works(folder)
    totals_work(folder)
    serving_works(folder)
    # Nor may it be restored into what another instance uses, whose rows it would replace.
    if (url := settings.read(folder).state.url) is not None:
        with pytest.raises(BadInput, match="in use already"):
            restore(tmp_path / "old.tar", tmp_path / "again", OPERATOR, state=url)
        with closing(Instance.open(folder)) as instance:
            assert instance.verify_ledger()["problems"] == []


def everything_works(folder: Path) -> None:
    """What the release left is there, and whatever could be done then can be done now."""
    with closing(Instance.open(folder)) as instance:
        assert instance.verify_ledger()["problems"] == []
        before = instance.uses("P-1", OPERATOR)
        assert [use["how"] for use in before] == ["left", "total"]
        assert instance.choice_status("P-3", "care")["allowed"] is False
        request = Request(Actor("ana", "operator", "tester"), "care", "SELECT count(*) AS n FROM population")
        assert instance.use(request).table().to_pylist() == [{"n": 2}]
        assert instance.choose("P-3", "care", "withdraw", OPERATOR)["changed"]
        assert instance.use(request).table().to_pylist() == [{"n": 3}]
        proof = instance.prove("P-1", before[0]["use"], OPERATOR)
        assert proof["says"]["released"] is True
        assert instance.verify_ledger()["problems"] == []
        with instance.db._writer.connect() as connection:
            assert differences(connection) == []


STATISTICS = """
{kind: activity, id: statistics, spec: {title: Statistics, organisation: institute,
  purpose: "dpv:PublicBenefit", basis: {kind: law, law: act}, roles: [statistician],
  datasets: [{dataset: population, columns: [person_id, sex, income]}],
  protection: aggregates, aggregates: {k: 10, noise: 0}, retention: P1Y, valid_from: 2020-01-01}}
---
{kind: agreement, id: registry-statistics, spec: {holder: registry, recipient: institute,
  purposes: ["dpv:PublicBenefit"], protection: aggregates, valid_from: 2020-01-01, datasets: [
  {dataset: population, columns: {person_id: pseudonym, sex: as is, income: as is}}], signatures: [
  {official: sam, organisation: registry, date: 2020-01-01},
  {official: nils, organisation: institute, date: 2020-01-01}]}}
"""


def totals_work(folder: Path) -> None:
    """What the release did not know: totals, and that none comes out which differs by few from another."""
    (folder / "statistics.yaml").write_text(STATISTICS, "utf-8")
    rows = [f"P-{n},N,{'X' if n <= 3 else 'F'},1980-05-05,m1,{100 + n},a,1.5" for n in range(1, 61)]
    heading = "person_id,name,sex,birth_date,municipality,income,note,score"
    (folder / "people.csv").write_text("\n".join([heading, *rows, ""]), "utf-8")

    def total(where: str = "") -> list[Any]:
        sql = f"SELECT count(*) AS n, sum(income) AS s FROM population{where}"
        answer = instance.use(Request(Actor("stella", "operator", "tester"), "statistics", sql))
        return [tuple(row.values()) for row in answer.table().to_pylist()]

    with closing(Instance.open(folder)) as instance:
        instance.apply([folder / "statistics.yaml"], OPERATOR)
        instance.load("population", [folder / "people.csv"], OPERATOR)
        assert total() == total() == [(60, 60 * 100 + sum(range(61)))]
        assert total(" WHERE sex = 'F'") == []
        assert instance.verify_ledger()["problems"] == []


def serving_works(folder: Path) -> None:
    """What the release did not know: tokens, sessions, sign-ins under way, answers kept, proposals."""
    now = clock.now()
    with closing(Instance.open(folder)) as instance:
        db, keys = instance.db, instance.keys
        token, text = credentials.create(instance, "ana", "test", OPERATOR, activities=["care"])
        with db.read() as connection:
            assert tokens.find(connection, text) == token
        session = Session(b"s" * 32, Actor("ana", "oidc"), "official", None, None, now, now, now + HOUR)
        actions.sign_in(db, keys, session)
        with db.read() as connection:
            assert sessions.find(connection, keys, session.digest) == session
        sessions.attempt(db, keys, "state", "browser", "official", {"nonce": "n"}, now)
        assert sessions.take(db, keys, "state", "another", now) is None
        assert sessions.take(db, keys, "state", "browser", now) is not None
        mark = repeats.tag(keys, "ana", "POST", "/path", "key")
        assert repeats.begin(db, keys, mark, b"r" * 32, now) is None
        repeats.finish(db, keys, mark, 200, {"done": True}, now)
        kept = repeats.begin(db, keys, mark, b"r" * 32, now)
        assert kept is not None and kept.body == {"done": True}
        assert actions.sign_out(db, keys, session) and credentials.revoke(instance, token.id, OPERATOR)
        with db.read() as connection:
            assert connection.execute(select(proposals)).all() == []
        assert instance.verify_ledger()["problems"] == []


def test_a_backup_keeps_tokens_and_signs_everybody_out(tmp_path: Path, state: str) -> None:
    """Whoever has a backup of the database alone has no session; and a revoked token stays revoked."""
    folder, now = released("0.1.0", tmp_path / "office"), clock.now()
    upgrade(folder)
    with closing(Instance.open(folder)) as instance:
        kept, text = credentials.create(instance, "ana", "kept", OPERATOR)
        revoked, _ = credentials.create(instance, "ana", "revoked", OPERATOR)
        credentials.revoke(instance, revoked.id, OPERATOR)
        session = Session(b"s" * 32, Actor("ana", "oidc"), "official", None, None, now, now, now + HOUR)
        actions.sign_in(instance.db, instance.keys, session)
        back_up(instance, tmp_path / "backup.tar", with_keys=True)
    again = tmp_path / "again"
    restore(tmp_path / "backup.tar", again, OPERATOR, state=states.named(again))
    with closing(Instance.open(again)) as instance, instance.db.read() as connection:
        assert tokens.find(connection, text) == kept
        assert sessions.find(connection, instance.keys, session.digest) is None
        found = tokens.by_id(connection, revoked.id)
        assert found is not None and found.revoked_at is not None
        assert instance.verify_ledger()["problems"] == []


def test_a_schema_of_another_version_is_not_used(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unavailable, match="holds no instance"):
        database.check()
    database.create()
    database.check()
    with pytest.raises(BadInput, match="in use already"):
        database.create()
    others = (("0000", "publica upgrade"), ("0099", "newer version"), ("ae1027a6acf", "none of Publica's"))
    for number, says in others:
        states.tamper(database, f"UPDATE alembic_version SET version_num = '{number}'")
        with pytest.raises(Unavailable, match=says):
            database.check()
    states.tamper(database, "DELETE FROM alembic_version")
    with pytest.raises(Unavailable):
        database.check()


def test_who_was_open_while_another_upgraded_writes_nothing(database: Database) -> None:
    """Its code does not know these tables."""
    database.create()
    with closing(Database(database.url)) as server:
        server.write(lambda change: change.enter("test", {}))
        states.tamper(database, "UPDATE alembic_version SET version_num = '9998'")
        with pytest.raises(Unavailable, match="newer version"):
            server.write(lambda change: change.enter("test", {}))
        with server.read() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM ledger_entry").scalar() == 1


@pytest.mark.postgresql
def test_an_upgrade_waits_for_writers_and_they_for_it(database: Database) -> None:
    """Or else a writer of the old version could commit after the tables changed."""
    database.create()
    order: list[str] = []
    begun, go = threading.Event(), threading.Event()

    def writing(change: Change) -> None:
        begun.set()
        go.wait(30)
        order.append("written")
        change.enter("test", {})

    def upgrading(connection: Connection) -> None:
        order.append("upgraded")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9998'")

    with closing(Database(database.url)) as server, ThreadPoolExecutor(3) as pool:
        first = pool.submit(server.write, writing)
        begun.wait(30)
        second = pool.submit(database.administer, upgrading)
        time.sleep(0.3)
        assert order == []
        go.set()
        first.result(60)
        second.result(60)
        assert order == ["written", "upgraded"]
        with pytest.raises(Unavailable, match="newer version"):
            server.write(lambda change: change.enter("test", {}))


@pytest.mark.parametrize("table", ["users", "ledger_state"])
def test_what_holds_something_else_is_not_taken(database: Database, table: str) -> None:
    """Not even where one of its tables is named like one of ours: it would be used as ours."""
    database.administer(lambda c: c.exec_driver_sql(f"CREATE TABLE {table} (id INTEGER, size INTEGER)"))
    with pytest.raises(BadInput, match=f"by something else: {table}"):
        database.create()
    with pytest.raises(Unavailable, match="holds no instance"):
        database.check()


def test_a_migration_that_fails_changes_nothing(database: Database) -> None:
    def work(connection: Connection) -> None:
        migrations.upgrade(connection)
        raise ValueError

    with pytest.raises(ValueError):
        database.administer(work)
    with pytest.raises(Unavailable, match="holds no instance"):
        database.check()
