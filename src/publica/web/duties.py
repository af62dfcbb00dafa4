"""How pages show what waits for somebody: in a sentence, with where to go and how long there is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fastapi import Request

from publica.instance.duties import Duty
from publica.kernel import clock
from publica.kernel.records import Book
from publica.web import named, words
from publica.web.lacking import lacking
from publica.web.words import mark

KINDS = {
    "request": mark("A request after a refusal"),
    "correction": mark("A person says that data is wrong"),
    "complaint": mark("A person complains of a use"),
    "proposal": mark("A change of records to decide"),
}
PLACES = {
    "request": "/requests/",
    "correction": "/stewardship/people/",
    "complaint": "/stewardship/people/",
    "proposal": "/proposals/",
}


@dataclass(frozen=True)
class Shown:
    """One thing that waits."""

    kind: str
    text: str
    about: str
    place: str
    asked_at: datetime
    due_at: datetime
    days: int
    overdue: bool


def shown(request: Request, book: Book, found: list[Duty]) -> list[Shown]:
    """What waits, as a page shows it."""
    now, language = clock.now(), words.language_of(request)
    return [
        Shown(
            kind=KINDS[duty.kind],
            text=lacking(duty.what, language) if duty.kind == "request" else duty.what,
            about=named.title(book, duty.about),
            place=PLACES[duty.kind] + duty.id,
            asked_at=duty.asked_at,
            due_at=duty.due_at,
            days=duty.days_left(now),
            overdue=duty.overdue(now),
        )
        for duty in found
    ]
