"""How pages word the holes in accountability, and what ends."""

from __future__ import annotations

from dataclasses import dataclass

from publica.governance.agreements.oversight import Hole, HoleKind
from publica.kernel.records import Book
from publica.web import named, words
from publica.web.words import mark

SENTENCES: dict[HoleKind, str] = {
    HoleKind.NO_STEWARD: mark("Nobody answers for “%(record)s”. %(concerns)s must appoint a steward."),
    HoleKind.STEWARD_LEFT: mark("“%(record)s”: its steward, %(concerns)s, has left."),
    HoleKind.NO_CHIEF: mark("No public body has a chief data officer."),
    HoleKind.NO_AGREEMENT: mark("“%(record)s” has no agreement about “%(concerns)s”."),
    HoleKind.NOT_SIGNED: mark("The agreement “%(record)s” lacks a signature (%(detail)s)."),
    HoleKind.AGREEMENT_OVER: mark("The agreement “%(record)s” is over, and “%(concerns)s” rests on it."),
    HoleKind.LAW_OVER: mark("The law of “%(record)s”, %(concerns)s, is not in force."),
    HoleKind.NO_ASSESSMENT: mark("“%(record)s” reads “%(concerns)s”, and has no approved impact assessment."),
}
KINDS = {
    "agreement": mark("agreement"),
    "activity": mark("activity"),
    "law": mark("law"),
    "role": mark("role"),
}


@dataclass(frozen=True)
class Shown:
    """One hole in a sentence, and where its record is shown."""

    text: str
    place: str | None
    stops: bool


def shown(book: Book, found: Hole, language: str) -> Shown:
    """A hole as a page shows it."""
    params = {
        "record": named.title(book, found.record),
        "concerns": named.title(book, found.concerns),
        "detail": found.detail,
    }
    text = words.text(language, SENTENCES[found.kind]) % params
    return Shown(text, named.place(book, found.record), found.stops)
