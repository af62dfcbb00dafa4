"""The data that is measured on: made once per size, loaded through the product, kept under bench/.cache.

Nothing here is random from run to run: who is who, and who consents, follows from a hash of the number.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
from pyroaring import BitMap

from bench.cache import CACHE, cached
from publica.data import versions
from publica.data.model import Version
from publica.gateway.door import Request
from publica.instance import Instance
from publica.instance.settings import FILE
from publica.kernel.actor import Actor
from publica.trust.consent.actions import choose_many

ACTOR = Actor("stella", "operator", "bench")
OPERATOR = Actor("operator", "operator", "bench")
ACTIVITY = "income_statistics"
COMPUTING = "\n[engine]\nanswers = 0\n"
"""The setting under which no answer is kept to be given again: what is measured is computed each time."""
REFUSING = 30
"""Per cent of persons who did not consent."""

CONSENTED = f"hash(person_id) % 100 >= {REFUSING}"

POPULATION = """
SELECT printf('P-%08d', i) AS person_id, ['F', 'M'][1 + (hash(i, 1) % 2)::INTEGER] AS sex,
    (1930 + hash(i, 2) % 95)::BIGINT AS birth_year,
    printf('%04d', 1001 + (hash(i, 3) % 309)::INTEGER) AS municipality,
    (8000 + hash(i, 4) % 60000)::BIGINT AS income
FROM range(1, {persons} + 1) t(i)"""
INCOMES = """
SELECT printf('P-%08d', i) AS person_id, 2025::BIGINT AS year, (8000 + hash(i, 5) % 60000)::BIGINT AS income
FROM range(1, {persons} + 1) t(i) ORDER BY hash(i, 6)"""
PERSONAL = {"population": POPULATION, "incomes": INCOMES}

_KEY = {"name": "person_id", "type": "string", "role": "subject key", "required": True}
_COLUMNS: dict[str, list[dict[str, Any]]] = {
    "population": [
        _KEY,
        {"name": "sex", "type": "string", "role": "dimension", "codes": ["F", "M"]},
        {"name": "birth_year", "type": "integer", "role": "dimension"},
        {"name": "municipality", "type": "string", "role": "dimension"},
        {"name": "income", "type": "integer", "role": "measure", "unit": "EUR"},
    ],
    "incomes": [
        _KEY,
        {"name": "year", "type": "integer", "role": "time"},
        {"name": "income", "type": "integer", "role": "measure", "unit": "EUR"},
    ],
}

Document = dict[str, Any]


def people(persons: int) -> Path:
    """An instance of that many persons, of whom 70 % consented; made when it is not there."""
    return cached(f"people-{persons}", lambda folder: _make_people(folder, persons))


@contextmanager
def working(folder: Path) -> Iterator[Instance]:
    """A copy of a cached instance, to be changed; its data files are linked, not copied."""
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="run-") as place:
        copy = Path(place) / "instance"
        shutil.copytree(folder / "instance", copy, copy_function=link_data)
        compute(copy)
        instance = Instance.open(copy)
        try:
            yield instance
        finally:
            instance.close()


def compute(folder: Path, always: bool = True) -> None:
    """Have an instance compute every answer `always`, or else keep some, as it does unless told otherwise."""
    file = folder / FILE
    usual = file.read_text("utf-8").replace(COMPUTING, "")
    file.write_text(usual + COMPUTING * always, "utf-8")


def use(instance: Instance, sql: str, activity: str = ACTIVITY) -> Any:
    """The whole answer of one use."""
    return instance.use(Request(ACTOR, activity, sql)).table()


def key(number: int) -> str:
    """The key of person `number`, from 1."""
    return f"P-{number:08d}"


def version(instance: Instance, dataset: str) -> Version:
    """The current version of a dataset."""
    with instance.db.read() as connection:
        found = versions.current(connection, instance.folder / "data", dataset)
    assert found is not None
    return found


def measured(folder: Path) -> dict[str, Any]:
    """What making a cached instance measured."""
    found: dict[str, Any] = json.loads((folder / "measured.json").read_text("utf-8"))
    return found


def personal(datasets: Sequence[str]) -> list[Document]:
    """The records of the bench's personal datasets and of an activity that rests on consent."""
    uses = [{"dataset": name, "columns": [c["name"] for c in _COLUMNS[name]]} for name in datasets]
    return [
        *office(),
        *(dataset(name, "personal", _COLUMNS[name]) for name in datasets),
        activity(ACTIVITY, {"kind": "consent"}, uses),
    ]


def office() -> list[Document]:
    """One organisation with its steward and its statistician."""
    statistics = {"organisation": "statistics"}
    since = {"valid_from": "2020-01-01"}
    return [
        _record("organisation", "statistics", name="Statistics office", type="public body"),
        _record("official", "stella", name="Stella", **statistics),
        _record("role", "stella-statistician", official="stella", role="statistician", **statistics, **since),
        _record("role", "stella-steward", official="stella", role="steward", **statistics, **since),
        _record("law", "statistics-act", title="Statistics act", eli="/eli/act/2020/1", **since),
    ]


def dataset(name: str, access: str, columns: Sequence[Document]) -> Document:
    """A dataset's record."""
    about = {"title": name, "description": "Made for measuring.", "holder": "statistics"}
    return _record("dataset", name, **about, access=access, columns=list(columns))


def activity(name: str, basis: Document, uses: Sequence[Document]) -> Document:
    """An activity's record: rows for the office's statistician."""
    return _record(
        "activity",
        name,
        title=name,
        organisation="statistics",
        purpose="dpv:PublicBenefit",
        basis=basis,
        datasets=list(uses),
        roles=["statistician"],
        protection="rows",
        retention="P1Y",
        valid_from="2020-01-01",
    )


def create(folder: Path, records: Sequence[Document], state: str | None = None) -> Instance:
    """A new instance with these records, its state in SQLite or in the PostgreSQL database named.

    It keeps no answers.
    """
    Instance.create(folder / "instance", "bench.example/ledger", state).close()
    compute(folder / "instance")
    instance = Instance.open(folder / "instance")
    file = folder / "records.yaml"
    file.write_text("\n---\n".join(json.dumps(record) for record in records), "utf-8")
    instance.apply([file], OPERATOR)
    return instance


def consents(instance: Instance, name: str = "population") -> None:
    """70 % of persons consent."""
    rows = duckdb.sql(
        f"SELECT __subject_person_id FROM read_parquet('{version(instance, name).path}') WHERE {CONSENTED}"
    ).to_arrow_table()
    granted = BitMap()
    for batch in rows.to_batches():
        granted |= BitMap(batch.column(0).to_pylist())
    choose_many(instance.db, instance.keys, instance.book(), ACTIVITY, {"grant": granted}, ACTOR)


def objections(instance: Instance, activity: str, name: str = "population") -> None:
    """30 % of persons object."""
    file = version(instance, name).path
    rows = duckdb.sql(
        f"SELECT __subject_person_id FROM read_parquet('{file}') WHERE NOT ({CONSENTED})"
    ).to_arrow_table()
    objecting = BitMap()
    for batch in rows.to_batches():
        objecting |= BitMap(batch.column(0).to_pylist())
    choose_many(instance.db, instance.keys, instance.book(), activity, {"object": objecting}, ACTOR)


def columns(name: str) -> list[dict[str, Any]]:
    """The columns of a personal dataset, as its record has them."""
    return _COLUMNS[name]


def generate(folder: Path, name: str, persons: int) -> Path:
    """The file of a personal dataset, as its holder would deliver it."""
    path = folder / f"{name}.parquet"
    duckdb.execute(f"COPY ({PERSONAL[name].format(persons=persons)}) TO '{path}'")
    return path


def _make_people(folder: Path, persons: int) -> None:
    spent = {}
    instance = create(folder, personal(tuple(PERSONAL)))
    for name in PERSONAL:
        file = generate(folder, name, persons)
        start = time.perf_counter()
        instance.load(name, [file], OPERATOR)
        spent[f"load {name}"] = time.perf_counter() - start
        file.unlink()
    start = time.perf_counter()
    consents(instance)
    spent["consents"] = time.perf_counter() - start
    instance.close()
    (folder / "measured.json").write_text(json.dumps(spent), "utf-8")


def _record(kind: str, name: str, /, **spec: Any) -> Document:
    return {"kind": kind, "id": name, "spec": spec}


def link_data(source: str, target: str) -> None:
    """Parquet files never change, so a link will do; anything else is copied."""
    if source.endswith(".parquet") or source.endswith(".blocks"):
        os.link(source, target)
    else:
        shutil.copy2(source, target)
