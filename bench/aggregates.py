"""`./dev bench aggregates`: protected totals against the same statements, unprotected, in plain DuckDB.

Both sides read what the same Parquet file holds. Ours pays for choices, thresholds, dominance, noise, the
release history, accounting and the receipt.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from bench import data
from bench.cache import cached
from bench.report import Part, table
from bench.timing import Side, Work, alternate
from publica.gateway.door import Request
from publica.instance import Instance

ACTIVITY = "totals"
QUESTIONS = {
    "by municipality": "SELECT municipality, avg(income), count(*) FROM population GROUP BY municipality",
    "in all": "SELECT avg(income), count(*) FROM population",
    "by sex and year of birth": "SELECT sex, birth_year, avg(income), count(*) FROM population GROUP BY ALL",
    "three rows each": "SELECT year, avg(income), count(*) FROM earnings GROUP BY year",
    "three rows each, in all": "SELECT avg(income), count(*) FROM earnings",
}
TARGETS = {"by municipality": 2.0, "three rows each, in all": 4.0}
"""Others are for information."""
EARNINGS = """
SELECT printf('P-%08d', i) AS person_id, (2023 + y)::BIGINT AS year,
    (8000 + hash(i, y, 7) % 60000)::BIGINT AS income
FROM range(1, {persons} + 1) t(i), range(3) u(y)"""
RUNS = 9


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="./dev bench aggregates", description=__doc__)
    parser.add_argument("--persons", type=int, default=10_000_000)
    parser.add_argument("--quick", action="store_true", help="a small size: only that it runs")
    asked = parser.parse_args(arguments)
    part = measure(20_000 if asked.quick else asked.persons, quick=asked.quick)
    print(table(part))
    return int(not part.met)


def measure(persons: int, *, quick: bool) -> Part:
    """The part of the report; targets only at full size."""
    part = Part("g", f"protected totals: {persons:,} persons, {data.REFUSING} % refusing")
    folder = cached(f"totals-{persons}", partial(_make, persons))
    with data.working(folder) as instance:
        files = {name: data.version(instance, name).path for name in ("population", "earnings")}
        sides = (Side("Publica", protected, instance.folder), Side("DuckDB on Parquet", plain, files))
        spent = alternate(sides, tuple(QUESTIONS), 2 if quick else RUNS, warm=2)
        for side in sides:
            side.close()
            part.memory[side.name] = side.peak
    for name, found in spent.items():
        for side, seconds in found.items():
            part.add(f"{name}: {side}", 1000 * seconds, "ms")
        ratio = found["Publica"] / found["DuckDB on Parquet"]
        part.add(
            f"{name}: ratio", ratio, "×", None if quick else TARGETS.get(name), detail="same version file"
        )
    return part


def protected(folder: Path) -> dict[str, Work]:
    """Through the one door."""
    instance = Instance.open(folder)

    def ask(sql: str) -> Any:
        answer = instance.use(Request(data.ACTOR, ACTIVITY, sql))
        return answer.table()

    return {name: partial(ask, sql) for name, sql in QUESTIONS.items()}


def plain(files: Mapping[str, Path]) -> dict[str, Work]:
    """By DuckDB as it comes, with nobody left out."""
    connection = duckdb.connect()
    for name, file in files.items():
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{file}')")

    def ask(sql: str) -> Any:
        return connection.sql(sql).to_arrow_table()

    return {name: partial(ask, sql) for name, sql in QUESTIONS.items()}


def _make(persons: int, folder: Path) -> None:
    columns = {name: data.columns(name) for name in ("population", "incomes")}
    uses = [
        {"dataset": dataset, "columns": [column["name"] for column in columns[of]]}
        for dataset, of in (("population", "population"), ("earnings", "incomes"))
    ]
    totals = data.activity(ACTIVITY, {"kind": "law", "law": "statistics-act", "objection": True}, uses)
    totals["spec"]["protection"] = "aggregates"
    records = [
        *data.office(),
        data.dataset("population", "personal", columns["population"]),
        data.dataset("earnings", "personal", columns["incomes"]),
        data.activity(data.ACTIVITY, {"kind": "consent"}, uses),
        totals,
    ]
    instance = data.create(folder, records)
    for name, text in (("population", data.POPULATION), ("earnings", EARNINGS)):
        file = folder / f"{name}.parquet"
        duckdb.execute(f"COPY ({text.format(persons=persons)}) TO '{file}'")
        instance.load(name, [file], data.ACTOR)
        file.unlink()
    data.objections(instance, ACTIVITY)
    instance.close()


if __name__ == "__main__":
    sys.exit(main())
