"""What an agreement lets through, and what its record must satisfy. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from publica.data.model import ColumnType
from publica.governance.activities.rules import repeated, unknown_column
from publica.governance.agreements.model import (
    Agreement,
    RowScope,
    SharedDataset,
    Signature,
    Transform,
    parse_transform,
)
from publica.governance.datasets.model import Column, ColumnRole
from publica.governance.identity.rules import worked_for
from publica.kernel.records import Book, Problem
from publica.kernel.records.types import period_problems, valid_on


def covers(agreement: Agreement, at: date) -> bool:
    """Whether an agreement is in force on a day."""
    return valid_on(agreement, at)


def transform_of(agreement: Agreement, dataset: str, column: str) -> Transform | None:
    """What becomes of a column; None when the agreement does not name it: it stays behind."""
    shared = _shared(agreement, dataset)
    text = shared.columns.get(column) if shared is not None else None
    return parse_transform(text) if text is not None else None


def row_scope(agreement: Agreement, dataset: str) -> tuple[RowScope, ...]:
    """The conditions that a dataset's row must all meet; none when every row is shared."""
    shared = _shared(agreement, dataset)
    return shared.rows if shared is not None else ()


def missing_signatures(agreement: Agreement, at: date) -> tuple[str, ...]:
    """The organisations that have not signed by a day: holder first."""
    signed = {signature.organisation for signature in agreement.signatures if signature.date <= at}
    return tuple(party for party in (agreement.holder, agreement.recipient) if party not in signed)


def signed_by_both(agreement: Agreement, book: Book, at: date | None = None) -> bool:
    """Whether both parties have signed (by a day, if one is given) through officials of theirs."""
    signed = {
        signature.organisation
        for signature in agreement.signatures
        if (at is None or signature.date <= at)
        and worked_for(book, signature.official, signature.organisation, signature.date)
    }
    return {agreement.holder, agreement.recipient} <= signed


def legal(transform: Transform, column: Column) -> bool:
    """Whether a transform makes sense for a column. A subject key passes whole, opaque or not at all."""
    if column.role is ColumnRole.SUBJECT_KEY:
        return transform.kind in WHOLE
    match transform.kind:
        case "year" | "age band":
            return column.type is ColumnType.DATE
        case "region prefix":
            return column.type is ColumnType.STRING
        case "pseudonym":
            return column.role in (ColumnRole.KEY, ColumnRole.SUBJECT_KEY)
        case "as is" | "withheld":
            return True


WHOLE = ("as is", "pseudonym", "withheld")
"""Transforms that do not pass on a part of a value."""
_NEEDS = {
    "year": "a date",
    "age band": "a date",
    "region prefix": "text",
    "pseudonym": "a key or subject key",
}


def check_agreement(_id: str, agreement: Agreement, book: Book) -> Iterator[Problem]:
    """Everything an agreement must satisfy, given the other records."""
    yield from period_problems(agreement)
    if agreement.holder == agreement.recipient:
        yield Problem(
            ("recipient",),
            "Holder and recipient are the same organisation, which needs no agreement with itself.",
            "Name another recipient.",
        )
    yield from repeated(agreement.purposes, ("purposes",), "purpose")
    yield from repeated((shared.dataset for shared in agreement.datasets), ("datasets",), "dataset")
    for position, shared in enumerate(agreement.datasets):
        yield from _dataset(agreement, shared, position, book)
    yield from _signatures(agreement, book)


def _dataset(agreement: Agreement, shared: SharedDataset, position: int, book: Book) -> Iterator[Problem]:
    found = book.get("dataset", shared.dataset)
    if found is None:
        return
    if found.spec.holder != agreement.holder:
        yield Problem(
            ("datasets", position, "dataset"),
            f"The dataset {shared.dataset} is held by {found.spec.holder}, not by {agreement.holder}.",
            "Leave it out; its holder can sign an agreement of its own.",
        )
    for name, text in shared.columns.items():
        yield from unknown_column(book, shared.dataset, name, ("datasets", position, "columns", name))
        column = found.spec.column(name)
        if column is not None:
            yield from _transform(agreement, shared.dataset, column, parse_transform(text), position)
    for number, scope in enumerate(shared.rows):
        at = ("datasets", position, "rows", number, "column")
        yield from unknown_column(book, shared.dataset, scope.column, at)


def _transform(
    agreement: Agreement, dataset: str, column: Column, transform: Transform, position: int
) -> Iterator[Problem]:
    """A transform must suit its column, and leave nothing of who a person is where rows are pseudonymous."""
    at = ("datasets", position, "columns", column.name)
    named = column.role is ColumnRole.DIRECT and agreement.protection == "pseudonymous rows"
    if column.role is ColumnRole.SUBJECT_KEY and not legal(transform, column):
        yield Problem(
            at,
            f"{column.name} of {dataset} is a subject key, and {transform} would pass on a part of it.",
            "Write `as is`, `pseudonym` or `withheld`.",
        )
    elif not legal(transform, column):
        yield Problem(
            at,
            f"The transform {transform} needs {_NEEDS[transform.kind]}; {column.name} of {dataset} "
            f"is a column of type {column.type} and role {column.role}.",
            "Choose another transform.",
        )
    elif named and transform.kind not in WHOLE:
        yield Problem(
            at,
            f"{column.name} of {dataset} is a direct identifier, and {transform} would pass on a part of it "
            "where the rows must be pseudonymous.",
            "Write `withheld`.",
        )


def _signatures(agreement: Agreement, book: Book) -> Iterator[Problem]:
    signatories = (signature.official for signature in agreement.signatures)
    yield from repeated(signatories, ("signatures",), "official")
    for position, signature in enumerate(agreement.signatures):
        if signature.organisation not in (agreement.holder, agreement.recipient):
            yield Problem(
                ("signatures", position, "organisation"),
                f"{signature.organisation} is neither holder nor recipient, so it cannot sign.",
                f"Sign for {agreement.holder} or for {agreement.recipient}.",
            )
        elif not _may_sign(signature, book):
            yield Problem(
                ("signatures", position, "official"),
                f"{signature.official} did not work for {signature.organisation} on {signature.date}.",
                "Name another official, or record the role that they held there then.",
            )


def _may_sign(signature: Signature, book: Book) -> bool:
    """Whether the signatory worked there; a missing official is a broken reference, not this problem."""
    unknown = book.get("official", signature.official) is None
    return unknown or worked_for(book, signature.official, signature.organisation, signature.date)


def _shared(agreement: Agreement, dataset: str) -> SharedDataset | None:
    return next((shared for shared in agreement.datasets if shared.dataset == dataset), None)
