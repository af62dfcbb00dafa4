"""The terms of an activity: what a person consents to, compiled from its record. Pure.

A notice is these terms in words. Two activities with equal terms are the same to those concerned; as soon as
the terms differ, a consent to the older ones is no consent. How a dataset or an organisation is called is
wording. The activity's own title says what it is for, and a column's what it tells: both belong to the terms,
in every language that they have; so does what a column is (role, type), which decides what of it may leave,
and whose row a row is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from publica.governance.activities import Activity, BasisKind
from publica.kernel.ledger.canonical import b64, canonical
from publica.kernel.records import Book, Record

Terms = Mapping[str, Any]
"""A JSON value."""


@dataclass(frozen=True)
class Shown:
    """The notice that somebody saw: the terms it was of; its language and its text's hash, where known."""

    terms: str
    language: str | None = None
    text: str | None = None

    @property
    def form(self) -> str | None:
        """Language and hash of the text: what is kept beside the terms."""
        return None if self.text is None else f"{self.language}:{self.text}"


def terms(book: Book, activity: Record[Activity]) -> Terms:
    """What somebody consents to, or objects to."""
    spec = activity.spec
    titles = {language: said.title for language, said in spec.translations.items()}
    return {
        **(
            {"titles": titles} if titles else {}
        ),  # left out where there are none: older terms have no such part
        "activity": activity.id,
        "title": spec.title,
        "organisation": spec.organisation,
        "purpose": spec.purpose,
        "basis": spec.basis.json_value,
        "data": sorted(_data(book, spec), key=lambda part: str(part["dataset"])),
        "protection": str(spec.protection),
        "totals": None if spec.aggregates is None else spec.aggregates.json_value,
        "kept": spec.retention,
        "until": None if spec.valid_to is None else str(spec.valid_to),
        "roles": sorted(map(str, spec.roles)),
    }


def digest(found: Terms) -> str:
    """The hash by which terms are known: SHA-256 of their canonical JSON, base64."""
    return b64(hashlib.sha256(canonical(found)).digest())


@lru_cache(maxsize=64)
def digest_in(book: Book, activity: str) -> str | None:
    """The hash of the terms of an activity that asks for consent, in one state of the records; else None."""
    found = book.get("activity", activity)
    asks = found is not None and found.spec.basis.kind is BasisKind.CONSENT
    return digest(terms(book, found)) if found is not None and asks else None


def text_digest(text: str) -> str:
    """The hash of the text in which they were shown."""
    return b64(hashlib.sha256(text.encode()).digest())


def _data(book: Book, spec: Activity) -> Iterator[dict[str, Any]]:
    for use in spec.datasets:
        held = book.get("dataset", use.dataset)
        yield {
            "dataset": use.dataset,
            "holder": None if held is None else held.spec.holder,
            "special": held is not None and held.spec.special_category,
            "subjects": [] if held is None else sorted(each.name for each in held.spec.subject_columns),
            "columns": [_column(held, name) for name in sorted(use.columns)],
        }


def _column(held: Record[Any] | None, name: str) -> dict[str, Any]:
    column = None if held is None else held.spec.column(name)
    if column is None:
        return {"name": name}
    sensitivity = None if column.sensitivity is None else str(column.sensitivity)
    return {
        **({"labels": dict(column.labels)} if column.labels else {}),
        "name": name,
        "title": column.title,
        "concept": column.concept,
        "role": str(column.role),
        "type": str(column.type),
        "sensitivity": sensitivity,
    }
