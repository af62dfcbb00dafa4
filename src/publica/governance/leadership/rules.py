"""Who answers for a dataset on a day. Pure."""

from __future__ import annotations

from datetime import date

from publica.governance.identity.model import RoleAssignment, RoleName
from publica.governance.leadership.model import Accountable, Vacancy
from publica.kernel.records import Book, Record
from publica.kernel.records.types import valid_on


def accountable(book: Book, dataset_id: str, at: date) -> Accountable | None:
    """The steward who answers for a dataset on a day.

    One appointed for the dataset goes before one for all of its holder's; then who was appointed first.
    """
    serving = [role for role in _stewards(book, dataset_id) if valid_on(role.spec, at)]
    if not serving:
        return None
    role = min(serving, key=lambda role: (not role.spec.datasets, role.spec.valid_from, role.id))
    official = book.get("official", role.spec.official)
    return Accountable(official, role) if official is not None else None


def stewards(book: Book, dataset_id: str, at: date) -> frozenset[str]:
    """The officials who are stewards of a dataset on a day, whoever of them answers for it first."""
    return frozenset(role.spec.official for role in _stewards(book, dataset_id) if valid_on(role.spec, at))


def vacancy(book: Book, dataset_id: str, at: date) -> Vacancy | None:
    """Why nobody answers for a dataset on a day; None when somebody does."""
    if accountable(book, dataset_id, at) is not None:
        return None
    if book.get("dataset", dataset_id) is None:
        return Vacancy.NO_DATASET
    stewards = _stewards(book, dataset_id)
    if not stewards:
        return Vacancy.NEVER_APPOINTED
    return Vacancy.NOT_YET if any(role.spec.valid_from > at for role in stewards) else Vacancy.ENDED


def _stewards(book: Book, dataset_id: str) -> list[Record[RoleAssignment]]:
    """Every steward role for a dataset, whatever its days."""
    dataset = book.get("dataset", dataset_id)
    if dataset is None:
        return []
    return [
        role
        for role in book.referring("organisation", dataset.spec.holder, by="role")
        if role.spec.role is RoleName.STEWARD and (not role.spec.datasets or dataset_id in role.spec.datasets)
    ]
