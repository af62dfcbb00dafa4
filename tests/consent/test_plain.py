"""Words that citizens read are plain, in both languages; and dark patterns are found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages.extract import extract

from publica.trust.consent.lint import PATTERNS, in_page, in_words
from publica.trust.consent.readability import PLAIN, ease, hard
from publica.web import vocabulary, words
from publica.web.told import TOLD
from publica.wording import notice_en, notice_fr

WEB = Path(words.__file__).parent
PAGES = [*sorted((WEB / "templates" / "citizen").glob("*.html")), *sorted(WEB.glob("citizen*.py"))]
KEYWORDS: dict[str, Any] = {"_": None, "ngettext": (1, 2), "mark": None}


def said(language: str) -> Iterator[str]:
    """Every text of citizens' pages, with a short name where a name would be."""
    for path in PAGES:
        method = "jinja2.ext:babel_extract" if path.suffix == ".html" else "python"
        options = {"trimmed": "true", "newstyle_gettext": "true"} if path.suffix == ".html" else {}
        with path.open("rb") as opened:
            for _, found, _, _ in extract(method, opened, KEYWORDS, (), options):
                for one in found if isinstance(found, tuple | list) else [found]:
                    yield filled(words.text(language, one))
    shown = [told.text for code, told in TOLD.items() if code.startswith(("choice-", "correction-"))]
    for table in (vocabulary.PURPOSES, vocabulary.PROTECTIONS, vocabulary.OUTCOMES):
        shown += table.values()
    yield from (filled(words.text(language, one)) for one in shown)
    yield from (filled(one) for one in walk(vars(notice_fr if language == "fr" else notice_en)))


def walk(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            if not str(name).startswith("__"):
                yield from walk(each)
    elif isinstance(value, tuple):
        for each in value:
            yield from walk(each)


def filled(text: str) -> str:
    return re.sub(r"%\((\w+)\)s|\{(\w+)\}", "Anna", text)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_sentence_on_a_citizens_page_is_plain(language: str) -> None:
    texts = list(said(language))
    assert len(texts) > 150
    wrong = [found for text in texts for found in hard(text, language)]
    assert not wrong, wrong


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Pursuant to the aforementioned provisions, the controller processes personal information."),
        (
            "en",
            "Irrespective of subsequent revocation, previously disseminated information remains available.",
        ),
        (
            "fr",
            "Conformément aux dispositions susmentionnées, le responsable effectue un traitement ultérieur.",
        ),
        ("fr", "L’opposition éventuelle demeure inopposable aux destinataires antérieurement habilités."),
    ],
)
def test_officialese_is_not_plain(language: str, text: str) -> None:
    assert hard(text, language)


def test_the_measure_is_flesch() -> None:
    """Six words of one syllable: 206.835 - 1.015 * 6 - 84.6."""
    assert ease("The cat sat on the mat.", "en") == pytest.approx(116.145)
    assert PLAIN == {"en": 60.0, "fr": 55.0}


def page(body: str) -> str:
    return f"<html><main>{body}</main></html>"


YES = '<button class="a" name="action" value="grant">Yes</button>'
NO = '<button class="a" name="action" value="refuse">No</button>'
DARK: list[tuple[str, str]] = [
    ("preselected", page(f'<input type="radio" name="q" checked>{YES}{NO}')),
    ("preselected", page(f'<select><option selected value="x">x</option></select>{YES}{NO}')),
    ("unequal buttons", page(f'{YES}<button class="quiet" name="action" value="refuse">No</button>')),
    ("no refusal", page(YES)),
    ("refusal as a link", page(f'{YES}<a href="/no">No</a>')),
    ("bundled", page(f'<input type="checkbox" name="a"><input type="checkbox" name="b">{YES}{NO}')),
    ("bundled", page(f"{YES}{NO}{YES}{NO}")),
    ("focus on yes", page(f'<button class="a" name="action" value="grant" autofocus>Yes</button>{NO}')),
    (
        "hidden text",
        page(f'<section data-notice="withdraw" class="govuk-visually-hidden">x</section>{YES}{NO}'),
    ),
    ("hidden text", page(f'<details data-notice="refuse"><p>x</p></details>{YES}{NO}')),
    ("countdown", page(f'<div data-countdown="60">x</div>{YES}{NO}')),
    ("harder to withdraw", page("<p data-standing>You said yes.</p>")),
    ("shaming", page(f"{YES}{NO}<p>No thanks, I prefer that people suffer</p>")),
    ("urgency", page(f"{YES}{NO}<p>Hurry, this offer expires in 3 days</p>")),
    ("false necessity", page(f"{YES}{NO}<p>You must agree to go on</p>")),
    ("loss", page(f"{YES}{NO}<p>Without your consent you can no longer get care</p>")),
    ("recommended", page(f"{YES}{NO}<p>Recommended</p>")),
    ("praise", page(f"{YES}{NO}<p>Yes, I want to help</p>")),
    ("crowd", page(f"{YES}{NO}<p>9 out of 10 people agree</p>")),
    ("reward", page(f"{YES}{NO}<p>Win a prize</p>")),
    ("vague purpose", page(f"{YES}{NO}<p>To improve our services and for our trusted partners</p>")),
    ("double negative", page(f"{YES}{NO}<p>Do not tick if you do not want this</p>")),
    ("nagging", page(f"{YES}{NO}<p>Remind me later</p>")),
    ("hard to leave", page(f"{YES}{NO}<p>To withdraw, send a letter or call us</p>")),
    ("shaming", page(f"{YES}{NO}<p>Tant pis pour les malades</p>")),
    ("urgency", page(f"{YES}{NO}<p>Dépêchez-vous</p>")),
    ("false necessity", page(f"{YES}{NO}<p>Vous devez accepter</p>")),
    ("crowd", page(f"{YES}{NO}<p>La plupart des gens acceptent</p>")),
    ("vague purpose", page(f"{YES}{NO}<p>Pour améliorer nos services</p>")),
    ("disguised letters", page(f"{YES}{NO}<p>You m\u0443st</p>")),
    ("hard to leave", page(f"{YES}{NO}<p>Pour retirer votre accord, écrivez par courrier</p>")),
]
"""Seeded pages, each with one dark pattern at least."""


def test_every_pattern_is_seeded() -> None:
    assert {pattern for pattern, _ in DARK} == set(PATTERNS)
    assert len(PATTERNS) >= 12


@pytest.mark.parametrize(("pattern", "html"), DARK)
def test_a_dark_pattern_is_found(pattern: str, html: str) -> None:
    assert pattern in {found.pattern for found in in_page(html)}


@pytest.mark.parametrize(
    "text",
    [
        "You m\u0443st agree", "Last chan\u0441e", "y\u043eu\u200b \uff4dust agree",
        "Derniere chance", "V\u03bfus devez accepter",
        "Say yes or you lose your benefits", "You need to give consent to get care",
        "Only those who agree get treatment", "Agreement is required by your hospital",
        "Final chance to take part", "Consent needed to keep your treatment", "90% of people said yes",
        "Nine in ten people take part", "Earn 50 euros", "Get a reward", "Time is running out",
        "Improve services", "Research, and more", "Do not refuse", "Say yes: it is free and safe",
        "A good citizen says yes", "Un bon citoyen accepte", "Neuf personnes sur dix", "Il faut accepter",
        "Votre accord est obligatoire", "Le temps presse", "Ne refusez pas", "Une récompense",
    ],
)  # fmt: skip
def test_pressing_words_are_found_however_they_are_written(text: str) -> None:
    assert in_words(text)


@pytest.mark.parametrize(
    "text",
    [
        "Énergie en \u00b5g/m³ et \u03b1-synucléine",
        "Ελληνική Στατιστική Αρχή",
        "Национальный институт статистики",
        "Research on hospital stays by age and region",
        "Recherche sur les séjours à l’hôpital",
    ],
)
def test_plain_names_are_not_taken_for_pressing(text: str) -> None:
    assert in_words(text) == []


def test_an_honest_page_has_none() -> None:
    assert in_page(page(f"<p>What it is for</p>{YES}{NO}")) == []
    for language in ("en", "fr"):
        assert [found for text in said(language) for found in in_words(text)] == []
