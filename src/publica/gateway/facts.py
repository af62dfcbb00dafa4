"""Step 4: the facts a decision needs, gathered at one instant from one consistent set of records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from publica.data import subjects, versions
from publica.data.model import Version
from publica.gateway.moment import Moment
from publica.gateway.quota import Spent, spent_of
from publica.governance.activities.model import OPEN_ACCESS as OPEN_ACCESS
from publica.governance.activities.model import OWN_DATA as OWN_DATA
from publica.governance.activities.model import Activity
from publica.governance.agreements.model import Agreement, Transform
from publica.governance.agreements.rules import covers, missing_signatures, transform_of
from publica.governance.datasets.model import Dataset
from publica.governance.identity.rules import in_service, roles_of
from publica.governance.leadership.rules import accountable
from publica.governance.rules.model import Law
from publica.governance.rules.rules import in_force
from publica.kernel.records import Book, Record
from publica.trust.consent import notices

STRICTNESS = ("rows", "pseudonymous rows", "aggregates")
"""Protections, weakest first."""


@dataclass(frozen=True)
class Grant:
    """What one activity may get of one dataset, and on which ground."""

    dataset: Record[Dataset]
    agreement: Record[Agreement] | None
    agreement_in_force: bool
    unsigned: tuple[str, ...]
    transforms: Mapping[str, Transform]
    own: bool

    @property
    def id(self) -> str:
        return self.dataset.id

    @property
    def open(self) -> bool:
        return self.dataset.spec.access == "open"


@dataclass(frozen=True)
class Facts:
    """Everything step 5 looks at, and nothing else."""

    at: datetime
    actor: str
    official: Record[Any] | None
    roles: frozenset[str]
    activity_id: str
    activity: Record[Activity] | None
    law: Record[Law] | None
    law_in_force: bool
    reads: Mapping[str, frozenset[str]]
    grants: Mapping[str, Grant]
    around: Mapping[str, Grant]  # of every dataset of the activity, read or not
    versions: Mapping[str, Version]
    steward: Mapping[str, bool]
    spent: Mapping[str, Spent]
    counter: int
    generation: int
    size: int
    output: str
    citizen: bool = False  # who asks is a citizen, about themselves
    person: int | None = None  # that citizen's position; None when nothing is held about them

    @property
    def date(self) -> date:
        return self.at.date()

    @property
    def person_only(self) -> bool:
        """Whether of tables about people only the rows of who asks are read."""
        return self.activity_id == OWN_DATA


def grants(
    book: Book, activity: Record[Activity] | None, at: date, *, everything: bool = False
) -> dict[str, Grant]:
    """What the activity would get of every dataset, by dataset id. `everything`: all of it, as it is."""
    return {
        record.id: _grant(book, activity, record, at, everything=everything) for record in book.all("dataset")
    }


def agreements_of(granted: Mapping[str, Grant]) -> dict[str, Record[Agreement]]:
    """The agreements that a use rests on, by id."""
    found = [grant.agreement for grant in granted.values() if grant.agreement is not None]
    return {agreement.id: agreement for agreement in found}


def output_of(activity: Record[Activity] | None, granted: Mapping[str, Grant]) -> str:
    """The strictest protection that the activity and the agreements about its datasets ask for."""
    if activity is None:
        return STRICTNESS[0]
    shared = (granted[part.dataset].agreement for part in activity.spec.datasets if part.dataset in granted)
    asked = [activity.spec.protection, *(agreement.spec.protection for agreement in shared if agreement)]
    return str(max(asked, key=STRICTNESS.index))


def _grant(
    book: Book, activity: Record[Activity] | None, dataset: Record[Dataset], at: date, *, everything: bool
) -> Grant:
    recipient = activity.spec.organisation if activity else None
    own = recipient is not None and dataset.spec.holder == recipient
    agreement = None if own or activity is None else _agreement(book, activity, dataset, at)
    return Grant(
        dataset=dataset,
        agreement=agreement,
        agreement_in_force=agreement is not None and covers(agreement.spec, at),
        unsigned=tuple(missing_signatures(agreement.spec, at)) if agreement else (),
        transforms=_transforms(dataset, agreement, own=own or everything or dataset.spec.access == "open"),
        own=own,
    )


def _agreement(
    book: Book, activity: Record[Activity], dataset: Record[Dataset], at: date
) -> Record[Agreement] | None:
    """The agreement that serves the activity best: for its purpose, in force, signed; then by id.

    Purpose goes first so that a refusal names what is wrong with the agreement that was meant.
    """

    def serves(record: Record[Agreement]) -> tuple[bool, bool, bool]:
        spec = record.spec
        return (
            activity.spec.purpose not in spec.purposes,
            not covers(spec, at),
            bool(missing_signatures(spec, at)),
        )

    candidates = [
        record
        for record in book.all("agreement")
        if record.spec.holder == dataset.spec.holder
        and record.spec.recipient == activity.spec.organisation
        and any(part.dataset == dataset.id for part in record.spec.datasets)
    ]
    return min(candidates, key=serves, default=None)


def _transforms(
    dataset: Record[Dataset], agreement: Record[Agreement] | None, *, own: bool
) -> dict[str, Transform]:
    if own:
        return {column.name: Transform("as is") for column in dataset.spec.columns}
    if agreement is None:
        return {}
    found = {c.name: transform_of(agreement.spec, dataset.id, c.name) for c in dataset.spec.columns}
    return {name: transform for name, transform in found.items() if transform is not None}


def gather(
    moment: Moment,
    folder: Path,
    granted: Mapping[str, Grant],
    *,
    actor: str,
    activity_id: str,
    reads: Mapping[str, frozenset[str]],
    person: str | None = None,
    only: frozenset[str] | None = None,
) -> Facts:
    """The facts about one request; of the actor's roles, `only` those count.

    Reads the state database only for versions, and what limited agreements have left.
    """
    connection, book, at = moment.connection, moment.records, moment.at
    activity = book.get("activity", activity_id)
    notices.require_current(moment.terms, book, activity_id)
    law = book.get("law", activity.spec.basis.law) if activity and activity.spec.basis.law else None
    met = {dataset: granted[dataset] for dataset in reads}
    roles = _roles(book, activity, actor, at.date())
    return Facts(
        at=at,
        actor=actor,
        official=in_service(book, actor, at.date()),
        roles=roles if only is None else roles & only,
        activity_id=activity_id,
        activity=activity,
        law=law,
        law_in_force=law is not None and in_force(law.spec, at.date()),
        reads=reads,
        grants=met,
        around=_around(activity, granted),
        versions=_versions(connection, folder, reads),
        steward={dataset: accountable(book, dataset, at.date()) is not None for dataset in reads},
        spent={name: spent_of(connection, agreement, at) for name, agreement in agreements_of(met).items()},
        counter=moment.counter,
        generation=book.generation,
        size=moment.size,
        output=output_of(activity, granted),
        citizen=person is not None,
        person=None if person is None else subjects.position(connection, folder, person),
    )


def _around(activity: Record[Activity] | None, granted: Mapping[str, Grant]) -> dict[str, Grant]:
    uses = activity.spec.datasets if activity else ()
    return {part.dataset: granted[part.dataset] for part in uses if part.dataset in granted}


def _roles(book: Book, activity: Record[Activity] | None, actor: str, at: date) -> frozenset[str]:
    """The roles the actor holds at the organisation whose activity this is."""
    if activity is None:
        return frozenset()
    held = roles_of(book, actor, at)
    return frozenset(role.spec.role for role in held if role.spec.organisation == activity.spec.organisation)


def _versions(connection: Connection, folder: Path, datasets: Iterable[str]) -> dict[str, Version]:
    found = {dataset: versions.current(connection, folder, dataset) for dataset in datasets}
    return {dataset: version for dataset, version in found.items() if version is not None}
