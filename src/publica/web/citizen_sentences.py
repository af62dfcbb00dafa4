"""Uses of a person's data, each in one plain sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from publica.kernel.records import Book
from publica.trust.transparency.model import UseOfMe
from publica.web.shown import LOCALES, day
from publica.web.words import mark, text
from publica.wording.notice import Names, column_name

OWN = "own-data"
SENTENCES = {
    ("left", "consent"): mark(
        "On %(day)s, %(who)s took out your row for “%(why)s”, as you had said yes. It read: %(columns)s."
    ),
    ("left", "law"): mark(
        "On %(day)s, %(who)s took out your row for “%(why)s”. The law: %(law)s. It read: %(columns)s."
    ),
    ("total", "consent"): mark(
        "On %(day)s, %(who)s put you in a total for “%(why)s”, as you had said yes. It read: %(columns)s."
    ),
    ("total", "law"): mark(
        "On %(day)s, %(who)s put you in a total for “%(why)s”. The law: %(law)s. It read: %(columns)s."
    ),
    ("looked through", "consent"): mark(
        "On %(day)s, %(who)s looked through your row for “%(why)s”, as you had said yes. "
        "It did not leave. It read: %(columns)s."
    ),
    ("looked through", "law"): mark(
        "On %(day)s, %(who)s looked through your row for “%(why)s”. The law: %(law)s. "
        "It did not leave. It read: %(columns)s."
    ),
    ("left", OWN): mark("On %(day)s, you read what is held about you: %(columns)s."),
}
"""How, and on what basis, → the sentence."""
HOW = {
    "left": mark("Your row left"),
    "total": mark("You are in a total"),
    "looked through": mark("Your row was looked at"),
}
BADGES = {"left": "govuk-tag--orange", "total": "govuk-tag--blue", "looked through": "govuk-tag--turquoise"}


@dataclass(frozen=True)
class Told:
    """One use as a page tells it."""

    use: str
    sentence: str
    how: str
    badge: str
    own: bool
    of: UseOfMe


def told(book: Book, names: Names, use: UseOfMe, language: str) -> Told:
    """A use in a language."""
    facts = {
        "day": day(LOCALES[language], use.at),
        "who": _name(book, "organisation", use.organisation),
        "why": _name(book, "activity", use.activity),
        "law": _name(book, "law", (use.basis or "").removeprefix("law:")),
        "columns": columns(names, use.columns, language),
    }
    own = use.activity == OWN
    basis = OWN if own else "consent" if use.basis == "consent" else "law"
    sentence = SENTENCES[("left" if own else use.how, basis)]
    return Told(use.use, text(language, sentence) % facts, HOW[use.how], BADGES[use.how], own, use)


def columns(names: Names, read: Mapping[str, Any], language: str) -> str:
    """The columns of a use, by their names."""
    found = [column_name(names, dataset, column) for dataset, some in read.items() for column in some]
    return ", ".join(dict.fromkeys(found)) or text(language, mark("that you are there, and no more"))


def _name(book: Book, kind: str, record_id: str) -> str:
    found = book.get(kind, record_id)
    if found is None:
        return record_id
    return str(getattr(found.spec, "title", None) or getattr(found.spec, "name", record_id))
