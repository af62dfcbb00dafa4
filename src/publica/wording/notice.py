"""Notices in words: what an activity would do with somebody's data, compiled from its terms, in two languages.

Nothing here is written for one activity: a notice is these sentences with the names of records in them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from publica.governance.datasets import ColumnRole
from publica.kernel.records import Book, said_in
from publica.trust.consent.lint import Finding, in_words
from publica.trust.consent.readability import ease
from publica.trust.consent.terms import Terms, text_digest
from publica.wording import notice_en, notice_fr
from publica.wording.typeset import typeset

LANGUAGES = {"en": notice_en, "fr": notice_fr}
SECTIONS = ("purpose", "who", "data", "out", "kept", "refuse", "withdraw")
"""The parts of a notice, in their order."""
_DURATION = re.compile(
    r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?"
)
PARTS = "YMWDhms"
"""Which units those are, in order; small letters for those of the day."""

Names = Mapping[str, str]
"""How records are called, by `kind:id`; columns by `dataset.column`."""


@dataclass(frozen=True)
class Section:
    """One part: its heading, its sentences, and what it lists."""

    name: str
    heading: str
    sentences: tuple[str, ...]
    items: tuple[str, ...] = ()


@dataclass(frozen=True)
class Option:
    """One answer that may be given to the question."""

    value: str
    text: str


@dataclass(frozen=True)
class Notice:
    """A notice in one language. `hash` is of its text, as it is shown."""

    language: str
    sections: tuple[Section, ...]
    question: str
    options: tuple[Option, ...]

    @property
    def text(self) -> str:
        """The whole text, a sentence or item a line."""
        parts = ((each.heading, *each.sentences, *each.items) for each in self.sections)
        return "\n".join(line for part in parts for line in part) + "\n"

    @property
    def hash(self) -> str:
        return text_digest(self.text)

    @property
    def ease(self) -> float:
        """The reading ease of the sentences; names and lists do not count."""
        said = " ".join(sentence for each in self.sections for sentence in each.sentences)
        return round(ease(said, self.language), 1)

    @property
    def findings(self) -> list[Finding]:
        """Dark patterns in its words; there should be none."""
        return in_words(self.text)


RIGHT_OPTION = "right"
"""The value of the option that is right; the others are wrong."""


def compiled(terms: Terms, names: Names, language: str, question: str) -> Notice:
    """The notice of an activity that asks for consent."""
    words = LANGUAGES[language]
    facts = _facts(terms, names, language)
    sections = (
        Section("purpose", words.HEADINGS["purpose"], _said(words.PURPOSE, facts)),
        Section("who", words.HEADINGS["who"], _said(words.WHO, facts)),
        Section("data", words.HEADINGS["data"], _data(terms, words, facts), _items(terms, names, language)),
        Section("out", words.HEADINGS["out"], _out(terms, names, words, facts)),
        Section("kept", words.HEADINGS["kept"], _said(words.KEPT, facts) + _until(terms, words, facts)),
        Section("refuse", words.HEADINGS["refuse"], _said(words.REFUSE, facts)),
        Section("withdraw", words.HEADINGS["withdraw"], _said(words.WITHDRAW, facts)),
    )
    asked, options = words.QUESTIONS[question]
    return Notice(
        language,
        tuple(_typeset(each, language) for each in sections),
        typeset(asked.format_map(facts), language),
        tuple(Option(value, typeset(text.format_map(facts), language)) for value, text in options),
    )


def _typeset(section: Section, language: str) -> Section:
    return Section(
        section.name,
        typeset(section.heading, language),
        tuple(typeset(each, language) for each in section.sentences),
        tuple(typeset(each, language) for each in section.items),
    )


def column_name(names: Names, dataset: str, column: str) -> str:
    """How a column is called."""
    return names.get(f"{dataset}.{column}", column.replace("_", " "))


def duration(said: str, language: str) -> str:
    """An ISO 8601 duration in words."""
    units = LANGUAGES[language].UNITS
    found = _DURATION.fullmatch(said)
    amounts = zip(PARTS, found.groups() if found else (), strict=False)
    parts = [f"{amount} {units[letter][int(amount) != 1]}" for letter, amount in amounts if amount]
    return ", ".join(parts) or said


def _facts(terms: Terms, names: Names, language: str) -> dict[str, str]:
    words = LANGUAGES[language]
    roles = [words.ROLES.get(role, role) for role in terms["roles"]]
    return {
        "organisation": names.get(f"organisation:{terms['organisation']}", terms["organisation"]),
        "title": terms.get("titles", {}).get(language, terms["title"]),
        "purpose": words.PURPOSES.get(terms["purpose"], terms["purpose"].partition(":")[2]),
        "roles": words.AND.join(roles),
        "kept": duration(terms["kept"], language),
        "until": str(terms["until"]),
    }


def _said(sentences: tuple[str, ...], facts: dict[str, str]) -> tuple[str, ...]:
    return tuple(sentence.format_map(facts) for sentence in sentences)


def _out(terms: Terms, names: Names, words: Any, facts: dict[str, str]) -> tuple[str, ...]:
    """What may leave; facts that show who somebody is are named, whether they may or not."""
    direct = ", ".join(
        column_name(names, part["dataset"], column["name"])
        for part in terms["data"]
        for column in part["columns"]
        if column.get("role") == ColumnRole.DIRECT
    )
    named = words.OUT_DIRECT[terms["protection"]] if direct else ()
    return _said((*words.OUT[terms["protection"]], *named), {**facts, "direct": direct})


def _data(terms: Terms, words: Any, facts: dict[str, str]) -> tuple[str, ...]:
    special = any(
        part["special"] or any(column.get("sensitivity") == "special" for column in part["columns"])
        for part in terms["data"]
    )
    return (words.SPECIAL if special else ()) + _said(words.DATA, facts)


def _items(terms: Terms, names: Names, language: str) -> tuple[str, ...]:
    line = LANGUAGES[language].ITEM
    return tuple(
        line.format(
            dataset=names.get(f"dataset:{part['dataset']}", part["dataset"]),
            holder=names.get(f"organisation:{part['holder']}", str(part["holder"])),
            columns=", ".join(column_name(names, part["dataset"], each["name"]) for each in part["columns"]),
        )
        for part in terms["data"]
    )


def _until(terms: Terms, words: Any, facts: dict[str, str]) -> tuple[str, ...]:
    return _said(words.NO_END if terms["until"] is None else words.UNTIL, facts)


def names_of(book: Book, language: str) -> Names:
    """How the records are called in a language."""
    book, found = said_in(book, language), dict[str, str]()
    for record in book.all("organisation"):
        found[record.name] = record.spec.name
    for record in book.all("dataset"):
        found[record.name] = record.spec.title
        for column in record.spec.columns:
            said = column.title or column.concept or column.name
            found[f"{record.id}.{column.name}"] = said.replace("_", " ")
    return found
