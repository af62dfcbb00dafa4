"""The docs: generated pages are up to date, links lead somewhere, pictures fit a phone."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from .source import ROOT

LINK = re.compile(r"\]\(([^)\s]+)\)")
TEST = re.compile(r"\b(tests/[\w/]+\.py)(?:::(\w+))?")
RECORD = re.compile(r"\d{4}-[a-z0-9-]+\.md\Z")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PICTURES = sorted((ROOT / "docs").rglob("*.svg"))
RECORDS = sorted((ROOT / "docs" / "decisions").glob("*.md"))


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_pages_are_seen() -> None:
    assert len(PAGES) > 8
    assert PICTURES
    assert len(RECORDS) > 3


def test_generated_pages_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_links_lead_somewhere(page: Path) -> None:
    """Within the repository; links to elsewhere are not followed."""
    for target in LINK.findall(page.read_text("utf-8")):
        path, _, anchor = target.partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        other = (page.parent / path) if path else page
        assert other.exists(), f"{shown(page)} links to {target}, which is not there"
        if anchor and other.suffix == ".md":
            assert anchor in anchors(other), target


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and most renderers make them."""
    headings = re.findall(r"^#+ +(.+?) *$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_tests_that_a_page_names_exist(page: Path) -> None:
    """`tests/area/test_it.py::test_name`, as docs/security.md names what guards each promise."""
    for file, name in TEST.findall(page.read_text("utf-8")):
        assert (ROOT / file).is_file(), file
        assert not name or re.search(rf"\b(?:def|class) {name}\b", (ROOT / file).read_text("utf-8")), name


@pytest.mark.parametrize("picture", PICTURES, ids=shown)
def test_a_picture_scales_and_says_what_it_shows(picture: Path) -> None:
    root = ElementTree.parse(picture).getroot()
    assert root.get("viewBox")
    assert root.get("width") in (None, "100%")
    assert root.find("{http://www.w3.org/2000/svg}title") is not None
    assert root.find("{http://www.w3.org/2000/svg}desc") is not None


@pytest.mark.parametrize("record", RECORDS, ids=shown)
def test_a_decision_record_names_what_enforces_it(record: Path) -> None:
    text = record.read_text("utf-8")
    assert RECORD.fullmatch(record.name)
    for heading in ("## Context", "## Decision", "## What enforces it"):
        assert heading in text


def test_decision_records_are_numbered_without_gaps() -> None:
    assert [int(record.name[:4]) for record in RECORDS] == list(range(1, len(RECORDS) + 1))
