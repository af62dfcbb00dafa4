"""What an activity lets its people see: datasets and columns, in what form, and why not the others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from publica.gateway.facts import Grant, grants, output_of
from publica.governance.activities.model import OPEN_ACCESS
from publica.http.caller import Caller
from publica.kernel.records import Book, Record
from publica.kernel.records.types import valid_on
from publica.web.words import mark

OPEN = mark("Open data")
FORMS = {
    "as is": mark("as it is"),
    "year": mark("the year only"),
    "age band": mark("the age band only"),
    "region prefix": mark("the first characters only"),
    "pseudonym": mark("as a pseudonym"),
    "withheld": mark("withheld by the holder"),
    "not named": mark("not in the agreement"),
    "not declared": mark("not in the activity"),
    "no agreement": mark("no agreement"),
}
"""In which form a column comes through; the last four do not."""
THROUGH = frozenset({"as is", "year", "age band", "region prefix", "pseudonym"})
SENSITIVITY = {
    "low": mark("low"),
    "personal": mark("personal"),
    "special": mark("special"),
    None: mark("not stated"),
}
TYPES = {
    "string": mark("text"),
    "integer": mark("whole number"),
    "decimal": mark("decimal number"),
    "number": mark("number"),
    "boolean": mark("yes or no"),
    "date": mark("day"),
    "timestamp": mark("moment"),
}
PROTECTIONS = {
    "rows": mark("rows"),
    "pseudonymous rows": mark("rows without names"),
    "aggregates": mark("totals only"),
}


@dataclass(frozen=True)
class ColumnShown:
    """One column: what it means, and in which form it comes through (a key of `FORMS`)."""

    name: str
    meaning: str
    type: str
    unit: str | None
    sensitivity: str
    form: str
    passes: bool
    role: str


@dataclass(frozen=True)
class DatasetShown:
    """One dataset as an activity sees it. `open`: everybody may read it."""

    id: str
    title: str
    holder: str
    open: bool
    agreement: str | None
    columns: tuple[ColumnShown, ...]

    @property
    def passing(self) -> int:
        return sum(column.passes for column in self.columns)


@dataclass(frozen=True)
class Allowed:
    """What an activity allows. `activity` is None for open access."""

    id: str
    activity: Record[Any] | None
    law: Record[Any] | None
    protection: str
    datasets: tuple[DatasetShown, ...]


def choices(book: Book, caller: Caller, at: date) -> tuple[tuple[str, str], ...]:
    """The activities that somebody may cite, by id and title; open access is the last."""
    mine = [
        (record.id, record.spec.title)
        for record in book.all("activity")
        if record.spec.organisation == caller.organisation
        and not caller.roles.isdisjoint(record.spec.roles)
        and valid_on(record.spec, at)
        and caller.may_cite(record.id)
    ]
    return (*mine, (OPEN_ACCESS, OPEN))


def allowed(book: Book, name: str, at: date) -> Allowed:
    """What an activity allows: its own datasets first, then open ones."""
    activity = book.get("activity", name)
    granted = grants(book, activity, at)
    named = {part.dataset: frozenset(part.columns) for part in activity.spec.datasets} if activity else {}
    first = [granted[dataset] for dataset in named if dataset in granted]
    rest = [grant for grant in granted.values() if grant.open and grant.id not in named]
    return Allowed(
        id=name,
        activity=activity,
        law=_law(book, activity),
        protection=output_of(activity, granted) if activity else "open",
        datasets=tuple(_dataset(book, grant, named.get(grant.id)) for grant in (*first, *rest)),
    )


def starter(found: Allowed) -> str:
    """A first question: a mean of the activity's data, or a number of rows, by something to group by.

    Where the activity reads data of which nothing comes through, the question is for that: its refusal says
    what is missing, and who can supply it.
    """
    own = [dataset for dataset in found.datasets if not dataset.open]
    for dataset in own:
        by, measure = _first(dataset, "dimension", "time"), _first(dataset, "measure")
        if by and measure:
            return _grouped(dataset, by, f"count(*) AS number, avg({measure}) AS mean")
    if own and not any(dataset.passing for dataset in own):
        declared = [each.name for each in own[0].columns if each.form != "not declared"]
        return f"SELECT {', '.join(declared)}\nFROM {own[0].id}"
    for dataset in found.datasets:
        if by := _first(dataset, "dimension"):
            return _grouped(dataset, by, "count(*) AS number")
    return ""


def _first(dataset: DatasetShown, *roles: str) -> str | None:
    """The first column of such a role that comes through."""
    return next((each.name for each in dataset.columns if each.passes and each.role in roles), None)


def _grouped(dataset: DatasetShown, by: str, figures: str) -> str:
    return f"SELECT {by}, {figures}\nFROM {dataset.id}\nGROUP BY {by}\nORDER BY {by}"


def _law(book: Book, activity: Record[Any] | None) -> Record[Any] | None:
    law = None if activity is None else activity.spec.basis.law
    return None if law is None else book.get("law", law)


def _dataset(book: Book, grant: Grant, declared: frozenset[str] | None) -> DatasetShown:
    spec = grant.dataset.spec
    holder = book.get("organisation", spec.holder)
    return DatasetShown(
        id=grant.id,
        title=spec.title,
        holder=spec.holder if holder is None else holder.spec.name,
        open=grant.open,
        agreement=None if grant.agreement is None else grant.agreement.id,
        columns=tuple(_column(grant, column, declared) for column in spec.columns),
    )


def _column(grant: Grant, column: Any, declared: frozenset[str] | None) -> ColumnShown:
    form = _form(grant, column.name, declared)
    return ColumnShown(
        name=column.name,
        meaning=column.title or column.concept or column.name.replace("_", " "),
        type=TYPES[str(column.type)],
        unit=column.unit,
        sensitivity=SENSITIVITY[None if column.sensitivity is None else str(column.sensitivity)],
        form=form,
        passes=form in THROUGH,
        role=str(column.role),
    )


def _form(grant: Grant, column: str, declared: frozenset[str] | None) -> str:
    if grant.open:
        return "as is"
    if declared is None or column not in declared:
        return "not declared"
    if not grant.own and grant.agreement is None:
        return "no agreement"
    transform = grant.transforms.get(column)
    return "not named" if transform is None else transform.kind
