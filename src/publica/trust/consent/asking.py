"""What an activity that asks for consent must not say: words of records become part of its notice. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from publica.governance.activities import Activity, BasisKind
from publica.governance.activities.rules import check_activity
from publica.kernel.records import Book, Problem
from publica.kernel.records.model import Path
from publica.trust.consent.lint import in_words

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[-_]")
"""Where one word of a vocabulary's term ends and the next begins."""


def check_asking(activity_id: str, activity: Activity, book: Book) -> Iterator[Problem]:
    """Everything an activity must satisfy; one that asks for consent does so without dark patterns.

    It is checked again whenever a record changes that it names.
    """
    yield from check_activity(activity_id, activity, book)
    if activity.basis.kind is BasisKind.CONSENT:
        for path, what, words in _said(activity, book):
            yield from _pressing(path, what, words)


def check_holder(organisation_id: str, organisation: Any, book: Book) -> Iterator[Problem]:
    """An organisation's name stands in the notice of every activity that uses data it holds."""
    if any(organisation_id in _holders(each.spec, book) for each in book.all("activity")):
        for name in _called(organisation.name, organisation.translations, "name"):
            yield from _pressing(("name",), "name", name)


def _pressing(path: Path, what: str, words: str) -> Iterator[Problem]:
    for found in in_words(words):
        yield Problem(
            path,
            f"The {what} would press people to say yes ({found.pattern}: {found.where!r}).",
            "Say what it is, and nothing else: it stands in the notice that asks for consent.",
        )


def _said(activity: Activity, book: Book) -> Iterator[tuple[Path, str, str]]:
    """What of its records stands in the notice: where, what it is, and the words as they are read there."""
    yield ("title",), "title", activity.title
    for language, said in activity.translations.items():
        yield ("translations", language, "title"), f"title in {language}", said.title
    yield ("purpose",), "purpose", _HUMP.sub(" ", activity.purpose.partition(":")[2])
    organisation = book.get("organisation", activity.organisation)
    if organisation is not None:
        for name in _called(organisation.spec.name, organisation.spec.translations, "name"):
            yield ("organisation",), "organisation's name", name
    for position, use in enumerate(activity.datasets):
        held = book.get("dataset", use.dataset)
        if held is None:
            continue
        for title in _called(held.spec.title, held.spec.translations, "title"):
            yield ("datasets", position, "dataset"), f"title of {use.dataset}", title
        for names in _column_names(held.spec, use.columns):
            yield ("datasets", position, "columns"), f"names of columns of {use.dataset}", ", ".join(names)
            yield ("datasets", position, "columns"), f"names of columns of {use.dataset}", " ".join(names)


def _called(text: str, translations: Mapping[str, Any], field: str) -> Iterator[str]:
    """A text in every language that it has."""
    yield text
    yield from filter(None, (getattr(said, field) for said in translations.values()))


def _column_names(held: Any, columns: Iterable[str]) -> Iterator[list[str]]:
    """What the columns are called, in every language that one of them has."""
    known = [found for name in sorted(columns) if (found := held.column(name)) is not None]
    for language in ("", *sorted({language for each in known for language in each.labels})):
        said = [each.said_in(language) for each in known]
        yield [(each.title or each.concept or each.name).replace("_", " ") for each in said]


def _holders(activity: Activity, book: Book) -> set[str]:
    if activity.basis.kind is not BasisKind.CONSENT:
        return set()
    held = [book.get("dataset", use.dataset) for use in activity.datasets]
    return {each.spec.holder for each in held if each is not None}
