"""What is missing in the records, and what is about to end: found in the records themselves. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from publica.governance.agreements.rules import covers, missing_signatures
from publica.governance.identity.rules import in_service
from publica.governance.leadership.rules import accountable, decides, vacancy
from publica.kernel.records import Book, Record
from publica.kernel.records.types import valid_on


class HoleKind(StrEnum):
    """What may be missing."""

    NO_STEWARD = "no steward"
    STEWARD_LEFT = "steward left"
    NO_CHIEF = "no chief data officer"
    NO_AGREEMENT = "no agreement"
    NOT_SIGNED = "not signed"
    AGREEMENT_OVER = "agreement over"
    LAW_OVER = "law over"
    NO_ASSESSMENT = "no assessment"


STOPS: dict[HoleKind, bool] = {
    HoleKind.NO_STEWARD: True,
    HoleKind.STEWARD_LEFT: False,
    HoleKind.NO_CHIEF: False,
    HoleKind.NO_AGREEMENT: True,
    HoleKind.NOT_SIGNED: True,
    HoleKind.AGREEMENT_OVER: True,
    HoleKind.LAW_OVER: True,
    HoleKind.NO_ASSESSMENT: True,
}
"""Whether data cannot be used because of it: every kind."""


@dataclass(frozen=True)
class Hole:
    """One hole: its kind, the record it is in, the record that is concerned by it, and more words about it.

    `stops`: no data flows through it; otherwise it only leaves something without anybody who answers.
    """

    kind: HoleKind
    record: str
    concerns: str = ""
    detail: str = ""

    @property
    def stops(self) -> bool:
        return STOPS[self.kind]


@dataclass(frozen=True)
class Ending:
    """A record that ends soon: its last day, and the activities that it carries."""

    record: Record[Any]
    last: date
    carries: tuple[str, ...]


def holes(book: Book, at: date) -> tuple[Hole, ...]:
    """Every hole in accountability on a day, by kind."""
    return (*_unanswered(book, at), *_chiefless(book, at), *_flows(book, at))


def _unanswered(book: Book, at: date) -> Iterator[Hole]:
    for dataset in book.all("dataset"):
        found, why = accountable(book, dataset.id, at), vacancy(book, dataset.id, at)
        if found is None:
            yield Hole(HoleKind.NO_STEWARD, dataset.name, f"organisation:{dataset.spec.holder}", str(why))
        elif in_service(book, found.official.id, at) is None:
            yield Hole(HoleKind.STEWARD_LEFT, dataset.name, found.official.name)


def _chiefless(book: Book, at: date) -> Iterator[Hole]:
    if book.all("organisation") and not any(
        decides(book, role.spec.official, at) for role in book.all("role")
    ):
        yield Hole(HoleKind.NO_CHIEF, "")


def _flows(book: Book, at: date) -> Iterator[Hole]:
    """Activities in force that cannot get what they name."""
    for activity in book.all("activity"):
        if not valid_on(activity.spec, at):
            continue
        law = None if activity.spec.basis.law is None else book.get("law", activity.spec.basis.law)
        if law is not None and not valid_on(law.spec, at):
            yield Hole(HoleKind.LAW_OVER, activity.name, law.name, str(law.spec.valid_to or ""))
        for part in activity.spec.datasets:
            dataset = book.get("dataset", part.dataset)
            if dataset is not None and dataset.spec.access != "open":
                yield from _flow(book, activity, dataset, at)


def _flow(book: Book, activity: Record[Any], dataset: Record[Any], at: date) -> Iterator[Hole]:
    spec, assessment = activity.spec, activity.spec.assessment
    if dataset.spec.special_category and (assessment is None or assessment.outcome != "approved"):
        yield Hole(HoleKind.NO_ASSESSMENT, activity.name, dataset.name)
    if dataset.spec.holder == spec.organisation:
        return
    found = [
        agreement
        for agreement in book.referring("dataset", dataset.id, by="agreement")
        if (agreement.spec.holder, agreement.spec.recipient) == (dataset.spec.holder, spec.organisation)
        and spec.purpose in agreement.spec.purposes
    ]
    if not found:
        yield Hole(HoleKind.NO_AGREEMENT, activity.name, dataset.name)
        return
    current = [agreement for agreement in found if covers(agreement.spec, at)]
    if not current:
        last = max(found, key=lambda agreement: agreement.spec.valid_to or at)
        yield Hole(HoleKind.AGREEMENT_OVER, last.name, activity.name, str(last.spec.valid_to or ""))
    elif all(missing_signatures(agreement.spec, at) for agreement in current):
        missing = ", ".join(missing_signatures(current[0].spec, at))
        yield Hole(HoleKind.NOT_SIGNED, current[0].name, activity.name, missing)


ENDING = ("agreement", "activity", "law", "role")
"""Kinds of record whose end takes something with it."""


def ending(book: Book, at: date, days: int | None = None) -> tuple[Ending, ...]:
    """The records in force that end within so many days (None: ever), the first to end first."""
    horizon = date.max if days is None else at + timedelta(days=days)
    found = [
        Ending(record, record.spec.valid_to, _carried(book, record))
        for kind in ENDING
        for record in book.all(kind)
        if record.spec.valid_to is not None and at <= record.spec.valid_to <= horizon
    ]
    return tuple(sorted(found, key=lambda each: (each.last, each.record.name)))


def _carried(book: Book, record: Record[Any]) -> tuple[str, ...]:
    """The activities that rest on a record."""
    if record.kind == "law":
        return tuple(each.id for each in book.referring("law", record.id, by="activity"))
    if record.kind != "agreement":
        return ()
    shared = {part.dataset for part in record.spec.datasets}
    return tuple(
        activity.id
        for activity in book.all("activity")
        if activity.spec.organisation == record.spec.recipient
        and activity.spec.purpose in record.spec.purposes
        and shared & {part.dataset for part in activity.spec.datasets}
    )
