"""The same statements with no gateway at all, to show that the oracle sees an attack that succeeds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb

from .corpus import fill
from .oracle import Judge, Secrets, files
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
            for table in self.arena.policy.tables:
                fill(self.open[name], self.arena.variants[name].world, table.name)
        outcome = _outcome(self.open[name], sql)
        if not QUESTION.match(sql):  # whatever it did to the session ends here
            self.open.pop(name).close()
        return outcome

    def look(self) -> Mapping[str, Any]:
        """What a statement may have changed: files, and how many rows there are."""
        found = {"files": files(self.arena.baits)}
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

    def judge(self) -> Judge:
        """The judge of what happens here: what a statement changes shows in its session and in the files."""
        return Judge(
            ask=self.ask,
            variants=list(self.arena.variants),
            secrets=Secrets.of(self.arena.base.world.secrets()),
            state=self.look,
        )


def _outcome(connection: duckdb.DuckDBPyConnection, sql: str) -> Outcome:
    try:
        found = connection.execute(sql)
        columns = tuple((column[0], str(column[1])) for column in found.description or ())
        return Outcome("answered", columns, tuple(found.fetchall()), text="{}")
    except duckdb.Error as wrong:
        return Outcome("failed", text=str(wrong))
