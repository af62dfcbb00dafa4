"""What the register of data uses shows: every activity and agreement, joined with how often it is used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from publica.governance.activities import Activity
from publica.governance.activities.model import BUILT_IN
from publica.governance.agreements import Agreement
from publica.kernel.records import Book, Record
from publica.kernel.records.types import valid_on
from publica.trust.transparency.flows import Flows, Sums
from publica.web.drawing import Link


@dataclass(frozen=True)
class Shared:
    """A column that an activity may use, and in what form each agreement lets it reach the recipient."""

    name: str
    title: str
    forms: tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """A dataset of an activity: its columns, the agreements by which it is shared, and its uses."""

    dataset: str
    title: str
    holder: str
    own: bool
    columns: tuple[Shared, ...]
    agreements: tuple[Record[Agreement], ...]
    sums: Sums


@dataclass(frozen=True)
class Row:
    """One line of the flow table; `place` is None for what every instance has built in."""

    link: Link
    dataset: str
    activity: str
    place: str | None
    agreements: tuple[str, ...]
    sums: Sums


def name_of(book: Book, kind: str, identity: str) -> str:
    """The title or name of a record; its id where there is none (any more)."""
    found = book.get(kind, identity)
    if found is None:
        return identity
    return str(getattr(found.spec, "title", None) or getattr(found.spec, "name", identity))


def called(book: Book, agreement: Record[Agreement]) -> str:
    """An agreement by its parties."""
    parties = (agreement.spec.holder, agreement.spec.recipient)
    return " → ".join(name_of(book, "organisation", party) for party in parties)


def column_of(book: Book, dataset: str, name: str) -> str:
    """How a column is called; its name where it has no other."""
    found = book.get("dataset", dataset)
    column = None if found is None else found.spec.column(name)
    return name if column is None else column.title or column.concept or name


def parts(book: Book, activity: Record[Activity], flows: Flows) -> list[Part]:
    """The datasets of an activity."""
    return [_part(book, activity, used.dataset, used.columns, flows) for used in activity.spec.datasets]


def _part(
    book: Book, activity: Record[Activity], dataset: str, columns: tuple[str, ...], flows: Flows
) -> Part:
    found = book.get("dataset", dataset)
    holder = "" if found is None else found.spec.holder
    agreements = agreements_for(book, activity.spec, dataset)
    return Part(
        dataset=dataset,
        title=name_of(book, "dataset", dataset),
        holder=name_of(book, "organisation", holder),
        own=holder == activity.spec.organisation,
        columns=tuple(_shared(name, column_of(book, dataset, name), dataset, agreements) for name in columns),
        agreements=agreements,
        sums=flows.datasets.get((dataset, activity.id), Sums()),
    )


def _shared(name: str, title: str, identity: str, agreements: tuple[Record[Agreement], ...]) -> Shared:
    forms = {
        shared.columns.get(name, "withheld")
        for agreement in agreements
        for shared in agreement.spec.datasets
        if shared.dataset == identity
    }
    return Shared(name, title, tuple(sorted(forms)))


def agreements_for(book: Book, activity: Activity, dataset: str) -> tuple[Record[Agreement], ...]:
    """The agreements by which a dataset reaches an activity: its recipient's, for its purpose."""
    return tuple(
        found
        for found in book.all("agreement")
        if found.spec.recipient == activity.organisation
        and activity.purpose in found.spec.purposes
        and any(shared.dataset == dataset for shared in found.spec.datasets)
    )


def activities_under(book: Book, agreement: Record[Agreement]) -> list[Record[Activity]]:
    """The activities that an agreement serves."""
    shared = {each.dataset for each in agreement.spec.datasets}
    return [
        found
        for found in book.all("activity")
        if found.spec.organisation == agreement.spec.recipient
        and found.spec.purpose in agreement.spec.purposes
        and not shared.isdisjoint(used.dataset for used in found.spec.datasets)
    ]


def in_force(record: Record[Any], day: date) -> bool:
    """Whether a record's validity covers a day."""
    return valid_on(record.spec, day)


def rows(book: Book, flows: Flows, built_in: dict[str, str]) -> list[Row]:
    """The flow table: what is registered, used or not, and what the ledger says was used, most used first.

    `built_in`: what the activities that every instance has are called.
    """
    registered = {(used.dataset, found.id) for found in book.all("activity") for used in found.spec.datasets}
    found = [_row(book, flows, built_in, *flow) for flow in sorted(registered | set(flows.datasets))]
    return sorted(found, key=lambda row: (-row.sums.uses, row.link.activity, row.link.dataset))


def _row(book: Book, flows: Flows, built_in: dict[str, str], dataset: str, activity: str) -> Row:
    record, held = book.get("activity", activity), book.get("dataset", dataset)
    sums = flows.datasets.get((dataset, activity), Sums())
    recipient = "" if record is None else name_of(book, "organisation", record.spec.organisation)
    link = Link(
        dataset=name_of(book, "dataset", dataset),
        holder="" if held is None else name_of(book, "organisation", held.spec.holder),
        activity=built_in.get(activity) or name_of(book, "activity", activity),
        recipient=recipient,
        uses=sums.uses,
    )
    agreements = () if record is None else tuple(a.id for a in agreements_for(book, record.spec, dataset))
    place = None if record is None or activity in BUILT_IN else f"/register/activities/{activity}"
    return Row(link, dataset, activity, place, agreements, sums)


def others(flows: Flows, book: Book) -> Iterator[tuple[str, Sums]]:
    """Activities that the ledger names and no record has: built in, or cited by mistake."""
    for activity, sums in sorted(flows.activities.items()):
        if book.get("activity", activity) is None:
            yield activity, sums
