"""What an activity's record must satisfy. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from publica.governance.activities.model import BUILT_IN, Activity, BasisKind
from publica.kernel.records import Book, Problem
from publica.kernel.records.model import Path
from publica.kernel.records.types import period_problems


def check_activity(activity_id: str, activity: Activity, book: Book) -> Iterator[Problem]:
    """Everything an activity must satisfy, given the other records."""
    if activity_id in BUILT_IN:
        yield Problem((), f"{activity_id} is an activity that every instance has.", "Choose another id.")
    yield from period_problems(activity)
    yield from _basis(activity)
    yield from repeated((use.dataset for use in activity.datasets), ("datasets",), "dataset")
    yield from repeated(activity.roles, ("roles",), "role")
    for position, use in enumerate(activity.datasets):
        at: Path = ("datasets", position, "columns")
        yield from repeated(use.columns, at, "column")
        for number, column in enumerate(use.columns):
            yield from unknown_column(book, use.dataset, column, (*at, number))


def _basis(activity: Activity) -> Iterator[Problem]:
    basis = activity.basis
    if basis.kind is BasisKind.LAW and basis.law is None:
        yield Problem(("basis",), "The basis is law, and no law is named.", "Name it under `law`.")
    if basis.kind is BasisKind.CONSENT and basis.law is not None:
        yield Problem(
            ("basis", "law"),
            "The basis is consent, and a law is named.",
            "Leave the law out, or make it the basis.",
        )
    if basis.kind is BasisKind.CONSENT and basis.objection:
        yield Problem(
            ("basis", "objection"),
            "Where consent is the basis, people withdraw it; there is nothing to object to.",
            "Leave `objection` out.",
        )


def unknown_column(book: Book, dataset: str, column: str, path: Path) -> Iterator[Problem]:
    """A column that is named must exist. Says nothing when the dataset itself does not."""
    found = book.get("dataset", dataset)
    if found is not None and found.spec.column(column) is None:
        yield Problem(
            path,
            f"The dataset {dataset} has no column {column}.",
            f"Name one of: {', '.join(known.name for known in found.spec.columns[:20])}.",
        )


def repeated(values: Iterable[str], path: Path, noun: str) -> Iterator[Problem]:
    """Nothing may be listed twice."""
    seen: set[str] = set()
    for position, value in enumerate(values):
        if value in seen:
            yield Problem(
                (*path, position), f"The {noun} {value} is listed twice.", "Leave one of the two out."
            )
        seen.add(value)
