"""A bureau that asks about another's people, some of whom have several visits: for tests of the history."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from publica.gateway.door import Request
from publica.kernel.actor import Actor
from publica.kernel.errors import Refused
from publica.trust.privacy import store

from .office import KEY, OPERATOR, SINCE, Office, _record

ANA = Actor("ana", "operator", "tester")
PEOPLE = {"town": ("dimension", "string"), "area": ("attribute", "string"), "income": ("measure", "integer")}
VISITS = {"kind": ("dimension", "string"), "place": ("dimension", "string"), "cost": ("measure", "integer")}


class Lent(Office):
    """Two activities of the bureau, `noisy` and `exact` (without noise), under one agreement."""

    def __init__(
        self, folder: Path, people: Iterable[Sequence[Any]], visits: Iterable[Sequence[Any]] = ()
    ) -> None:
        super().__init__(folder)
        self.transforms: dict[str, str] = {}
        self.volume: int | None = None
        self._apply(
            *(
                _record("organisation", name, name=name, type="public body")
                for name in ("registry", "bureau")
            ),
            *_officials(("sam", "registry", "steward"), ("ana", "bureau", "analyst")),
            *(_dataset(name, columns) for name, columns in (("people", PEOPLE), ("visits", VISITS))),
        )
        self.amend()
        self.aggregates("noisy")
        self.aggregates("exact", noise=0, dominance=0.9)
        for name, columns, rows in (("people", PEOPLE, people), ("visits", VISITS, visits)):
            file = folder / f"{name}.csv"
            with file.open("w", encoding="utf-8", newline="") as target:
                csv.writer(target).writerows([["person_id", *columns], *rows])
            self.instance.load(name, [file], OPERATOR)

    def amend(self, volume: int | None = None, **transforms: str) -> None:
        """The agreement anew: what becomes of columns, and how many rows may come out."""
        columns = ({"person_id": "as is", **dict.fromkeys(all_, "as is")} for all_ in (PEOPLE, VISITS))
        people, visits = columns
        signatures = (("sam", "registry"), ("ana", "bureau"))
        self._apply(
            _record(
                "agreement",
                "lending",
                holder="registry",
                recipient="bureau",
                purposes=["dpv:PublicBenefit"],
                datasets=[
                    {"dataset": "people", "columns": {**people, "area": "region prefix 2", **transforms}},
                    {"dataset": "visits", "columns": visits},
                ],
                protection="aggregates",
                signatures=[{"official": o, "organisation": g, "date": "2020-01-01"} for o, g in signatures],
                **({} if volume is None else {"volume": volume}),
                **SINCE,
            )
        )

    def aggregates(self, activity: str, **protection: Any) -> None:
        """The activity anew, with these parameters."""
        self._apply(
            _record(
                "activity",
                activity,
                title=activity,
                organisation="bureau",
                purpose="dpv:PublicBenefit",
                basis={"kind": "law", "law": "statistics-act", "objection": True},
                datasets=[
                    {"dataset": name, "columns": ["person_id", *columns]}
                    for name, columns in (("people", PEOPLE), ("visits", VISITS))
                ],
                roles=["analyst"],
                protection="aggregates",
                aggregates=protection or None,
                retention="P1Y",
                **SINCE,
            )
        )

    def ask(self, activity: str, sql: str) -> list[tuple[Any, ...]]:
        answer = self.instance.use(Request(ANA, activity, sql, {}))
        return [tuple(row.values()) for row in answer.table().to_pylist()]

    def refusal(self, activity: str, sql: str) -> str:
        """The reason why a question is refused; "" when it is not."""
        try:
            self.ask(activity, sql)
        except Refused as refused:
            return refused.decision.missing[0].reason
        return ""

    def object(self, activity: str, keys: Iterable[str]) -> None:
        for key in keys:
            self.instance.choose(key, activity, "object", OPERATOR)

    @property
    def remembered(self) -> int:
        """How many cells the history knows."""
        with self.instance.db.read() as connection:
            return connection.execute(select(func.count()).select_from(store.released)).scalar_one()


def _officials(*those: tuple[str, str, str]) -> Iterable[dict[str, Any]]:
    for name, organisation, role in those:
        own = {"organisation": organisation}
        yield _record("official", name, name=name, **own)
        yield _record("role", f"{name}-{role}", official=name, role=role, **own, **SINCE)


def _dataset(name: str, columns: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    described = [{"name": column, "role": role, "type": kind} for column, (role, kind) in columns.items()]
    about = {"title": name, "description": "For tests.", "holder": "registry", "access": "personal"}
    return _record("dataset", name, **about, columns=[KEY, *described])
