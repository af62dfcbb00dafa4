"""The state database: snapshots to read, group-committed transactions to write.

One thread of each process commits what the others queue, all that is waiting in one durable transaction, so
many small changes share one flush to disk. (A thread of its own, because a signal reaches only the main
thread: Ctrl-C may stop a wait, never a commit that others wait for.) Each change runs in its own savepoint:
one that fails leaves no trace and harms no other. A change must enter the ledger; `maintain` is for what is
not a change (indexes, sequencing, counters without meaning).
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, insert, select, type_coerce
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool, QueuePool
from sqlalchemy.types import NullType

from publica.kernel import clock
from publica.kernel.errors import BadInput, IntegrityBroken, Unavailable
from publica.kernel.ledger.canonical import ENTRY_LIMIT, b64, canonical, leaf_hash
from publica.kernel.ledger.store import entries, metadata

T = TypeVar("T")

BUSY_SECONDS = 30
GATHER_SECONDS = 0.00005  # how long a busy committer lets one more change arrive
CLOCK_SLACK = timedelta(minutes=1)
"""The ledger's time never goes back: up to here behind, a clock is held at the last entry."""

_LAST_BODY = select(type_coerce(entries.c.body, NullType)).order_by(entries.c.id.desc()).limit(1)


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


class _Job(Generic[T]):
    """A change waiting to be committed, and then its outcome."""

    __slots__ = ("done", "error", "must_enter", "result", "work")

    def __init__(self, work: Callable[[Change], T], *, must_enter: bool) -> None:
        self.work, self.must_enter = work, must_enter
        self.done = _closed_lock()
        self.result: T
        self.error: BaseException | None = None

    def run(self, change: Change) -> None:
        try:
            self.result = self.work(change)
            if self.must_enter and not change.added:
                raise IntegrityBroken("A change was made without a ledger entry; it was undone.")
        except BaseException as error:  # noqa: BLE001 (handed to the thread that asked for it)
            self.error = error
        change.close(keep=self.error is None)


class Database:
    """One state database, by URL. Open one per process."""

    def __init__(self, url: str | URL) -> None:
        self.url = make_url(url)
        self._readers = _engine(self.url, pooled=True)
        self._writer = _engine(self.url, pooled=False)
        self._queue: SimpleQueue[_Job[Any] | None] = SimpleQueue()  # None: no more will come
        self._gate = threading.Lock()  # guards the next two
        self._closed = False
        self._committer: threading.Thread | None = None
        self._connection: Connection | None = None  # from here on: the committer's own
        self._crowded = False

    def create(self) -> None:
        """Create every table that is not there."""
        metadata.create_all(self._writer)

    def close(self) -> None:
        """Commit what is queued, then close. Writing afterwards raises Unavailable."""
        with self._gate:
            self._closed = True
            committer, self._committer = self._committer, None
            if committer is not None:
                self._queue.put(None)
        if committer is not None:
            committer.join()
        self._readers.dispose()
        self._writer.dispose()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one snapshot."""
        with _available(), self._readers.connect() as connection:
            yield connection

    def write(self, work: Callable[[Change], T]) -> T:
        """Run one change and commit it durably; it must enter the ledger. Returns what `work` returns."""
        return self._commit(_Job(work, must_enter=True))

    def maintain(self, work: Callable[[Change], T]) -> T:
        """Run a transaction that is no change of anything people rely on, so that needs no ledger entry."""
        return self._commit(_Job(work, must_enter=False))

    def _commit(self, job: _Job[T]) -> T:
        """Queue a job and wait until it is committed or has failed.

        A caller interrupted while waiting does not know which it will be: the job stays queued.
        """
        with self._gate:
            if self._closed:
                raise Unavailable("The state database was closed.", do="Open it again.")
            if self._committer is None:
                self._committer = threading.Thread(target=self._serve, name="publica-commit", daemon=True)
                self._committer.start()
            elif self._committer is threading.current_thread():
                raise RuntimeError("A change cannot wait for another one: use its own connection.")
            self._queue.put(job)
        job.done.acquire()
        if job.error is not None:
            raise job.error
        return job.result

    def _serve(self) -> None:
        """Commit batch after batch, until the queue's end."""
        last = False
        while not last:
            jobs, last = self._gather()
            self._commit_all(jobs)
        self._drop_connection()

    def _gather(self) -> tuple[list[_Job[Any]], bool]:
        """At least one job, unless the queue ended (then True); all of them when many threads are writing.

        Threads that were just answered write again within microseconds, so after a batch of several the
        committer waits for as long as one more keeps arriving: fewer flushes, each for more changes.
        """
        jobs = [self._queue.get()]
        while jobs[-1] is not None:
            if self._crowded:
                time.sleep(GATHER_SECONDS)
            waiting = self._queue.qsize()
            if not waiting:
                break
            jobs += [self._queue.get() for _ in range(waiting)]
        found = [job for job in jobs if job is not None]
        self._crowded = len(found) > 1
        return found, len(found) < len(jobs)

    def _commit_all(self, jobs: list[_Job[Any]]) -> None:
        """Commit jobs in one transaction, and answer each."""
        try:
            with _available():
                connection = self._write_connection()
                with connection.begin():
                    self._run(jobs, connection)
        except BaseException as error:  # noqa: BLE001 (every waiting thread must hear of it)
            self._drop_connection()
            for job in jobs:
                job.error = job.error or error
        for job in jobs:
            job.done.release()

    def _run(self, jobs: list[_Job[Any]], connection: Connection) -> None:
        now = _instant(connection)
        added: list[dict[str, Any]] = []
        for job in jobs:
            change = Change(connection, now)
            job.run(change)
            added += change.added
        if added:
            connection.execute(insert(entries), added)

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
    """Now, and never before the last entry. Raises Unavailable when the clock is far behind that."""
    now = clock.now()
    try:
        last = clock.parse(json.loads(connection.execute(_LAST_BODY).scalar() or "")["at"])
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
    except OperationalError as error:
        raise Unavailable(
            "The state database could not be used.",
            do="See that its disk has room and that it is running; try again.",
        ) from error
    except SQLAlchemyError as error:
        raise IntegrityBroken("The state database does not hold what it should.") from error


def _engine(url: URL, *, pooled: bool) -> Engine:
    if url.get_backend_name() != "sqlite":
        raise BadInput(
            f"{url.get_backend_name()} is not a state database that Publica knows.", do="Use SQLite."
        )
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        poolclass=QueuePool if pooled else NullPool,
        connect_args={"check_same_thread": False, "timeout": BUSY_SECONDS},
        **({"pool_size": 16, "max_overflow": 48} if pooled else {}),
    )
    begin = "BEGIN" if pooled else "BEGIN IMMEDIATE"

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun by us, below
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-65536"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _closed_lock() -> threading.Lock:
    """A lock that is released to wake its one waiter: the cheapest signal between two threads."""
    lock = threading.Lock()
    lock.acquire()
    return lock
