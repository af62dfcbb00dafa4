"""Texts of records in several languages: what they say for showing, beside the language they are written in.

Nothing decides by these texts. Where a record has none in a language, its own stand.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Annotated, TypeVar

from pydantic import StringConstraints

from publica.kernel.records.model import Book, Record, Spec

Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
"""A language by its tag (BCP 47), such as `fr` or `pt-BR`."""
S = TypeVar("S", bound=Spec)


@lru_cache(maxsize=8)
def said_in(book: Book, language: str) -> Book:
    """The same records with their texts in a language, for showing alone: see `Spec.said_in`."""
    records = {key: _record(record, language) for key, record in book.records.items()}
    return Book(book.kinds.values(), records, book.generation)


def _record(record: Record[S], language: str) -> Record[S]:
    said = record.spec.said_in(language)
    return record if said is record.spec else replace(record, spec=said)
