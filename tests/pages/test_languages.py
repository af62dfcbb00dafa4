"""A page is in one language: its own texts, and those of the records that it shows."""

from __future__ import annotations

import re

import pytest

from publica.kernel.records import said_in
from publica.wording.typeset import typeset

from .town import Town
from .visit import Visits

PLACES = {
    "citizen-1": (
        "/my-data",
        "/my-data/population",
        "/my-data/all",
        "/my-uses",
        "/my-uses?activity=own-data",
        "/my-uses/others",
        "/my-choices",
        "/my-choices/health_research",
        "/my-choices/heating_grant",
        "/my-choices/labour_statistics",
        "/my-corrections",
        "/register",
        "/register/activities/heating_grant",
        "/register/agreements/civil-registry-social-services",
        "/ledger",
    ),
    "ana": ("/workbench", "/workbench/uses", "/datasets/population", "/requests"),
    "sam": ("/stewardship", "/stewardship/datasets/population"),
    "carla": ("/office", "/office/accountability", "/office/refusals", "/office/clocks"),
}
SHORTEST = 9
"""Letters from which on an English name is none that a French text might have, too."""


def english_alone(town: Town) -> set[str]:
    """What records say in English, and otherwise in French."""
    book, found = town.instance.book(), set[str]()
    for key, record in said_in(book, "fr").records.items():
        here, there = record.spec, book.records[key].spec
        for field in ("title", "name", "description", "provision", "source"):
            said = getattr(there, field, None)
            if said != getattr(here, field, None):
                found.add(said)
    labels = {"birth date", "date of birth", "person number", "household number", "day of admission"}
    return {said for said in found | labels if len(said) >= SHORTEST}


@pytest.mark.parametrize("persona", PLACES)
def test_a_french_page_names_records_in_french(visits: Visits, town: Town, persona: str) -> None:
    visit, english, seen = visits(language="fr", script=False, persona=persona), english_alone(town), ""
    assert len(english) > 25
    for place in PLACES[persona]:
        visit.open(place)
        said = visit.page.inner_text("main")
        assert {text for text in english if text in said} == set(), place
        seen += said
    assert "Aide au chauffage pour les foyers à faible revenu" in seen


def test_no_line_of_french_begins_with_a_colon(visits: Visits) -> None:
    visit = visits(language="fr", script=False, persona="citizen-1")
    for place in ("/my-uses", "/my-choices", "/my-choices/health_research"):
        visit.open(place)
        assert re.findall(r".{20} [:;!?»]|« .{20}", visit.page.inner_text("main")) == [], place
    assert typeset("« Ici » : non !", "fr") == "«\N{NBSP}Ici\N{NBSP}»\N{NBSP}: non\N{NBSP}!"
    assert typeset("Here : no !", "en") == "Here : no !"


def test_what_others_did_stands_before_what_one_did_oneself(visits: Visits) -> None:
    visit = visits(persona="citizen-1")
    for place in ("/my-data/population", "/my-data/incomes"):
        visit.open(place)
    visit.open("/my-uses")
    assert visit.page.get_by_text("You looked yourself").count() == 0
    assert "uses by others" in visit.page.inner_text("main")
    visit.follow("When I looked myself")
    visit.check()
    items = visit.page.locator(".pub-timeline__item")
    assert items.count() >= 2
    assert items.get_by_text("You looked yourself").count() == items.count()
    visit.follow("What others did")
    assert visit.page.get_by_text("You looked yourself").count() == 0


def test_values_are_written_as_people_write_them(visits: Visits) -> None:
    visit = visits(language="fr", script=False, persona="citizen-1")
    visit.open("/my-data/all")
    said = visit.page.inner_text("main")
    assert re.search(r"date de naissance\s+\d+(er)? \w+ \d{4}", said)
    assert re.search(r"\d\s\d{3} EUR", said)
    assert not re.search(r"\d{4}-\d\d-\d\d", said)
