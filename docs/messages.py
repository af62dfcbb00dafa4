"""`./dev messages [ASKER…]`: gathers the texts of the pages into web/locale/<language>/<asker>.po.

Translations are kept, whichever file they stand in; what no page says any more is dropped. `--check` changes
nothing and says what is missing.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "publica"
WEB = PACKAGE / "web"
LANGUAGES = ("fr",)
"""All but the language of the source."""
ASKERS = ("layout", "public", "citizen", "analyst", "steward", "office", "demo")
"""Whose files there are; a text that several say stands in the first one's."""
KEYWORDS: dict[str, Any] = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "mark": None,
    "mark_counted": (1, 2),
}
OPTIONS = {"trimmed": "true", "newstyle_gettext": "true", "extensions": "jinja2.ext.do", "silent": "false"}
FIELD = re.compile(r"%\((\w+)\)s")
WIDTH = 110

Id = str | tuple[str, ...]


def sources() -> Iterator[tuple[str, Path]]:
    """Every file that may say something, with its asker."""
    for path in sorted((WEB / "templates").rglob("*.html")):
        folder = path.relative_to(WEB / "templates").parts[0]
        yield (folder if folder in ASKERS else "layout"), path
    for path in sorted(WEB.glob("*.py")):
        asker = path.stem.partition("_")[0]
        yield (asker if asker in ASKERS else "layout"), path
    for path in sorted((PACKAGE / "demo").glob("*.py")):
        yield "demo", path


def texts(path: Path) -> Iterator[tuple[Id, int]]:
    """The texts that a file says, and on which line."""
    page = path.suffix == ".html"
    method = "jinja2.ext:babel_extract" if page else "python"
    with path.open("rb") as opened:
        found = extract(method, opened, KEYWORDS, (), OPTIONS if page else {})
        for line, said, _, _ in found:
            if said:
                yield (tuple(said) if isinstance(said, tuple | list) else said), line


def said() -> dict[str, dict[Id, list[tuple[str, int]]]]:
    """By asker: each text, and where it is said."""
    where: dict[Id, list[tuple[str, int]]] = {}
    owners: dict[Id, str] = {}
    for asker, path in sources():
        for text, line in texts(path):
            where.setdefault(text, []).append((path.relative_to(ROOT).as_posix(), line))
            owners[text] = min(owners.get(text, asker), asker, key=ASKERS.index)
    return {
        asker: {text: places for text, places in where.items() if owners[text] == asker} for asker in ASKERS
    }


def file_of(language: str, asker: str) -> Path:
    return WEB / "locale" / language / f"{asker}.po"


def known(language: str) -> dict[Id, Any]:
    """Every translation that there is."""
    found: dict[Id, Any] = {}
    for asker in ASKERS:
        file = file_of(language, asker)
        if file.is_file():
            with file.open("rb") as opened:
                catalog = read_po(opened, locale=language)
            found |= {_id(message.id): message.string for message in catalog if message.id and message.string}
    return {text: string for text, string in found.items() if all([string] if _one(string) else string)}


def _one(string: Any) -> bool:
    return isinstance(string, str)


def _id(given: Any) -> Id:
    return tuple(given) if isinstance(given, tuple | list) else str(given)


def made(language: str, texts_of: dict[Id, list[tuple[str, int]]], translations: dict[Id, Any]) -> bytes:
    """One file."""
    catalog = Catalog(locale=language, fuzzy=False, header_comment="# The pages' texts.")
    for text, places in texts_of.items():
        files = sorted({(file, 0) for file, _ in places})
        catalog.add(text, translations.get(text, ""), locations=files)
    written = io.BytesIO()
    write_po(written, catalog, width=WIDTH, omit_header=True, include_lineno=False)
    return HEADER.format(language=language, plural=catalog.plural_forms).encode() + written.getvalue()


HEADER = """\
msgid ""
msgstr ""
"Language: {language}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: {plural}\\n"

"""


def problems(language: str) -> list[str]:
    """What is wrong with the translations of a language."""
    translations, found = known(language), []
    every = {text: places for texts_of in said().values() for text, places in texts_of.items()}
    for text, places in every.items():
        string = translations.get(text)
        if string is None:
            found.append(f"{places[0][0]}:{places[0][1]}: not in {language}: {text!r}")
            continue
        forms, strings = ([text], [string]) if isinstance(text, str) else (list(text), list(string))
        fields = set(FIELD.findall(forms[-1]))
        if any(set(FIELD.findall(each)) - fields for each in strings):
            found.append(f"{places[0][0]}:{places[0][1]}: other fields in {language}: {text!r}")
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="./dev messages", description=__doc__)
    parser.add_argument("askers", nargs="*", choices=[*ASKERS, []], help="whose files to write; all")
    parser.add_argument("--check", action="store_true", help="change nothing; say what is missing")
    asked = parser.parse_args(arguments)
    wrong = []
    for language in LANGUAGES:
        if not asked.check:
            found, translations = said(), known(language)
            for asker in asked.askers or ASKERS:
                file_of(language, asker).parent.mkdir(parents=True, exist_ok=True)
                file_of(language, asker).write_bytes(made(language, found[asker], translations))
        wrong += problems(language)
    for line in wrong:
        print(line, file=sys.stderr)
    return int(bool(wrong) and asked.check)


if __name__ == "__main__":
    sys.exit(main())
