"""Who answers for a dataset on a day, and who decides about changes of records. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from publica.governance.identity.model import OrganisationType, RoleAssignment, RoleName
from publica.governance.identity.rules import in_service, roles_of
from publica.governance.leadership.model import Accountable, Proposal, Vacancy
from publica.kernel.actor import Actor
from publica.kernel.decision import Clause, Decision
from publica.kernel.records import Book, Record
from publica.kernel.records.types import valid_on


def accountable(book: Book, dataset_id: str, at: date) -> Accountable | None:
    """The steward who answers for a dataset on a day.

    Who has left goes last. One appointed for the dataset goes before one for all of its holder's; then who
    was appointed first.
    """
    serving = [role for role in _stewards(book, dataset_id) if valid_on(role.spec, at)]
    if not serving:
        return None
    role = min(serving, key=lambda role: _rank(book, role, at))
    official = book.get("official", role.spec.official)
    return Accountable(official, role) if official is not None else None


def _rank(book: Book, role: Record[RoleAssignment], at: date) -> tuple[bool, bool, date, str]:
    left = in_service(book, role.spec.official, at) is None
    return left, not role.spec.datasets, role.spec.valid_from, role.id


def stewards(book: Book, dataset_id: str, at: date) -> frozenset[str]:
    """The officials who are stewards of a dataset on a day, whoever of them answers for it first.

    Who has left is none any more, even if their role was not ended.
    """
    held = {role.spec.official for role in _stewards(book, dataset_id) if valid_on(role.spec, at)}
    return frozenset(name for name in held if in_service(book, name, at) is not None)


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


def may_accept(
    book: Book, proposal: Proposal, new: Mapping[tuple[str, str], Any], actor: Actor, at: date
) -> Decision:
    """Whether an official may accept a proposal: a chief data officer of a public body, another one than the
    proposer, and none whom the changes (`new`: specs by kind and id) are about."""
    own = any(_is_about(book, key, spec, actor.id) for key, spec in new.items())
    params = {"actor": actor.id}
    return Decision(
        (
            Clause("proposal-chief", may_decide(book, actor, at), params),
            Clause("proposal-another", actor.id != proposal.by.id, params),
            Clause("proposal-not-own", not own, params),
        )
    )


def may_decline(book: Book, proposal: Proposal, actor: Actor, at: date) -> Decision:
    """Whether an official may decline a proposal: whoever may decide, and the proposer."""
    may = actor.id == proposal.by.id or may_decide(book, actor, at)
    return Decision((Clause("proposal-chief", may, {"actor": actor.id}),))


def decides(book: Book, official: str, at: date) -> bool:
    """Whether an official is chief data officer of a public body on a day."""
    return _of_public_body(book, official, at, (RoleName.CHIEF_DATA_OFFICER,))


def may_decide(book: Book, actor: Actor, at: date) -> bool:
    """Whether they do so now, with the roles that count."""
    return actor.counts(RoleName.CHIEF_DATA_OFFICER) and decides(book, actor.id, at)


def may_oversee(book: Book, actor: Actor, at: date) -> Decision:
    """Whether an official sees what concerns everybody: chief data officers and auditors of public bodies."""
    roles = tuple(r for r in (RoleName.CHIEF_DATA_OFFICER, RoleName.AUDITOR) if actor.counts(r))
    oversees = _of_public_body(book, actor.id, at, roles)
    return Decision((Clause("oversight-office", oversees, {"actor": actor.id}),))


def _of_public_body(book: Book, official: str, at: date, names: tuple[RoleName, ...]) -> bool:
    if in_service(book, official, at) is None:
        return False
    held = (role for role in roles_of(book, official, at) if role.spec.role in names)
    bodies = (book.get("organisation", role.spec.organisation) for role in held)
    return any(body is not None and body.spec.type is OrganisationType.PUBLIC_BODY for body in bodies)


def _is_about(book: Book, key: tuple[str, str], spec: Any, official: str) -> bool:
    """Whether a record says who an official is or what they may do, as it is or as it would be."""
    if key[0] != "role":
        return key == ("official", official)
    before = book.get(*key)
    return official in (spec.official, before.spec.official if before is not None else None)


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
