"""How pages call records and reasons: by their titles, with links to where they are shown."""

from __future__ import annotations

from dataclasses import replace

from publica.kernel.decision import Clause
from publica.kernel.records import Book
from publica.web import vocabulary
from publica.web.shown import LOCALES, day
from publica.wording.render import sentence
from publica.wording.typeset import typeset

PLACES = {
    "activity": "/register/activities/",
    "agreement": "/register/agreements/",
    "dataset": "/datasets/",
}
"""Where a kind of record has a page of its own."""


def title(book: Book, name: str | None) -> str:
    """A record's title, by `kind:id`; the id where it has none, or is none of ours."""
    kind, _, record_id = (name or "").partition(":")
    found = book.get(kind, record_id)
    spec = None if found is None else found.spec
    if kind == "agreement" and spec is not None:
        parties = (title(book, f"organisation:{party}") for party in (spec.holder, spec.recipient))
        return " → ".join(parties)
    if kind == "role" and spec is not None:
        return f"{title(book, f'official:{spec.official}')}, {spec.role}"
    return str(getattr(spec, "title", None) or getattr(spec, "name", None) or record_id or name or "")


def place(book: Book, name: str | None) -> str | None:
    """The page of a record; None when it has none."""
    kind, _, record_id = (name or "").partition(":")
    if kind not in PLACES or book.get(kind, record_id) is None:
        return None
    return PLACES[kind] + record_id


RECORDS = {
    "organisation": "organisation",
    "holder": "organisation",
    "recipient": "organisation",
    "dataset": "dataset",
    "activity": "activity",
    "law": "law",
    "agreement": "agreement",
    "actor": "official",
}
"""Parameters of sentences that are ids of records, and of which kind."""
QUOTED = frozenset({"dataset", "activity", "law", "agreement"})
QUOTES = {"en": "“{}”", "fr": typeset("« {} »", "fr")}
PLAIN = frozenset({"purpose", "protection", "roles"})


def clause(book: Book, found: Clause, language: str) -> str:
    """The sentence of a clause, with the titles of records for their ids, and plain words for terms."""
    params = {name: _worded(book, name, value, language) for name, value in found.params.items()}
    return sentence(replace(found, params=params), language)


def _worded(book: Book, name: str, value: str, language: str) -> str:
    if name in RECORDS:
        shown = title(book, f"{RECORDS[name]}:{value}")
        return QUOTES[language].format(shown) if name in QUOTED and shown != value else shown
    if name in PLAIN:
        return ", ".join(vocabulary.plain(language, term) for term in value.split(", "))
    return day(LOCALES[language], value) if name == "date" else value


def official(book: Book, name: str | None) -> str:
    """An official's name; their id when nobody of that id is registered."""
    return title(book, f"official:{name}") if name else ""
