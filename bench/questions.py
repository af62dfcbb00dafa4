"""(a) Three questions about everybody, 30 % refusing: Publica, plain DuckDB, and PostgreSQL side by side."""

from __future__ import annotations

import random
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from bench import data
from bench.report import Part
from bench.timing import Side, Work, alternate, seconds
from publica.instance import Instance

QUESTIONS = {
    "everybody": "SELECT municipality, avg(income), count(*) FROM population GROUP BY municipality",
    "born after 1980": (
        "SELECT municipality, avg(income), count(*) FROM population "
        "WHERE birth_year > 1980 GROUP BY municipality"
    ),
    "join": (
        "SELECT p.municipality, avg(i.income), count(*) FROM population p "
        "JOIN incomes i ON p.person_id = i.person_id GROUP BY p.municipality"
    ),
}
RUNS = 5
RATIO, POSTGRES_RATIO = 1.5, 30


def measure(persons: int, *, quick: bool) -> Part:
    part = Part(
        "a", f"avg(income), count(*) by municipality: {persons:,} persons, {data.REFUSING} % refusing"
    )
    folder = data.people(persons)
    with data.working(folder) as instance:
        files = {name: data.version(instance, name).path for name in data.PERSONAL}
        ours, own = _publica(part, instance.folder, files, quick=quick)
    theirs = {} if quick else _postgres(part, persons, files)
    for name in QUESTIONS:
        _figures(part, name, ours[name], theirs.get(name, {}), quick=quick)
    part.add(
        "everybody, first use after a withdrawal", own, "ms", detail="its set is new: computed and stored"
    )
    for name, spent in data.measured(folder).items():
        part.add(name, spent, "s", detail="through the product, once")
    return part


def _publica(
    part: Part, folder: Path, files: Mapping[str, Path], *, quick: bool
) -> tuple[dict[str, dict[str, float]], float]:
    """Seconds by question and side; milliseconds of the first use after a withdrawal."""
    sides = (
        Side("Publica", governed, folder),
        Side("DuckDB on Parquet", parquet, files),
        Side("DuckDB table", native, files),
    )
    medians = alternate(sides, tuple(QUESTIONS), 2 if quick else 2 * RUNS - 1, warm=2)
    afresh = 1000 * statistics.median(sides[0].run("after a withdrawal") for _ in range(2 if quick else 5))
    for side in sides:
        side.close()
        part.memory[side.name] = side.peak
    return medians, afresh


def _postgres(part: Part, persons: int, files: Mapping[str, Path]) -> dict[str, dict[str, float]]:
    from bench import postgres

    population = files["population"]
    consented = f"SELECT person_id FROM read_parquet('{population}') WHERE {data.CONSENTED}"
    server = postgres.Postgres(postgres.folder(persons, files, consented))
    spent: dict[str, dict[str, float]] = {}
    for role, runs in (("analyst", RUNS), ("postgres", 3)):
        for name, work in server.works(QUESTIONS, role).items():
            work()
            times = [seconds(work) for _ in range(runs)]
            spent.setdefault(name, {})[role] = statistics.median(times)
    part.memory["PostgreSQL (all its processes)"] = server.peak
    server.close()
    return spent


def _figures(
    part: Part, name: str, ours: Mapping[str, float], theirs: Mapping[str, float], *, quick: bool
) -> None:
    publica, plain = ours["Publica"], ours["DuckDB on Parquet"]
    for side, spent in ours.items():
        part.add(f"{name}: {side}", 1000 * spent, "ms")
    target = None if quick else RATIO
    part.add(f"{name}: Publica / DuckDB on Parquet", publica / plain, "×", target, detail="same version file")
    part.add(f"{name}: Publica / DuckDB table", publica / ours["DuckDB table"], "×")
    if theirs:
        part.add(f"{name}: PostgreSQL, row-level security", 1000 * theirs["analyst"], "ms")
        part.add(f"{name}: PostgreSQL, no policy", 1000 * theirs["postgres"], "ms")
        ratio = theirs["analyst"] / publica
        part.add(f"{name}: PostgreSQL with policy / Publica", ratio, "×", POSTGRES_RATIO, at="least")


def governed(folder: Path) -> dict[str, Work]:
    """Through the one door: decision, choices, accounting and receipt included."""
    instance = Instance.open(folder)
    works: dict[str, Work] = {
        name: lambda sql=sql: data.use(instance, sql)  # type: ignore[misc]
        for name, sql in QUESTIONS.items()
    }
    persons = data.version(instance, "population").rows
    chance = random.Random(1)

    def after_withdrawal() -> float:
        changed = False
        while not changed:
            key = data.key(1 + chance.randrange(persons))
            changed = instance.choose(key, data.ACTIVITY, "withdraw", data.ACTOR)["changed"]
        return seconds(works["everybody"])

    return {**works, "after a withdrawal": after_withdrawal}


def parquet(files: Mapping[str, Path]) -> dict[str, Work]:
    """The same statements, unfiltered, by DuckDB as it comes, on the same Parquet files."""
    return _plain("VIEW", files)


def native(files: Mapping[str, Path]) -> dict[str, Work]:
    """The same, on tables in DuckDB's memory."""
    return _plain("TABLE", files)


def _plain(kind: str, files: Mapping[str, Path]) -> dict[str, Work]:
    connection = duckdb.connect()
    for name, file in files.items():
        connection.execute(f"CREATE {kind} {name} AS SELECT * FROM read_parquet('{file}')")

    def ask(sql: str) -> Any:
        return connection.sql(sql).to_arrow_table()

    return {name: lambda sql=sql: ask(sql) for name, sql in QUESTIONS.items()}  # type: ignore[misc]
