"""Who works where, and holds which role on which day. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from publica.governance.identity.model import Official, RoleAssignment, RoleName
from publica.kernel.actor import OPERATOR
from publica.kernel.records import Book, Problem, Record
from publica.kernel.records.types import period_problems, valid_on


def official(book: Book, official_id: str) -> Record[Official] | None:
    """The official of that id, or None."""
    return book.get("official", official_id)


def roles_of(book: Book, official_id: str, at: date) -> tuple[Record[RoleAssignment], ...]:
    """The roles that an official holds on a day."""
    assignments = book.referring("official", official_id, by="role")
    return tuple(role for role in assignments if valid_on(role.spec, at))


def worked_for(book: Book, official_id: str, organisation: str, at: date) -> bool:
    """Whether an official belongs to an organisation now, or held a role there on a day."""
    found = official(book, official_id)
    if found is not None and found.spec.organisation == organisation:
        return True
    return any(role.spec.organisation == organisation for role in roles_of(book, official_id, at))


def check_official(official_id: str, _official: Official, _book: Book) -> Iterator[Problem]:
    """`operator` is the local shell itself, acting for nobody."""
    if official_id == OPERATOR:
        yield Problem((), f"{OPERATOR} is not an official but the local shell.", "Choose another id.")


def check_role(_id: str, role: RoleAssignment, book: Book) -> Iterator[Problem]:
    """Only stewards answer for single datasets, and only for those that their organisation holds."""
    yield from period_problems(role)
    if role.datasets and role.role is not RoleName.STEWARD:
        yield Problem(
            ("datasets",),
            f"Only a steward answers for single datasets, and this is the role of {role.role}.",
            "Leave the datasets out.",
        )
    for position, dataset in enumerate(role.datasets):
        found = book.get("dataset", dataset)
        if found is not None and found.spec.holder != role.organisation:
            yield Problem(
                ("datasets", position),
                f"The dataset {dataset} is held by {found.spec.holder}, not by {role.organisation}.",
                "Leave it out, or correct the organisation.",
            )
