"""One activity whose use meets every condition there is, and its records, to be broken one by one."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import states
import yaml
from sqlalchemy import select

from publica.gateway.door import Answer, Request
from publica.gateway.use import use
from publica.instance import Instance
from publica.instance.instance import KINDS
from publica.kernel.actor import Actor
from publica.kernel.errors import Refused
from publica.kernel.ledger.store import entries
from publica.kernel.records import Book, Spec

from . import records
from .world import OPERATOR, Rows, arrow, rows_of

Documents = dict[tuple[str, str], dict[str, Any]]

STAYS = {
    "title": "stays",
    "description": "Hospital stays",
    "holder": "registry",
    "access": "personal",
    "special_category": True,
    "columns": [
        {"name": "person_id", "type": "string", "role": "subject key"},
        {"name": "ward", "type": "string", "role": "dimension"},
    ],
}
CARE: dict[str, Any] = {
    "title": "Care",
    "organisation": "services",
    "purpose": "dpv:HealthCare",
    "basis": {"kind": "law", "law": "care-act", "objection": True},
    "datasets": [
        {"dataset": "population", "columns": ["person_id", "sex", "birth_date", "municipality"]},
        {"dataset": "stays", "columns": ["person_id", "ward"]},
    ],
    "roles": ["analyst"],
    "protection": "pseudonymous rows",
    "retention": "P1Y",
    "assessment": {"id": "dpia-1", "completed": "2025-01-01", "outcome": "approved"},
    "valid_from": "2025-01-01",
}
AGREEMENT: dict[str, Any] = {
    "holder": "registry",
    "recipient": "services",
    "purposes": ["dpv:HealthCare"],
    "datasets": [
        {
            "dataset": "population",
            "columns": {
                "person_id": "pseudonym", "sex": "as is", "birth_date": "year", "municipality": "as is",
                "name": "withheld",
            },
            "rows": [{"column": "municipality", "in": ["m1", "m2"]}],
        },
        {"dataset": "stays", "columns": {"person_id": "as is", "ward": "as is"}},
    ],
    "protection": "pseudonymous rows",
    "valid_from": "2025-01-01",
    "signatures": [
        {"official": "sam", "organisation": "registry", "date": "2025-01-01"},
        {"official": "ivo", "organisation": "services", "date": "2025-01-01"},
    ],
}  # fmt: skip
CARE_ACT = {"title": "Care Act", "eli": "eli/area/act/2024/2", "valid_from": "2024-01-01"}


def documents() -> Documents:
    """All records, by kind and id; each may be changed without harm."""
    made = {(each["kind"], each["id"]): deepcopy(each["spec"]) for each in records.documents()}
    made["dataset", "stays"] = deepcopy(STAYS)
    made["activity", "care"] = deepcopy(CARE)
    made["agreement", "registry-care"] = deepcopy(AGREEMENT)
    made["law", "care-act"] = dict(CARE_ACT)
    return made


def book(given: Mapping[tuple[str, str], Mapping[str, Any]]) -> Book:
    """A book of these records, made in memory."""
    models = {kind.name: kind.model for kind in KINDS}
    specs: dict[tuple[str, str], Spec] = {
        key: models[key[0]].model_validate(spec) for key, spec in given.items()
    }
    return Book(KINDS, {}).revised(specs, datetime(2026, 6, 1, tzinfo=UTC), "tester")


PEOPLE: Rows = [
    ("P-1", "Ann", "F", date(1980, 5, 5), "m1", 10, "a", 1.5),
    ("P-2", "Bob", "M", date(1990, 6, 6), "m1", 20, "b", 2.5),
    ("P-3", "Cyd", "F", date(2000, 7, 7), "m2", 30, "c", 3.5),
    ("P-4", "Dan", "M", date(1970, 8, 8), "m3", 40, "12", 4.5),
]


@cache
def _template(kind: str) -> Path:
    """The folder of an office as all are to begin with, which nobody has open."""
    root = Path(tempfile.mkdtemp(prefix="publica-office-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    state = None if kind == "sqlite" else states.server().url(states.server().create())
    office = Office(root, Instance.create(root / "office", "publica.test/office", state))
    office.apply(documents())
    office.load("population", PEOPLE)
    office.load("municipalities", [("m1", "Aaby", "north"), ("m2", "Beck", "north")])
    office.instance.close()
    return office.folder


def _copied(folder: Path) -> Instance:
    shutil.copytree(_template(states.Current.kind), folder, dirs_exist_ok=True)
    states.part(folder / "office")
    return Instance.open(folder / "office")


class Office:
    """An instance with these records and four people."""

    def __init__(self, folder: Path, instance: Instance | None = None) -> None:
        self.folder = folder
        self.instance = instance or _copied(folder)

    def apply(self, made: Mapping[tuple[str, str], Mapping[str, Any]]) -> None:
        file = self.folder / "given.yaml"
        items = [{"kind": kind, "id": name, "spec": dict(spec)} for (kind, name), spec in made.items()]
        file.write_text(yaml.safe_dump_all(items, sort_keys=False), "utf-8")
        self.instance.apply([file], OPERATOR)

    def load(self, dataset: str, rows: Rows) -> None:
        self.load_table(dataset, arrow(dataset, rows))

    def load_table(self, dataset: str, table: pa.Table) -> None:
        file = self.folder / f"{dataset}.parquet"
        pq.write_table(table, file)
        self.instance.load(dataset, [file], OPERATOR)

    @contextmanager
    def changed(self, kind: str, name: str, **fields: Any) -> Iterator[None]:
        """One record with other fields for a while (None: without the field)."""
        before = documents()[kind, name]
        after = {key: value for key, value in {**before, **fields}.items() if value is not None}
        self.apply({(kind, name): after})
        try:
            yield
        finally:
            self.apply({(kind, name): before})

    def answer(self, sql: str, activity: str = "care", actor: str = "ana", **params: Any) -> Answer:
        return use(self.instance.door, Request(Actor(actor, "operator", "tester"), activity, sql, params))

    def rows(self, sql: str, activity: str = "care", actor: str = "ana", **params: Any) -> Rows:
        """The rows of an answer, sorted."""
        return sorted(rows_of(self.answer(sql, activity, actor, **params).table()), key=repr)

    def missing(self, sql: str, activity: str = "care", actor: str = "ana", **params: Any) -> set[str]:
        """The clauses that a refusal names; a refusal has a receipt."""
        try:
            self.answer(sql, activity, actor, **params)
        except Refused as refused:
            assert refused.receipt
            return {clause.reason for clause in refused.decision.missing}
        raise AssertionError("it was answered")

    def entry(self, use_id: str) -> dict[str, Any]:
        """The ledger entry of a use."""
        with self.instance.db.read() as connection:
            bodies = connection.execute(select(entries.c.body).where(entries.c.kind == "receipt")).scalars()
            found = [entry for body in bodies if (entry := json.loads(body))["id"] == use_id]
        return dict(found[0])
