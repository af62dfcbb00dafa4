"""The state database: what is durable together, what fails alone, and that nobody waits for ever."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, event, func, insert, select
from states import url

from publica.kernel import backends, clock
from publica.kernel.database import Change, Database
from publica.kernel.errors import BadInput, IntegrityBroken, Unavailable
from publica.kernel.ledger.canonical import leaf_hash
from publica.kernel.ledger.store import entries

pytestmark = pytest.mark.usefixtures("state")

mark = Table("test_mark", MetaData(), Column("n", Integer, primary_key=True))


@pytest.fixture
def db(tmp_path: Path, state: str) -> Iterator[Database]:
    database = Database(url(tmp_path))
    database.create()
    database.administer(mark.create)
    yield database
    database.close()


def put(n: int) -> Callable[[Change], bytes]:
    def work(change: Change) -> bytes:
        change.connection.execute(insert(mark).values(n=n))
        return change.enter("test", {"n": n})

    return work


def held(db: Database) -> tuple[list[int], int]:
    """The marks, and how many ledger entries there are."""
    with db.read() as connection:
        marks = connection.execute(select(mark.c.n).order_by(mark.c.n)).scalars().all()
        return list(marks), connection.execute(select(func.count()).select_from(entries)).scalar_one()


def together(db: Database, works: list[Callable[[Change], Any]]) -> list[Any]:
    """Run works from a thread each, committed in one batch; results, or the errors raised."""
    outcomes: list[Any] = [None] * len(works)
    begun, go = threading.Event(), threading.Event()

    def attempt(i: int, work: Callable[[Change], Any]) -> None:
        try:
            outcomes[i] = db.write(work)
        except BaseException as error:  # noqa: BLE001
            outcomes[i] = error

    def hold(change: Change) -> None:
        begun.set()
        go.wait(10)

    holder = threading.Thread(target=db.maintain, args=(hold,))
    holder.start()
    begun.wait(10)
    threads = [threading.Thread(target=attempt, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    while len(db._queue) < len(works):
        time.sleep(0.001)
    go.set()
    for thread in [holder, *threads]:
        thread.join(10)
        assert not thread.is_alive()
    return outcomes


def test_a_change_and_its_entry_are_one(db: Database) -> None:
    leaf = db.write(put(1))
    with db.read() as connection:
        row = connection.execute(select(entries)).one()
    assert (row.kind, row.leaf, row.position) == ("test", leaf, None)
    assert leaf_hash(row.body) == leaf
    assert held(db) == ([1], 1)


def test_a_change_without_an_entry_is_undone(db: Database) -> None:
    with pytest.raises(IntegrityBroken, match="without a ledger entry"):
        db.write(lambda change: change.connection.execute(insert(mark).values(n=1)))
    assert held(db) == ([], 0)
    db.maintain(lambda change: change.connection.execute(insert(mark).values(n=2)))
    assert held(db) == ([2], 0)


def test_an_entry_stays_below_64_kib(db: Database) -> None:
    with pytest.raises(BadInput, match="65536"):
        db.write(lambda change: change.enter("test", {"x": "y" * 65536}))
    assert held(db) == ([], 0)


def test_one_that_fails_harms_no_other_of_its_batch(db: Database) -> None:
    def fail(change: Change) -> None:
        put(100)(change)
        raise ValueError("no")

    def clash(change: Change) -> None:
        put(1)(change)
        put(1)(change)

    def forget(change: Change) -> None:
        change.connection.execute(insert(mark).values(n=101))

    before = len(commits := [])
    event.listen(db._writer, "commit", commits.append)
    outcomes = together(db, [put(0), fail, put(2), clash, forget, put(3)])
    assert len(commits) - before == 2  # the holder's, and one for all six
    assert isinstance(outcomes[1], ValueError)
    assert isinstance(outcomes[3], IntegrityBroken)
    assert isinstance(outcomes[4], IntegrityBroken)
    assert held(db) == ([0, 2, 3], 3)


def test_when_a_commit_fails_all_hear_of_it_and_the_next_works(db: Database) -> None:
    def refuse(connection: object) -> None:
        raise OSError("disk gone")

    db.write(put(0))
    event.listen(db._writer, "commit", refuse)
    with pytest.raises(OSError, match="disk gone"):
        db.write(put(1))
    event.remove(db._writer, "commit", refuse)
    assert held(db) == ([0], 1)

    failing = iter([False, True])  # the holder's commit passes, the batch's fails
    event.listen(db._writer, "commit", lambda _: refuse(_) if next(failing, False) else None)
    outcomes = together(db, [put(n) for n in range(1, 9)])
    assert all(isinstance(outcome, OSError) for outcome in outcomes)
    assert held(db) == ([0], 1)
    db.write(put(9))
    assert held(db) == ([0, 9], 2)


def test_when_a_transaction_cannot_begin(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> Any:
        raise MemoryError

    db.write(put(0))
    monkeypatch.setattr(db, "_write_connection", refuse)
    with pytest.raises(MemoryError):
        db.write(put(1))
    monkeypatch.undo()
    db.write(put(2))
    assert held(db) == ([0, 2], 2)


def test_a_change_that_breaks_the_connection(db: Database) -> None:
    def break_it(change: Change) -> None:
        put(1)(change)
        change.connection.close()

    for work in (break_it, lambda change: change.connection.exec_driver_sql("ROLLBACK")):
        with pytest.raises(Exception, match=r".+"):
            db.write(work)
        assert held(db) == ([], 0)
    db.write(put(2))
    assert held(db) == ([2], 1)


def test_a_locked_database_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "BUSY_SECONDS", 0.05)
    db, other = Database(url(tmp_path)), Database(url(tmp_path))
    db.create()
    db.administer(mark.create)
    with other._writer.connect() as connection, connection.begin():
        connection.execute(insert(mark).values(n=1))
        with pytest.raises(Unavailable, match="could not be used"):
            db.write(put(1))
    db.write(put(3))
    assert held(db) == ([1, 3], 1)
    db.close()
    other.close()


def test_32_threads_write_200_times_each(db: Database) -> None:
    leaves: list[bytes] = []

    def run(first: int) -> None:
        leaves.extend([db.write(put(first + i)) for i in range(200)])

    threads = [threading.Thread(target=run, args=(k * 200,)) for k in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert held(db) == (list(range(6400)), 6400)
    assert len(set(leaves)) == 6400


def _write_many(where: str, first: int) -> None:
    db = Database(where)
    threads = [
        threading.Thread(target=lambda k=k: [db.write(put(first + k * 25 + i)) for i in range(25)])
        for k in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.close()


def test_two_processes_write(db: Database, tmp_path: Path) -> None:
    processes = [
        multiprocessing.get_context("spawn").Process(target=_write_many, args=(url(tmp_path), first))
        for first in (0, 100)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert held(db) == (list(range(200)), 200)


def test_closing_commits_what_is_queued_and_ends_writing(db: Database) -> None:
    begun, go = threading.Event(), threading.Event()

    def slow(change: Change) -> None:
        begun.set()
        go.wait(10)
        put(0)(change)

    threads = [threading.Thread(target=db.write, args=(slow,))]
    threads[0].start()
    begun.wait(10)
    threads += [threading.Thread(target=db.write, args=(put(n),)) for n in range(1, 9)]
    for thread in threads[1:]:
        thread.start()
    while len(db._queue) < 8:
        time.sleep(0.001)
    threads.append(threading.Thread(target=db.close))
    threads[-1].start()
    go.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    with pytest.raises(Unavailable, match="closed"):
        db.write(put(99))
    db.close()
    assert held(db) == (list(range(9)), 9)


def test_a_change_that_waits_for_another_is_told(db: Database) -> None:
    with pytest.raises(RuntimeError, match="cannot wait"):
        db.write(lambda change: db.write(put(1)))
    db.write(put(2))
    assert held(db) == ([2], 1)


def test_an_interrupted_wait_stops_nobody(db: Database) -> None:
    go = threading.Event()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs tests aside may ignore it

    def slow(change: Change) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        go.wait(10)
        put(0)(change)

    others = [threading.Thread(target=db.write, args=(put(n),)) for n in range(1, 9)]
    try:
        with pytest.raises(KeyboardInterrupt):
            db.write(slow)
    finally:
        signal.signal(signal.SIGINT, before)
    for thread in others:
        thread.start()
    go.set()
    for thread in others:
        thread.join(10)
        assert not thread.is_alive()
    db.write(put(9))
    assert held(db) == (list(range(10)), 10)


def test_a_change_that_raises_what_is_no_exception(db: Database) -> None:
    def leave(change: Change) -> None:
        put(1)(change)
        raise SystemExit(2)

    with pytest.raises(SystemExit):
        db.write(leave)
    db.write(put(2))
    assert held(db) == ([2], 1)


def test_time_never_goes_back(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    first = db.write(lambda change: (change.enter("test", {}), change.now)[1])
    monkeypatch.setattr(clock, "now", lambda: now - timedelta(seconds=5))
    other = Database(url(tmp_path))
    assert other.write(lambda change: (change.enter("test", {}), change.now)[1]) == first == now
    monkeypatch.setattr(clock, "now", lambda: now - timedelta(hours=1))
    with pytest.raises(Unavailable, match="The clock says"):
        other.write(put(1))
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=1))
    assert other.write(lambda change: (change.enter("test", {}), change.now)[1]) == now + timedelta(hours=1)
    other.close()


def test_a_reader_sees_one_moment(db: Database) -> None:
    with db.read() as connection:
        assert connection.execute(select(func.count()).select_from(mark)).scalar_one() == 0
        db.write(put(1))
        assert connection.execute(select(func.count()).select_from(mark)).scalar_one() == 0
    assert held(db) == ([1], 1)
