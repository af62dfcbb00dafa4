"""Two servers on one state database and one data folder: they are one instance, for everybody who asks."""

from __future__ import annotations

import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.engine import make_url

from publica.gateway import receipts
from publica.instance import Instance, settings
from publica.kernel import backends
from publica.kernel.errors import BadInput, Unavailable
from publica.kernel.ledger.store import entries

from . import support
from .support import HOW_MANY, RESEARCH, Process, executable, process, publica
from .test_concurrency import agree, spending


@pytest.fixture
def folder(tmp_path: Path, state: str) -> Path:
    return support.copy(tmp_path / "town")


def second(folder: Path) -> Path:
    """The folder of another server: the same settings and keys, the data where the first one has them."""
    other = folder.with_name("second")
    shutil.copytree(folder, other, ignore=shutil.ignore_patterns("data", "state.db*"))
    kept = settings.read(other)
    moved = {"data": settings.DataSettings(folder=str(folder / "data"))}
    (other / settings.FILE).write_text(settings.text(kept.model_copy(update=moved)), "utf-8")
    return other


def both(one: Process, other: Process, **words: Any) -> list[Any]:
    for each in (one, other):
        each.send(**words)
    return [one.hear(), other.hear()]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limit", "sql", "passes", "refused"),
    [
        ({"frequency": 10}, "SELECT count(*) AS n FROM population", ("1 rows", 10), "agreement-frequency"),
        ({"volume": 105}, "SELECT person_id FROM population LIMIT 10", ("10 rows", 10), "agreement-volume"),
    ],
)
def test_32_clients_of_two_servers_never_exceed_a_limit(
    folder: Path, tmp_path: Path, limit: dict[str, int], sql: str, passes: tuple[str, int], refused: str
) -> None:
    agree(folder, tmp_path, **limit)
    asks = {"do": "spend", "as": "ana", "activity": "heating_grant", "sql": sql, "threads": 16, "times": 2}
    with process("worker.py", str(folder)) as one, process("worker.py", str(folder)) as other:
        told = Counter(outcome for each in both(one, other, **asks) for outcome in each)
    assert told == {passes[0]: passes[1], refused: 64 - passes[1]}
    with closing(Instance.open(folder)) as instance:
        spent = spending(instance)
        assert "volume" not in limit or max(rows for _, rows in spent) == 100
        kinds = Counter(receipt["outcome"] for receipt in support.receipts(instance).values())
    assert kinds == {"released": 10, "refused": 54}
    support.sound(folder)


TOTALS = "labour_statistics"
ALL_BUT_FEW = (
    "SELECT count(*) AS n FROM population",
    "SELECT count(*) AS n FROM population WHERE sex <> 'X'",
)
"""Two totals that differ by fewer persons than may show."""


def came_out(told: dict[str, Any]) -> bool:
    return any(row["n"] is not None for row in told["rows"])


@pytest.mark.slow
def test_of_two_near_cells_asked_of_two_servers_at_once_one_comes_out(folder: Path) -> None:
    """By sixteen clients, in turns; and in the end the history of both is one, and in order."""
    asks = {"do": "each", "as": "stella", "activity": TOTALS, "threads": 8}
    with process("worker.py", str(folder)) as one, process("worker.py", str(folder)) as other:
        told = both(one, other, sql=ALL_BUT_FEW, **asks)
        assert {each["sql"] for turn in told for each in turn} == set(ALL_BUT_FEW)
        assert len({each["sql"] for turn in told for each in turn if came_out(each)}) == 1
        again = [each.do(**{**asks, "threads": 2}, sql=ALL_BUT_FEW) for each in (one, other)]
        assert len({each["sql"] for turn in again for each in turn if came_out(each)}) == 1
    support.sound(folder)


@pytest.mark.postgresql
def test_a_total_waits_for_a_near_one_of_another_server(
    folder: Path, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other is committed after ours was held against the history: ours is held against that, too."""
    holds, go = threading.Event(), threading.Event()
    remember = receipts.remember

    def slow(*given: Any) -> None:
        remember(*given)
        if not holds.is_set():
            holds.set()
            go.wait(30)

    monkeypatch.setattr(receipts, "remember", slow)
    with closing(Instance.open(folder)) as other, ThreadPoolExecutor(2) as pool:
        first = pool.submit(support.ask, instance, ALL_BUT_FEW[0], "stella", TOTALS)
        assert holds.wait(60)
        second = pool.submit(support.ask, other, ALL_BUT_FEW[1], "stella", TOTALS)
        time.sleep(0.5)  # it has looked at the history by now, and found nothing
        assert not second.done()
        go.set()
        assert first.result(60).rows == 1
        assert second.result(60).rows == 0
    support.sound(folder)


@pytest.mark.slow
@pytest.mark.postgresql
def test_servers_with_folders_of_their_own(folder: Path) -> None:
    """What is chosen on one holds in the next use on the other; both load, apply and verify."""
    other = second(folder)
    keys = support.people(support.template().material)[:20]
    with process("worker.py", str(folder)) as one, process("worker.py", str(other)) as two:
        ask = {"do": "use", "as": "stella", "activity": RESEARCH, "sql": HOW_MANY}
        before = one.do(**ask)["rows"][0]["n"]
        assert two.do(**ask)["rows"][0]["n"] == before
        for number, key in enumerate(keys):
            chooses, asks = (one, two) if number % 2 else (two, one)
            made = chooses.do(do="choose", key=key, activity=RESEARCH, action="withdraw")
            before -= made["changed"]
            assert asks.do(**ask)["rows"][0]["n"] == before
    good = support.file_of(support.template().material, "municipalities")
    assert publica("load", "municipalities", str(good), instance=other).code == 0
    support.sound(folder)
    support.sound(other)


@pytest.mark.postgresql
def test_init_and_everything_after_it_on_postgresql(tmp_path: Path, state: str) -> None:
    import states

    url = states.url(tmp_path)
    made = executable("init", str(tmp_path / "office"), "--state", url)
    assert made.code == 0, made.err
    assert not (tmp_path / "office" / "state.db").exists()
    again = executable("init", str(tmp_path / "again"), "--state", url)
    assert again.code == 1 and "in use already" in again.err
    assert not (tmp_path / "again").exists()
    assert publica("ledger", "verify", instance=tmp_path / "office").code == 0


@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("prepare", "role", "code", "says"),
    [
        ("CREATE TABLE users (id integer)", "postgres", 1, "by something else: users"),
        ("CREATE TABLE ledger_entry (id integer)", "postgres", 1, "an instance of Publica"),
        ("SELECT 1", "stranger", 5, "The role may not do that"),
        (
            "ALTER ROLE postgres IN DATABASE {} SET default_transaction_read_only = on",
            "postgres",
            5,
            "only be",
        ),
    ],
    ids=["foreign", "in use", "not ours to change", "read only"],
)
def test_a_database_that_cannot_be_taken(
    tmp_path: Path, state: str, prepare: str, role: str, code: int, says: str
) -> None:
    import psycopg
    import states

    url = states.url(tmp_path)
    with psycopg.connect(url, autocommit=True) as there:
        there.execute("DO $$ BEGIN CREATE ROLE stranger LOGIN; EXCEPTION WHEN duplicate_object THEN END $$")
        there.execute(prepare.format(there.info.dbname))
        before = there.execute("SELECT relname FROM pg_class ORDER BY oid").fetchall()
    refused(tmp_path, url.replace("postgres@", f"{role}@"), code, says)
    with psycopg.connect(url) as there:
        assert there.execute("SELECT relname FROM pg_class ORDER BY oid").fetchall() == before


@pytest.mark.postgresql
def test_a_database_of_another_encoding(tmp_path: Path, state: str) -> None:
    import states

    made = states.server()
    made._admin.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    try:
        refused(tmp_path, made.url("latin"), 1, "has the encoding LATIN1")
    finally:
        made.drop("latin")


@pytest.mark.postgresql
def test_a_database_that_is_not_there(tmp_path: Path, state: str) -> None:
    import states

    refused(tmp_path, states.server().url("no_such_database"), 5, "could not be reached")


def refused(tmp_path: Path, url: str, code: int, says: str) -> None:
    """`init` says why in one line, and makes nothing."""
    made = publica("init", str(tmp_path / "office"), "--state", url)
    assert made.code == code and says in made.err and len(made.err.splitlines()) == 1, made.err
    assert not (tmp_path / "office").exists()


def test_a_file_is_no_server(tmp_path: Path) -> None:
    refused(tmp_path, f"sqlite:///{tmp_path}/state.db", 1, "name a PostgreSQL database")


def test_a_password_does_not_stand_in_the_settings(tmp_path: Path) -> None:
    for url in ("postgresql://me:secret@db/x", "postgresql://me@db/x?password=secret"):
        made = publica("init", str(tmp_path / "office"), "--state", url)
        assert made.code == 1 and "secret" not in made.err and "PGPASSWORD" in made.err
    assert not (tmp_path / "office").exists()


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    refused(tmp_path, f"postgresql://me@/x?host={tmp_path}", 5, "could not be reached")


def test_what_is_no_state_database() -> None:
    for url in ("mysql://me@db/x", "x", "sqlserver:x"):
        with pytest.raises(BadInput):
            backends.locate(url)


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(Unavailable, match=r"pip install 'publica\[postgres\]'"):
        backends.connect(backends.locate("postgresql://me@db/x"), pooled=True)


# What can go wrong with a server.


@pytest.fixture
def instance(folder: Path) -> Any:
    with closing(Instance.open(folder)) as opened:
        yield opened


def server(folder: Path) -> Any:
    import psycopg

    url = make_url(settings.read(folder).state.url or "").set(drivername="postgresql")
    return psycopg.connect(url.render_as_string(), autocommit=True)


@pytest.mark.postgresql
def test_a_lost_connection_is_made_again(
    folder: Path, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers' and the writer's, while they are idle: nobody notices."""
    monkeypatch.setattr(backends, "IDLE_SECONDS", 0)
    assert support.ask(instance, HOW_MANY).receipt
    with server(folder) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert support.ask(instance, HOW_MANY).receipt
    assert support.ask(instance, "SELECT person_id FROM population").receipt


@pytest.mark.postgresql
def test_a_lock_that_another_keeps(folder: Path, instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever holds the ledger makes others wait, and in the end be told; nothing leaves."""
    assert support.ask(instance, HOW_MANY).receipt
    monkeypatch.setattr(backends, "BUSY_SECONDS", 0.2)
    instance.db.rest()
    with server(folder) as other:
        other.autocommit = False
        other.execute("LOCK TABLE ledger_entry IN EXCLUSIVE MODE")
        with pytest.raises(Unavailable):
            support.ask(instance, HOW_MANY)
        other.rollback()
    assert support.ask(instance, HOW_MANY).receipt


@pytest.mark.postgresql
@pytest.mark.parametrize("table", ["ledger_entry", "use", "use_private", "subject_set"])
def test_no_receipt_no_data(folder: Path, instance: Instance, table: str) -> None:
    assert support.ask(instance, HOW_MANY).receipt
    with server(folder) as other:
        other.execute(f'ALTER TABLE "{table}" RENAME TO gone')
        ran = publica("query", "--as", "ana", "--activity", "heating_grant", HOW_MANY, instance=folder)
        assert ran.code in (4, 5) and ran.out == b"" and len(ran.err.splitlines()) == 1
        other.execute(f'ALTER TABLE gone RENAME TO "{table}"')
    assert support.ask(instance, HOW_MANY).receipt
    support.sound(folder)


@pytest.mark.postgresql
def test_a_server_that_may_only_be_read(folder: Path) -> None:
    """A standby that was taken for the primary: no receipt can be written, so nothing leaves."""
    with server(folder) as other:
        role = f"ALTER ROLE postgres IN DATABASE {other.info.dbname}"
        other.execute(f"{role} SET default_transaction_read_only = on")
        ran = publica("query", "--as", "ana", "--activity", "heating_grant", HOW_MANY, instance=folder)
        assert ran.code == 5 and ran.out == b"" and len(ran.err.splitlines()) == 1
        other.execute(f"{role} RESET ALL")
    support.sound(folder)


@pytest.mark.postgresql
def test_a_deadlock_is_overcome(folder: Path, instance: Instance) -> None:
    """Two writers that take two rows in opposite orders: one is undone and run again; both succeed."""
    with closing(Instance.open(folder)) as second:
        first_has, second_has = threading.Event(), threading.Event()
        runs: list[str] = []

        def work(name: str, rows: tuple[int, int], mine: threading.Event, others: threading.Event) -> Any:
            def run(change: Any) -> None:
                runs.append(name)
                for row in rows:
                    change.connection.exec_driver_sql(
                        f"UPDATE ledger_entry SET kind = kind WHERE position = {row}"
                    )
                    mine.set()
                    others.wait(5)
                change.enter("test", {"n": name})

            return run

        jobs: list[Callable[[], Any]] = [
            lambda: instance.db.write(work("one", (0, 1), first_has, second_has)),
            lambda: second.db.write(work("two", (1, 0), second_has, first_has)),
        ]
        threads = [threading.Thread(target=job) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert sorted(set(runs)) == ["one", "two"] and len(runs) == 3
    support.sound(folder)
    with instance.db.read() as connection:
        assert sum(entry == "test" for entry in connection.scalars(select(entries.c.kind))) == 2


@pytest.mark.postgresql
def test_a_choice_waits_for_a_receipt_that_names_its_counter(folder: Path, instance: Instance) -> None:
    """Also where nobody ever chose, so that there is no row to lock."""
    from publica.trust.consent import reading, store

    order: list[str] = []
    with closing(Instance.open(folder)) as other:
        holds, go = threading.Event(), threading.Event()

        def receipt(change: Any) -> None:
            assert reading.counter(change.connection, "new_activity") == 0
            holds.set()
            go.wait(10)
            change.enter("test", {"n": "receipt"})
            order.append("receipt")

        def choice(change: Any) -> None:
            order.append(f"choice {store.step(change.connection, 'new_activity')}")
            change.enter("test", {"n": "choice"})

        threads = [
            threading.Thread(target=instance.db.write, args=(receipt, [reading.standing("new_activity")])),
            threading.Thread(target=other.db.write, args=(choice, [store.lock("new_activity")])),
        ]
        threads[0].start()
        holds.wait(10)
        threads[1].start()
        time.sleep(0.3)
        assert order == []
        go.set()
        for thread in threads:
            thread.join(10)
    assert order == ["receipt", "choice 1"]
