"""The words of the pages: which language somebody reads, and what each text is in it.

English is the text in the source; `locale/<language>/*.po` hold the others, one file for each asker.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.resources import files

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from starlette.requests import Request

from publica.wording.typeset import typeset

LANGUAGES = {"en": "English", "fr": "Français"}
"""Every language of the pages, by its own name; the first is the one of the source."""
SOURCE = "en"
COOKIE, PARAMETER = "publica-language", "lang"
MOST = 500
"""Characters of `Accept-Language` that are looked at."""

Text = Callable[[str], str]


def mark(text: str) -> str:
    """The text itself: marks it for translation where it stands, to be looked up where it is shown."""
    return text


def mark_counted(one: str, many: str) -> tuple[str, str]:
    """The same for a text with a number: its two forms."""
    return one, many


@cache
def catalogue(language: str) -> dict[str, str | tuple[str, ...]]:
    """Every translated text of a language; of a text with a number, its forms."""
    found: dict[str, str | tuple[str, ...]] = {}
    folder = files("publica.web") / "locale" / language
    for file in sorted(folder.iterdir(), key=lambda each: each.name) if folder.is_dir() else ():
        if file.name.endswith(".po"):
            with file.open("rb") as opened:
                found |= _translated(read_po(opened, locale=language), language)
    return found


def _translated(catalog: Catalog, language: str) -> dict[str, str | tuple[str, ...]]:
    found: dict[str, str | tuple[str, ...]] = {}
    for message in catalog:
        if message.id and message.string and not message.fuzzy:
            if isinstance(message.id, tuple | list):
                found[message.id[0]] = tuple(typeset(each, language) for each in message.string)
            else:
                found[message.id] = typeset(str(message.string), language)
    return found


def text(language: str, said: str) -> str:
    """A text in a language; as it stands where nobody has translated it."""
    found = catalogue(language).get(said, said)
    return found if isinstance(found, str) else found[0]


def counted(language: str, one: str, many: str, number: int) -> str:
    """A text with a number, in the form that the number takes."""
    found = catalogue(language).get(one)
    if isinstance(found, tuple) and len(found) == 2:
        one, many = found
    single = number in (0, 1) if language == "fr" else number == 1
    return one if single else many


def language_of(request: Request) -> str:
    """The language to answer in: what the address names, else what was chosen before, else the browser's."""
    for said in (request.query_params.get(PARAMETER), request.cookies.get(COOKIE)):
        if said in LANGUAGES:
            return said
    return preferred(request.headers.get("accept-language", ""))


def preferred(accepted: str) -> str:
    """The language of ours that an `Accept-Language` header likes best (RFC 9110, section 12.5.4)."""
    best, liked = SOURCE, 0.0
    for part in accepted[:MOST].split(","):
        name, _, weight = part.strip().partition(";")
        language = name.strip().partition("-")[0].lower()
        quality = _quality(weight)
        if language in LANGUAGES and quality > liked:
            best, liked = language, quality
    return best


def _quality(weight: str) -> float:
    """A weight such as `q=0.8`; 1 when there is none, 0 for what is no number."""
    said = weight.strip().lower().removeprefix("q=")
    if not said:
        return 1.0
    try:
        return min(1.0, max(0.0, float(said)))
    except ValueError:
        return 0.0
