"""The state database: snapshots to read, group-committed transactions to write.

Writers of one process queue; whichever finds nobody committing commits all that is queued in one durable
transaction, so many small changes share one flush to disk, and hands over to the first of those that came
meanwhile. Each change runs in its own savepoint: one that fails leaves no trace and harms no other. A change
must enter the ledger; `maintain` is for what is not a change (indexes, sequencing, counters without meaning).

Several processes may have one database open. What a change rests on, or counts, it names as locks; all of a
transaction's are taken before its first change runs, so what a change reads there stands until it is durable.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, insert
from sqlalchemy.engine import URL
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError, SQLAlchemyError, TimeoutError

from publica.kernel import backends, clock, schema
from publica.kernel.backends import Lock
from publica.kernel.backends import upsert as upsert
from publica.kernel.errors import BadInput, IntegrityBroken, Unavailable
from publica.kernel.ledger.canonical import ENTRY_LIMIT, b64, canonical, leaf_hash
from publica.kernel.ledger.store import entries

T = TypeVar("T")

GATHER_SECONDS = 0.0005
"""How long a writer waits for those who were just served to come back: one flush then does for more."""
ATTEMPTS = 10
"""How often a transaction is run again that met a deadlock, or a connection that was lost."""
CLOCK_SLACK = timedelta(minutes=1)
"""The ledger's time never goes back: up to here behind, a clock is held at the last entry."""

_UNAVAILABLE = (OperationalError, InterfaceError, InternalError, TimeoutError)
_ENTRY = insert(entries)
_NUMBER_AND_LAST = f"SELECT {schema.NUMBER}, (SELECT body FROM ledger_entry ORDER BY id DESC LIMIT 1)"


class Change:
    """One transaction in the making: its instant, its connection, and the ledger entries it adds."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self.now = now
        self.added: list[dict[str, Any]] = []
        self._connection = connection
        self._savepoint = False

    @property
    def connection(self) -> Connection:
        """The connection, inside this change's own savepoint (made on first use)."""
        if not self._savepoint:
            self._connection.exec_driver_sql("SAVEPOINT change")
            self._savepoint = True
        return self._connection

    def enter(self, kind: str, fields: Mapping[str, Any]) -> bytes:
        """Add a ledger entry; returns its leaf hash, by which rows refer to it.

        Raises BadInput when the entry would reach 64 KiB.
        """
        stamp = {"at": clock.text(self.now), "kind": kind, "nonce": b64(secrets.token_bytes(12)), "v": 1}
        body = canonical({**fields, **stamp})
        if len(body) >= ENTRY_LIMIT:
            raise BadInput(
                f"The ledger entry of this {kind} would take {len(body)} bytes; the limit is {ENTRY_LIMIT}.",
                do="Split it into smaller ones.",
            )
        leaf = leaf_hash(body)
        self.added.append({"kind": kind, "body": body, "leaf": leaf})
        return leaf

    def close(self, *, keep: bool) -> None:
        """Release the savepoint, undoing the change first unless it is kept."""
        if not keep:
            self.added.clear()
        if self._savepoint:
            if not keep:
                self._connection.exec_driver_sql("ROLLBACK TO SAVEPOINT change")
            self._connection.exec_driver_sql("RELEASE SAVEPOINT change")


class _Repeat(Exception):
    """The transaction was undone for a reason that running it again may overcome: its cause."""


class _Job(Generic[T]):
    """A change waiting to be committed, and then its outcome."""

    __slots__ = ("done", "error", "locks", "must_enter", "result", "thread", "wake", "work")

    def __init__(self, work: Callable[[Change], T], locks: Iterable[Lock], *, must_enter: bool) -> None:
        self.work, self.locks, self.must_enter = work, tuple(locks), must_enter
        self.done = False
        self.wake = _closed_lock()
        self.thread = 0
        self.result: T
        self.error: BaseException | None = None

    def run(self, change: Change) -> None:
        self.error = None
        try:
            with _available():
                self.result = self.work(change)
            if self.must_enter and not change.added:
                raise IntegrityBroken("A change was made without a ledger entry; it was undone.")
        except BaseException as error:
            if backends.repeatable(error.__cause__ or error):
                raise _Repeat from error
            self.error = error
        change.close(keep=self.error is None)


class Database:
    """One state database, by URL. Open one per process."""

    def __init__(self, url: str | URL) -> None:
        self.url = backends.locate(url)
        self._readers = backends.connect(self.url, pooled=True)
        self._writer = backends.connect(self.url, pooled=False)
        self._baton = threading.Lock()  # guards the next three
        self._idle = threading.Condition(self._baton)  # told when nothing is queued
        self._queue: deque[_Job[Any]] = deque()
        self._leader: int | None = None  # the thread that commits, or that was woken to
        self._closed = False
        self._crowd = 0  # how many the last transaction served
        self._connection: Connection | None = None  # the leader's

    def create(self) -> None:
        """Make every table. Raises BadInput when there are some already."""
        self.administer(schema.create)

    def administer(self, work: Callable[[Connection], T]) -> T:
        """Run what makes or changes the tables themselves, in one transaction beside no other writer's."""
        with _available(), self._writer.begin() as connection:
            backends.acquire(connection, [schema.CHANGES])
            return work(connection)

    def check(self) -> None:
        """Raises Unavailable unless the tables are as this version of Publica has them."""
        with self.read() as connection:
            schema.check(connection)

    def close(self) -> None:
        """Commit what is queued, then close. Writing afterwards raises Unavailable."""
        with self._baton:
            self._closed = True
            self._idle.wait_for(lambda: self._leader is None)
        self._drop_connection()
        self._readers.dispose()
        self._writer.dispose()

    def rest(self) -> None:
        """Let go of every connection that nobody uses; the next use makes new ones."""
        with self._baton:
            self._idle.wait_for(lambda: self._leader is None)
            self._drop_connection()
        self._readers.dispose()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one snapshot."""
        with _available(), self._readers.connect() as connection:
            yield connection

    def write(self, work: Callable[[Change], T], locks: Iterable[Lock] = ()) -> T:
        """Run one change and commit it durably; it must enter the ledger. Returns what `work` returns.

        `locks`: what must not be moved by others meanwhile. `work` may be run more than once.
        """
        return self._commit(_Job(work, locks, must_enter=True))

    def maintain(self, work: Callable[[Change], T], locks: Iterable[Lock] = ()) -> T:
        """Run a transaction that is no change of anything people rely on, so that needs no ledger entry."""
        return self._commit(_Job(work, locks, must_enter=False))

    def _commit(self, job: _Job[T]) -> T:
        """Queue a job and wait until it is committed or has failed.

        Ctrl-C reaches only the main thread, and must not strike while it commits for others: so the main
        thread has another one stand in the queue. Interrupted, it does not know whether its change was made.
        """
        if threading.current_thread() is threading.main_thread():
            stand_in = threading.Thread(target=self._lead_or_wait, args=(job,), name="publica-commit")
            stand_in.start()
            stand_in.join()
        else:
            self._lead_or_wait(job)
        if isinstance(job.error, _UNAVAILABLE):
            with _available():
                raise job.error
        if job.error is not None:
            raise job.error
        return job.result

    def _lead_or_wait(self, job: _Job[Any]) -> None:
        """Commit all that is queued if nobody else is, else wait to be done or to take over."""
        job.thread = threading.get_ident()
        with self._baton:
            job.error = self._objection(job)
            if job.error is not None:
                return
            self._queue.append(job)
            leads = self._leader is None
            if leads:
                self._leader = job.thread
        if not leads:
            job.wake.acquire()
        if not job.done:
            self._commit_queued()
            self._hand_over()

    def _hand_over(self) -> None:
        with self._baton:
            heir = self._queue[0] if self._queue else None
            self._leader = heir.thread if heir is not None else None
            if heir is None:
                self._idle.notify_all()
        if heir is not None:
            heir.wake.release()

    def _objection(self, job: _Job[Any]) -> Exception | None:
        if self._closed:
            return Unavailable("The state database was closed.", do="Open it again.")
        if self._leader == job.thread:
            return RuntimeError("A change cannot wait for another one: use its own connection.")
        return None

    def _commit_queued(self) -> None:
        """Commit everything queued in one transaction, this thread's own job among it."""
        if len(self._queue) < self._crowd:
            time.sleep(GATHER_SECONDS)
        jobs = [self._queue.popleft() for _ in range(len(self._queue))]
        self._crowd = len(jobs)
        try:
            with _available():
                self._transact(jobs)
        except BaseException as error:  # noqa: BLE001 (every waiting thread must hear of it)
            self._drop_connection()
            for job in jobs:
                job.error = job.error or error
        for job in jobs:
            job.done = True
            job.wake.release()

    def _transact(self, jobs: list[_Job[Any]]) -> None:
        """Run jobs in one transaction; again, while it is undone by a deadlock or a lost connection."""
        for attempt in range(1, ATTEMPTS + 1):
            connection = self._write_connection()
            try:
                with connection.begin():
                    self._run(jobs, connection)
                return
            except _Repeat as undone:
                self._drop_connection()
                if attempt == ATTEMPTS and undone.__cause__ is not None:
                    raise undone.__cause__ from None

    def _run(self, jobs: list[_Job[Any]], connection: Connection) -> None:
        try:
            backends.acquire(connection, (schema.STANDS, *(lock for job in jobs for lock in job.locks)))
            now = _instant(connection)
            added: list[dict[str, Any]] = []
            for job in jobs:
                change = Change(connection, now)
                job.run(change)
                added += change.added
            if added:
                connection.execute(_ENTRY, added)
        except SQLAlchemyError as error:
            if backends.repeatable(error):
                raise _Repeat from error
            raise

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError):  # it may be the broken connection that brought us here
                connection.invalidate()
                connection.close()

    def _write_connection(self) -> Connection:
        if self._connection is None:
            self._connection = self._writer.connect()
        return self._connection


def _instant(connection: Connection) -> datetime:
    """Now, and never before the last entry. Raises Unavailable when the clock is far behind that.

    Also when another server upgraded the database meanwhile.
    """
    now = clock.now()
    number, body = connection.exec_driver_sql(_NUMBER_AND_LAST).one()
    schema.require(number)
    try:
        last = clock.parse(json.loads(body or "")["at"])
    except (ValueError, KeyError, TypeError):
        return now  # no entry yet; or an altered one, which is for `publica ledger verify` to name
    if last - now > CLOCK_SLACK:
        raise Unavailable(
            f"The clock says {clock.text(now)}, but the ledger's last entry is of {clock.text(last)}.",
            do="Set the clock right, or restore a backup if the entry is what is wrong.",
        )
    return max(now, last)


@contextmanager
def _available() -> Iterator[None]:
    try:
        yield
    except _UNAVAILABLE as error:
        raise backends.trouble(error) or Unavailable(
            "The state database could not be used.",
            do="See that its disk has room and that it is running; try again.",
        ) from error
    except SQLAlchemyError as error:
        if told := backends.trouble(error):
            raise told from error
        raise IntegrityBroken("The state database does not hold what it should.") from error


def _closed_lock() -> threading.Lock:
    """A lock that is released to wake its one waiter: the cheapest signal between two threads."""
    lock = threading.Lock()
    lock.acquire()
    return lock
