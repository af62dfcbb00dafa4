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


def in_service(book: Book, official_id: str, at: date) -> Record[Official] | None:
    """The official of that id, unless there is none or they have left before that day."""
    found = official(book, official_id)
    left = found is not None and found.spec.valid_to is not None and found.spec.valid_to < at
    return None if left else found


def roles_at_home(book: Book, official_id: str, at: date) -> frozenset[str]:
    """The names of the roles that an official holds on a day at the organisation they belong to."""
    found = in_service(book, official_id, at)
    if found is None:
        return frozenset()
    own = found.spec.organisation
    held = (role.spec for role in roles_of(book, official_id, at))
    return frozenset(role.role for role in held if role.organisation == own)


def may_end_tokens_of(book: Book, actor_id: str, holder: str, at: date) -> bool:
    """Whether somebody may see and revoke an official's tokens: their own, or as their chief data officer."""
    if actor_id in (OPERATOR, holder):
        return True
    mine, theirs = in_service(book, actor_id, at), official(book, holder)
    same = mine is not None and theirs is not None and mine.spec.organisation == theirs.spec.organisation
    return same and RoleName.CHIEF_DATA_OFFICER in roles_at_home(book, actor_id, at)


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
