"""Small worlds: a real instance with people, and what each activity may see of them by the book."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import states
from pyroaring import BitMap
from sqlalchemy import select

from publica.data import store, subjects, versions
from publica.gateway.door import Request
from publica.gateway.use import use
from publica.instance import Instance
from publica.kernel.actor import Actor
from publica.kernel.errors import PublicaError, Refused
from publica.kernel.ledger.store import entries
from publica.trust.consent import actions as consent
from publica.trust.transparency import store as uses

from . import records

Rows = list[tuple[Any, ...]]
OPERATOR = Actor("operator", "operator", "tester")
CREATE = {"string": pa.string(), "integer": pa.int64(), "number": pa.float64(), "date": pa.date32()}
CHOICES = {"study": "grant", "wellbeing": "grant", "survey": "object", "watch": "object", "upkeep": "object"}


@dataclass
class People:
    """The rows of every dataset, in the order of its columns."""

    rows: dict[str, Rows]

    def ids(self) -> list[str]:
        """Everybody a row names."""
        found = {row[k] for name in self.rows for k in keys_of(name) for row in self.rows[name]}
        return sorted(found)


@dataclass(frozen=True)
class Receipt:
    """What a use left behind, opened: its entry without what is drawn anew each time, and the two sets."""

    entry: dict[str, Any]
    digest: str | None
    touched: frozenset[str] | None
    released: frozenset[str] | None
    exact: bool


@dataclass(frozen=True)
class Result:
    """What a use gave: an answer, a refusal's codes, or an error; and its receipt."""

    table: pa.Table | None
    missing: tuple[str, ...]
    error: str | None
    receipt: Receipt

    @property
    def rows(self) -> Rows:
        assert self.table is not None, (self.missing, self.error)
        return rows_of(self.table)


def rows_of(table: pa.Table) -> Rows:
    """The rows of an answer; its columns may have the same name."""
    columns = [column.to_pylist() for column in table.columns]
    return list(zip(*columns, strict=True))


def column_names(dataset: str) -> list[str]:
    return [column["name"] for column in records.DATASETS[dataset]["columns"]]


def keys_of(dataset: str) -> list[int]:
    """Which columns hold a person's key."""
    columns = records.DATASETS[dataset]["columns"]
    return [n for n, column in enumerate(columns) if column["role"] == "subject key"]


def arrow(dataset: str, rows: Rows) -> pa.Table:
    columns = records.DATASETS[dataset]["columns"]
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    types = [CREATE.get(column["type"], pa.decimal128(12, 2)) for column in columns]
    arrays = [pa.array(v, t) for v, t in zip(values, types, strict=True)]
    return pa.table(arrays, names=column_names(dataset))


@dataclass
class World:
    """One instance and the rows that were loaded into it. `chosen`: who granted or objected, by activity."""

    instance: Instance
    people: People
    chosen: dict[str, set[str]]
    position: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with self.instance.db.read() as connection:
            data = self.instance.folder / "data"
            self.position = subjects.positions(connection, data, self.people.ids())
        self.key = {position: key for key, position in self.position.items()}

    def allowed(self, activity: str) -> set[str]:
        """Whose data the activity may use, worked out from the choices alone."""
        right = records.TERMS[activity].right
        if right == "consent":
            return set(self.chosen[activity])
        objected = self.chosen[activity] if right == "objection" else set()
        return set(self.position) - objected

    def choose(self, person: str, activity: str, action: str) -> None:
        """One person's choice, recorded in the instance and here."""
        self.instance.choose(person, activity, action, OPERATOR)
        (self.chosen[activity].discard if action == "withdraw" else self.chosen[activity].add)(person)

    def ask(self, activity: str, sql: str, params: Mapping[str, Any] | None = None) -> Result:
        """Use the one door, and open the receipt."""
        actor = Actor(records.TERMS[activity].official, "operator", "tester")
        request = Request(actor, activity, sql, dict(params or {}))
        table: pa.Table | None = None
        missing: tuple[str, ...] = ()
        error: str | None = None
        try:
            table = use(self.instance.door, request).table()
        except Refused as refused:
            missing = tuple(clause.reason for clause in refused.decision.missing)
        except PublicaError as wrong:
            error = str(wrong)
        return Result(table, missing, error, self.last_receipt())

    def last_receipt(self) -> Receipt:
        instance = self.instance
        with instance.db.read() as connection:
            row = connection.execute(select(uses.uses).order_by(uses.uses.c.number.desc()).limit(1)).one()
            body = connection.execute(select(entries.c.body).where(entries.c.leaf == row.entry)).scalar_one()
            private = select(uses.privates.c.sealed).where(uses.privates.c.use == row.number)
            sealed = connection.execute(private).scalar_one()
            sets = {name: self._members(connection, getattr(row, name)) for name in ("touched", "released")}
        original = json.loads(instance.keys.unseal(sealed, b"original" + row.id.encode()))
        return Receipt(_lasting(json.loads(body)), original["digest"], **sets, exact=row.released_exact)

    def _members(self, connection: Any, number: int | None) -> frozenset[str] | None:
        """The persons of a stored set: as positions when small, else in chunks."""
        if number is None:
            return None
        row = connection.execute(select(uses.subject_sets).where(uses.subject_sets.c.number == number)).one()
        return frozenset(self.key[p] for p in opened(self.instance, connection, row))

    def publish(self, changed: Mapping[str, Rows]) -> None:
        """New versions of some datasets, written as a load writes them; keys and positions stay."""
        for dataset, rows in changed.items():
            publish(self, dataset, rows)

    def copy(self, folder: Path) -> World:
        """The same instance once more, in a folder of its own: same keys, choices and positions."""
        self.instance.db.rest()
        shutil.copytree(self.instance.folder, folder)
        states.part(folder)
        chosen = {activity: set(people) for activity, people in self.chosen.items()}
        return World(Instance.open(folder), People(dict(self.people.rows)), chosen)


def opened(instance: Instance, connection: Any, row: Any) -> list[int]:
    """The positions in a stored set."""
    if not row.large:
        plain = instance.keys.unseal(row.sealed, b"set" + row.token)[16:]
        return [int.from_bytes(plain[at : at + 4], "big") for at in range(0, len(plain), 4)]
    from publica.trust.transparency import sealing

    found = []
    where = uses.chunks.c.id == sealing.chunk_id(0, row.number)
    for chunk in connection.execute(select(uses.chunks.c.sealed).where(where)).scalars():
        bits = sealing.unpack(instance.keys, chunk, sealing.chunk_context(row.token, 0))
        found += [8 * n + bit for n, byte in enumerate(bits) for bit in range(8) if byte & (0x80 >> bit)]
    return found


DRAWN = ("id", "at", "nonce", "actor", "sql", "result")
"""Fields of a receipt's entry that differ each time, whatever the data: identity, time, what is salted."""


def _lasting(entry: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in entry.items() if name not in DRAWN}
    kept["datasets"] = [version.partition("@")[0] for version in entry["datasets"]]
    for name in ("touched", "released"):
        if entry.get(name) is not None:
            kept[name] = {field: value for field, value in entry[name].items() if field != "root"}
    return kept


def publish(world: World, dataset: str, rows: Rows) -> None:
    instance = world.instance
    data = instance.folder / "data"
    hidden = keys_of(dataset)
    if hidden:  # as a load orders them: by the first key's position, then as they came
        rows = sorted(rows, key=lambda row: world.position[row[hidden[0]]])
    table = arrow(dataset, rows)
    for n in hidden:
        positions = pa.array([world.position[row[n]] for row in rows], pa.uint32())
        table = table.append_column(f"__subject_{column_names(dataset)[n]}", positions)
    with instance.db.read() as connection:
        before = versions.current(connection, data, dataset)
    assert before is not None
    name = f"versions/{dataset}/test-{before.number + 1}.parquet"
    (data / name).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, data / name)
    digest = hashlib.sha256((data / name).read_bytes()).hexdigest()
    new = {"number": before.number + 1, "path": name, "rows": len(rows), "digest": digest}

    def work(change: Any) -> None:
        manifest = store.dataset_version
        old = select(manifest).where(manifest.c.dataset == dataset, manifest.c.number == before.number)
        row = dict(change.connection.execute(old).mappings().one())
        fields = {"dataset": dataset, "version": new["number"], "digest": digest}
        change.connection.execute(manifest.insert(), {**row, **new, "entry": change.enter("version", fields)})

    instance.db.write(work)
    world.people.rows[dataset] = rows


SHELF = Path("/dev/shm")


@contextmanager
def shelf() -> Iterator[Path]:
    """A temporary folder, in memory where the machine has such a place."""
    place = SHELF if SHELF.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="publica-test-", dir=place) as folder:
        yield Path(folder)


def build(folder: Path, seed: int, *, benign: bool = False) -> World:
    """An instance with the people of a seed, their choices made one by one and in bulk."""
    people, place = population_of(seed, benign=benign), folder / f"world-{seed}"
    instance = Instance.create(place, "publica.test/world", states.named(place))
    instance.apply([records.write(folder)], OPERATOR)
    for dataset, rows in people.rows.items():
        file = folder / f"{dataset}.parquet"
        pq.write_table(arrow(dataset, rows), file)
        instance.load(dataset, [file], OPERATOR)
    world = World(instance, people, {activity: set() for activity in records.TERMS})
    draw = random.Random(seed + 1000)
    for activity, action in CHOICES.items():
        share = 0.7 if action == "grant" else 0.25
        chosen = {key for key in sorted(world.position) if draw.random() < share}
        sets = {action: BitMap(world.position[key] for key in chosen)}
        consent.choose_many(instance.db, instance.keys, instance.book(), activity, sets, OPERATOR)
        world.chosen[activity] |= chosen
        for key in draw.sample(sorted(world.position), 4):
            world.choose(key, activity, draw.choice([action, "withdraw"]))
    return world


CODES = ("m1", "m2", "m3", "m12", "m9", "zz", None)
NOTES = ("12", "7", "-3", "a", "A", "a%b", "O'Neil", "", "zażółć", "2020-02-30", None)


def population_of(seed: int, *, benign: bool = False) -> People:
    """40 to 120 people, with repeated rows, missing values, people of one table only, and families.

    `benign`: nothing in their values makes a conversion or a calculation fail.
    """
    draw = random.Random(seed)
    ids = [f"P-{n:03}" for n in range((40, 80, 120)[seed % 3])]
    rows: dict[str, Rows] = {name: [] for name in records.DATASETS}
    for key in ids:
        for _ in range(draw.choice((0, 1, 1, 1, 1, 1, 1, 1, 2))):
            rows["population"].append(_person(key, draw, benign=benign))
        if draw.random() < 0.05 and rows["population"]:
            rows["population"].append(rows["population"][-1])
        for year in draw.sample((2021, 2022, 2023), draw.choice((0, 1, 1, 2, 2, 3))):
            amounts = (None, 5, 10, 20) if benign else (None, 0, 10, 10, 20, draw.randint(-5, 90))
            rows["incomes"].append((key, year, draw.choice(amounts)))
    for _ in range(len(ids) // 2):
        parent, child = draw.choice(ids), draw.choice(ids)
        kind = draw.choice(("parent", "parent", "foster", "guardian", None))
        rows["guardianships"].append((parent, child, kind, draw.choice((None, _day(draw)))))
    rows["municipalities"] = [
        ("m1", "Aaby", "north"), ("m2", "Beck", "north"), ("m3", "Cove", "south"), ("m12", "Dale", None),
        ("m9", "Aaby", "south"),
    ]  # fmt: skip
    for code in ("m1", "m2", "m12", "m9"):
        for year in (2022, 2023):
            rows["budgets"].append((code, year, draw.choice((None, "10.50", "99.99"))))
    rows["budgets"] = [
        (*row[:2], row[2] and pa.scalar(row[2]).cast(pa.decimal128(12, 2)).as_py()) for row in rows["budgets"]
    ]
    return People(rows)


def _person(key: str, draw: random.Random, *, benign: bool) -> tuple[Any, ...]:
    incomes = (None, 1, 10, 20, 20, 70) if benign else (None, 0, 10, 20, 20, 70, draw.randint(-50, 500))
    income, note = draw.choice(incomes), draw.choice(("1", "2", "7", "12") if benign else NOTES)
    score = draw.choice((None, 0.5, round(draw.random() * 100, 2)))
    birth = draw.choice((None, _day(draw), _day(draw), _day(draw)))
    sex, code = draw.choice(("F", "M", "F", "M", "X", None)), draw.choice(CODES)
    return key, f"Name {key}", sex, birth, code, income, note, score


def _day(draw: random.Random) -> date:
    return date(draw.randint(1930, 2019), draw.randint(1, 12), draw.randint(1, 28))


def about(row: Sequence[Any], dataset: str) -> Iterable[str]:
    """Whom a row names."""
    return (row[n] for n in keys_of(dataset))


__all__ = ["People", "Result", "Rows", "World", "build", "publish", "shelf"]
