"""The two state databases, and what differs between them: connecting, locking, inserting or updating.

SQLite has one writer at a time, so a transaction there needs no lock. On PostgreSQL writers of several
processes run beside each other; what must not move under a transaction is locked by name before it begins.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    Select,
    Table,
    create_engine,
    event,
    func,
    literal,
    select,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, SQLAlchemyError
from sqlalchemy.pool import NullPool, QueuePool

from publica.kernel.errors import BadInput, Unavailable

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

BUSY_SECONDS = 30
"""How long a writer waits for others."""
CONNECT_SECONDS, IDLE_SECONDS = 10, 5
DRIVER = "postgresql+psycopg"

SQLITE_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "cache_size=-65536",
    "wal_autocheckpoint=8000",
)
_SQLITE_POOL = {"pool_size": 16, "max_overflow": 48}
_POSTGRES_POOL = {"pool_size": 8, "max_overflow": 16}
"""Smaller: a server with its defaults takes a hundred connections, from all processes together."""
_DEADLOCK, _SERIALIZATION = "40P01", "40001"
_FORBIDDEN, _READ_ONLY = "42501", "25006"
_SETTINGS = (
    "SELECT set_config('lock_timeout', '{milliseconds}ms', false),"
    " set_config('tcp_keepalives_idle', '30', false),"
    " CASE WHEN current_setting('synchronous_commit') IN ('off', 'local')"
    " THEN set_config('synchronous_commit', 'on', false) END"
)


@dataclass(frozen=True, order=True)
class Lock:
    """What a transaction needs to stand still, by name; `shared` with others that need the same."""

    name: str
    shared: bool = False


def locate(url: str | URL) -> URL:
    """The address of a state database, with the driver that is used for it.

    Raises BadInput for anything but SQLite and PostgreSQL.
    """
    try:
        given = make_url(url)
    except ArgumentError:
        raise BadInput("This is no database's URL.", do="Write it as postgresql://HOST/NAME.") from None
    match given.get_backend_name():
        case "sqlite":
            return given
        case "postgresql" | "postgres":
            return given.set(drivername=DRIVER)
        case other:
            raise BadInput(
                f"{other} is not a state database that Publica knows.", do="Use SQLite or PostgreSQL."
            )


def is_server(url: str | URL) -> bool:
    """Whether a state database is a server's, and no file."""
    return locate(url).get_backend_name() == "postgresql"


def is_postgres(connection: Connection | Engine) -> bool:
    return connection.dialect.name == "postgresql"


def connect(url: URL, *, pooled: bool) -> Engine:
    """An engine on one database: pooled, for readers, each on a snapshot; else for the one writer."""
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, pooled=pooled)
    return _postgres(url, pooled=pooled)


def acquire(connection: Connection, locks: Iterable[Lock]) -> None:
    """Hold these until the transaction ends; taken in one order, so that no two wait for each other.

    Do this first in a transaction: what is read afterwards stands still.
    """
    if not is_postgres(connection):
        return  # the transaction began by taking the one lock there is
    wanted: dict[int, bool] = {}  # by number: whether shared
    for lock in locks:
        number = int.from_bytes(hashlib.sha256(lock.name.encode()).digest()[:8], "big", signed=True)
        wanted[number] = wanted.get(number, True) and lock.shared
    calls = (
        f"pg_advisory_xact_lock{'_shared' if shared else ''}({number})"
        for number, shared in sorted(wanted.items())
    )
    connection.exec_driver_sql(f"SELECT {', '.join(calls)}")


def upsert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that can say what to do ON CONFLICT."""
    if not is_postgres(connection):
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


def numbers(connection: Connection, some: Iterable[int]) -> Select[Any]:
    """Any number of integers as rows, in one parameter: a statement has no room for all that there may be."""
    if not is_postgres(connection):
        return select(func.json_each(json.dumps(list(some))).table_valued("value").c.value)
    from sqlalchemy.dialects.postgresql import ARRAY

    return select(func.unnest(literal(list(some), ARRAY(BigInteger))))


def mark(connection: Connection, table: str, text: str) -> None:
    """Note a text beside a table of PostgreSQL, in its own transaction; `marked` reads it.

    The text may hold letters, digits and spaces.
    """
    connection.exec_driver_sql(f"COMMENT ON TABLE {table} IS '{text}'")


def marked(connection: Connection, table: str) -> str | None:
    """The text that was noted; None where there is no such table, or no text."""
    query = f"SELECT obj_description(to_regclass('{table}'), 'pg_class')"
    text: str | None = connection.exec_driver_sql(query).scalar()
    return text


def repeatable(error: BaseException | None) -> bool:
    """Whether a transaction that failed so may simply be run again, as nothing of it was committed."""
    if not isinstance(error, DBAPIError):
        return False
    return error.connection_invalidated or getattr(error.orig, "sqlstate", None) in (
        _DEADLOCK,
        _SERIALIZATION,
    )


def trouble(error: SQLAlchemyError) -> Unavailable | None:
    """What PostgreSQL's failure means to whoever runs Publica; None where nothing more is known.

    The server's own words stay out: they may carry values.
    """
    if not isinstance(error, DBAPIError) or not type(error.orig).__module__.startswith("psycopg"):
        return None
    state = getattr(error.orig, "sqlstate", None)
    if state == _FORBIDDEN:
        return Unavailable(
            "The role may not do that in the state database.", do="Let it own the database and its tables."
        )
    if state == _READ_ONLY:
        return Unavailable(
            "The state database may only be read.", do="Name the primary server, not a standby."
        )
    if state is None and error.statement is None:
        return Unavailable(
            "The state database could not be reached.",
            do="See that its server runs, the database exists and the role may connect: psql tells which.",
        )
    return None


def _sqlite(url: URL, *, pooled: bool) -> Engine:
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        poolclass=QueuePool if pooled else NullPool,
        connect_args={"check_same_thread": False, "timeout": BUSY_SECONDS},
        **(_SQLITE_POOL if pooled else {}),
    )
    begin = "BEGIN" if pooled else "BEGIN IMMEDIATE"

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun by us, below
        for pragma in SQLITE_PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _postgres(url: URL, *, pooled: bool) -> Engine:
    try:
        import psycopg
    except ImportError:
        raise Unavailable(
            "PostgreSQL needs a driver that is not installed.",
            do="Install it: pip install 'publica[postgres]'",
        ) from None
    engine = create_engine(
        url,
        poolclass=QueuePool if pooled else NullPool,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "publica",
            "client_encoding": "utf8",
        },
        use_native_hstore=False,
        hide_parameters=True,
        **(_POSTGRES_POOL if pooled else {}),
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.execute(_SETTINGS.format(milliseconds=int(1000 * BUSY_SECONDS)))
        connection.commit()
        levels = psycopg.IsolationLevel
        connection.isolation_level = levels.REPEATABLE_READ if pooled else levels.READ_COMMITTED
        connection.read_only = True if pooled else None

    @event.listens_for(engine, "checkin")
    def _note(_connection: Any, record: Any) -> None:
        record.info["used"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _try(connection: Any, record: Any, _proxy: Any) -> None:
        """One that was idle may have been cut off meanwhile: then another one is taken."""
        if time.monotonic() - record.info.get("used", math.inf) > IDLE_SECONDS:
            try:
                connection.execute("SELECT 1")
                connection.rollback()
            except psycopg.OperationalError:
                raise DisconnectionError from None

    return engine
