"""The same statements with no gateway at all, to show that the oracle sees an attack that succeeds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

from .corpus import sql_type
from .oracle import Judge, files
from .variants import World
from .world import Arena, Outcome

QUESTION = re.compile(r"\W*(?:SELECT|FROM|WITH|VALUES)\b[^;]*\Z", re.IGNORECASE)


@dataclass
class Unguarded:
    """A DuckDB per variant, with everybody in it, open to whatever a statement does."""

    arena: Arena
    open: dict[str, duckdb.DuckDBPyConnection] = field(default_factory=dict)

    def ask(self, name: str, sql: str, _params: Mapping[str, Any]) -> Outcome:
        if name not in self.open:
            self.open[name] = duckdb.connect()
            self._fill(self.open[name], name)
        outcome = _outcome(self.open[name], sql)
        if not QUESTION.match(sql):  # whatever it did to the session ends here
            self.open.pop(name).close()
        return outcome

    def look(self) -> Mapping[str, Any]:
        """What a statement may have changed: files, and how many rows there are."""
        found = {"files": files(self.arena.baits, self.arena.base.instance.folder)}
        base = self.open.get(next(iter(self.arena.variants)))
        if base is None:
            return found
        return {
            **found,
            "rows": [
                base.execute(f"SELECT count(*) FROM {t.name}").fetchone() for t in self.arena.policy.tables
            ],
        }

    def close(self) -> None:
        for connection in self.open.values():
            connection.close()
        self.open.clear()

    def _fill(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        world = self.arena.variants[name].world
        for table, rows in world.rows.items():
            connection.register("given", _typed(world, table, rows))
            connection.execute(f"CREATE TABLE {table} AS SELECT * FROM given")
            connection.unregister("given")

    def judge(self) -> Judge:
        """The judge of what happens here: what a statement changes shows in its session and in the files."""
        return Judge(
            ask=self.ask,
            variants=list(self.arena.variants),
            secrets=self.arena.base.world.secrets(),
            state=self.look,
        )


def _outcome(connection: duckdb.DuckDBPyConnection, sql: str) -> Outcome:
    try:
        found = connection.execute(sql)
        columns = tuple((column[0], str(column[1])) for column in found.description or ())
        return Outcome("answered", columns, tuple(found.fetchall()), text="{}")
    except duckdb.Error as wrong:
        return Outcome("failed", text=str(wrong))


def _typed(world: World, table: str, rows: list[dict[str, str]]) -> pa.Table:
    texts = pa.table({name: [row[name] or None for row in rows] for name in world.types[table]})
    kinds = world.types[table].items()
    casts = ", ".join(f'CAST("{name}" AS {sql_type(kind)}) AS "{name}"' for name, kind in kinds)
    with duckdb.connect() as connection:
        connection.register("texts", texts)
        return connection.sql(f"SELECT {casts} FROM texts").to_arrow_table()
