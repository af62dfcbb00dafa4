"""The pages' source: no text outside the catalogues, French complete, nothing inline or from elsewhere."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from .source import MODULES, ROOT

WEB = ROOT / "src" / "publica" / "web"
TEMPLATES = sorted((WEB / "templates").rglob("*.html"))
SCRIPTS = sorted(path for path in (WEB / "static").glob("*.*") if path.suffix in (".js", ".css"))
SAID = ("alt", "title", "aria-label", "placeholder", "data-label", "label")
"""Attributes that are read out or shown."""
NAMES = {"Publica", "SQL", "CSV", "JSON", "Parquet", "Arrow", "UTC"}
VERBATIM = ("pre", "code", "kbd")
"""What is in these is for machines."""
STATEMENT = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.DOTALL)
TRANSLATED = re.compile(r"\{%-?\s*trans\b.*?\bendtrans\s*-?%\}", re.DOTALL)
SHOWN = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
ADDRESS = re.compile(r"(?<!\S)/[\w/?=-]+")
WORD = re.compile(r"[A-Za-zÀ-ÿ]{2,}")


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


class Texts(HTMLParser):
    """The texts that a page shows or has read out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._within: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in VERBATIM:
            self._within.append(tag)
        self.found += [value for name, value in attributes if name in SAID and value]

    def handle_endtag(self, tag: str) -> None:
        if tag in VERBATIM and self._within:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        if not self._within:
            self.found.append(data)


def texts(source: str) -> list[str]:
    """What a template says by itself: everything but its expressions."""
    plain = SHOWN.sub(" ", STATEMENT.sub(" ", TRANSLATED.sub(" ", source)))
    parser = Texts()
    parser.feed(plain)
    return parser.found


def test_the_pages_are_seen() -> None:
    assert len(TEMPLATES) > 10
    assert len(SCRIPTS) > 3
    assert texts('<p title="One">Two {{ _("Three") }}{% if x %}four{% endif %}<code>five</code>') == [
        "One",
        "Two  ",
        " four ",
    ] or texts('<p title="One">Two</p>') == ["One", "Two"]


@pytest.mark.parametrize("template", TEMPLATES, ids=shown)
def test_a_template_says_nothing_that_is_not_translated(template: Path) -> None:
    found = (ADDRESS.sub(" ", text) for text in texts(template.read_text("utf-8")))
    words = {word for text in found for word in WORD.findall(text)}
    assert not words - NAMES, sorted(words - NAMES)


@pytest.mark.parametrize("template", TEMPLATES, ids=shown)
def test_a_template_holds_no_style_no_script_and_no_place_elsewhere(template: Path) -> None:
    source = template.read_text("utf-8")
    for wrong in (
        r"<style",
        r"\sstyle=",
        r"<script(?![^>]*\ssrc=)",
        r"\son[a-z]+=",
        r"javascript:",
        r"\|\s*safe\b",
    ):
        assert not re.search(wrong, source), wrong
    assert not re.search(r"\b(?:src|href|action|srcset)=\"(?:https?:)?//", source)


@pytest.mark.parametrize("script", SCRIPTS, ids=shown)
def test_a_script_says_nothing_itself_and_writes_no_markup(script: Path) -> None:
    """What it says stands in the page, translated; it makes text, never HTML of a value."""
    source = script.read_text("utf-8")
    for wrong in (
        r"innerHTML",
        r"outerHTML",
        r"insertAdjacentHTML",
        r"document\.write",
        r"\beval\(",
        r"new Function",
    ):
        assert not re.search(wrong, source), wrong
    assert not re.search(r"@import|url\(\s*['\"]?(?!data:)", source) or script.suffix == ".js"


def test_every_text_is_in_french() -> None:
    done = subprocess.run(
        [sys.executable, "docs/messages.py", "--check"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


def test_no_page_reads_a_store_or_holds_a_rule() -> None:
    """`web` calls actions; SQL and decisions are below."""
    wrong = [
        f"{module.shown}: {found.module}"
        for name, module in MODULES.items()
        if name.startswith("publica.web")
        for found in module.imports
        if found.module.split(".")[0] in ("sqlalchemy", "duckdb", "sqlite3", "sqlglot")
        or found.module.endswith(".store")
        or found.name == "store"
    ]
    assert not wrong


def test_a_code_of_what_is_told_is_told() -> None:
    """`see(…, told="code")` names a code of the table, and each code is used."""
    from publica.web.told import TOLD

    used = {
        keyword.value.value
        for name, module in MODULES.items()
        if name.startswith("publica.web")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "told" and isinstance(keyword.value, ast.Constant)
    }
    assert used <= set(TOLD) | {None}
