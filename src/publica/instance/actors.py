"""Who may act here: the operator, registered officials, and people about their own data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from publica.governance.leadership.rules import stewards
from publica.kernel import clock
from publica.kernel.actor import CITIZEN, OPERATOR, Actor
from publica.kernel.decision import Clause, Decision
from publica.kernel.documents import read
from publica.kernel.errors import BadInput, Refused
from publica.kernel.records import Book, Record


def require(actor: Actor, book: Book, *, person: str | None = None, given: Sequence[Path] = ()) -> None:
    """Raises BadInput unless the actor is the operator, an official or the `person` whose data it is about.

    An official of the book, or of the documents `given`, which may be the first to name anybody.
    """
    if actor.id in (OPERATOR, person) or book.get("official", actor.id) is not None:
        return
    if person is not None and actor.id == CITIZEN + person:
        return
    if given and any(
        document.kind == "official" and document.id == actor.id for document in read(given).documents
    ):
        return
    raise BadInput(
        f"Nobody is registered as {actor.id}.",
        do="Act as an official with a record, or leave --as out to act as the operator.",
    )


def require_steward(actor: Actor, book: Book, dataset: Record[Any]) -> None:
    """Raises Refused when an official who is no steward answering for the dataset would act on it."""
    if actor.id == OPERATOR or actor.id in stewards(book, dataset.id, clock.now().date()):
        return
    params = {"actor": actor.id, "dataset": dataset.id}
    raise Refused(Decision((Clause("load-steward", False, params, f"dataset:{dataset.id}"),)))
