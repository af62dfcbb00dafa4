"""A statistics office with data of its own, for tests that bring their own people."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from publica.gateway.door import Request
from publica.instance import Instance
from publica.kernel.actor import Actor

OPERATOR = Actor("operator", "operator", "tester")
STELLA = Actor("stella", "operator", "tester")
SINCE = {"valid_from": "2020-01-01"}
KEY = {"name": "person_id", "type": "string", "role": "subject key", "required": True}


class Office:
    """One instance: `table` registers and loads people, one activity for each; `ask` asks under it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.instance = Instance.create(folder / "office", "office.example/ledger")
        own = {"organisation": "statistics"}
        self._apply(
            _record("organisation", "statistics", name="Statistics office", type="public body"),
            _record("official", "stella", name="Stella", **own),
            _record("role", "stella-statistician", official="stella", role="statistician", **own, **SINCE),
            _record("role", "stella-steward", official="stella", role="steward", **own, **SINCE),
            _record("law", "statistics-act", title="Statistics act", eli="/eli/act/2020/1", **SINCE),
        )

    def table(
        self,
        name: str,
        columns: Mapping[str, tuple[str, str]],
        rows: Iterable[Sequence[Any]],
        also: Sequence[str] = (),
        **protection: Any,
    ) -> None:
        """`columns`: name → (role, type). Everybody has one row. `also`: further activities. `protection`: k,
        dominance, noise."""
        described = [{"name": n, "role": role, "type": kind} for n, (role, kind) in columns.items()]
        about = {"title": name, "description": "For tests.", "holder": "statistics", "access": "personal"}
        uses = [{"dataset": name, "columns": ["person_id", *columns]}]
        activities = (_activity(each, uses, protection) for each in (name, *also))
        self._apply(_record("dataset", name, **about, columns=[KEY, *described]), *activities)
        file = self.folder / f"{name}.csv"
        with file.open("w", encoding="utf-8", newline="") as target:
            writer = csv.writer(target)
            writer.writerow(["person_id", *columns])
            writer.writerows([f"P-{number:06d}", *row] for number, row in enumerate(rows))
        self.instance.load(name, [file], OPERATOR)

    def ask(self, activity: str, sql: str) -> list[tuple[Any, ...]]:
        answer = self.instance.use(Request(STELLA, activity, sql, {}))
        return [tuple(row.values()) for row in answer.table().to_pylist()]

    def _apply(self, *records: dict[str, Any]) -> None:
        file = self.folder / "records.yaml"
        file.write_text("\n---\n".join(json.dumps(record) for record in records), "utf-8")
        self.instance.apply([file], OPERATOR)


def _record(kind: str, of: str, /, **spec: Any) -> dict[str, Any]:
    return {"kind": kind, "id": of, "spec": spec}


def _activity(name: str, uses: Sequence[Mapping[str, Any]], protection: Mapping[str, Any]) -> dict[str, Any]:
    return _record(
        "activity",
        name,
        title=name,
        organisation="statistics",
        purpose="dpv:PublicBenefit",
        basis={"kind": "law", "law": "statistics-act", "objection": True},
        datasets=uses,
        roles=["statistician"],
        protection="aggregates",
        aggregates=protection or None,
        retention="P1Y",
        **SINCE,
    )
