"""When a law is in force. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from publica.governance.rules.model import Law, is_link
from publica.kernel.records import Book, Problem
from publica.kernel.records.types import period_problems, valid_on


def in_force(law: Law, at: date) -> bool:
    """Whether a law is in force on a day."""
    return valid_on(law, at)


def check_law(_id: str, law: Law, _book: Book) -> Iterator[Problem]:
    """A law's days must be in order, and its url one that people may follow: it becomes a link on a page."""
    yield from period_problems(law)
    if law.url is not None and not is_link(law.url):
        yield Problem(
            ("url",),
            "It is no address of a web page.",
            "Give the whole of it: https://, the host's name, and the rest; or leave it out.",
        )
