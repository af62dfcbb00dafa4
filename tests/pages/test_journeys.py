"""Each asker's journey in each language, wide and narrow, with and without a script."""

from __future__ import annotations

import re
from itertools import product

import pytest
from playwright.sync_api import expect

from .visit import NARROW, WIDE, Visit, Visits

WAYS = [
    pytest.param(*way, id="-".join((way[0], str(way[1]), "script" if way[2] else "plain")))
    for way in product(("en", "fr"), (WIDE, NARROW), (True, False))
]
EVERY_WAY = pytest.mark.parametrize(("language", "width", "script"), WAYS)


LONG = 60_000
"""Milliseconds in which a page has come, however busy the machine is."""


def to(visit: Visit, selector: str, until: str = "h1") -> None:
    """Follow a link, or press a button, and look at the page that comes. `until`: what it has."""
    visit.page.locator(selector).first.click()
    visit.page.wait_for_load_state()
    visit.page.locator(until).first.wait_for(state="attached", timeout=LONG)
    visit.page.wait_for_load_state()
    visit.check()


def at(visit: Visit, path: str) -> None:
    visit.open(path)
    visit.check()


@EVERY_WAY
def test_a_citizens(visits: Visits, language: str, width: int, script: bool) -> None:
    """Reads, sees who else did, takes a proof, says yes, takes it back, objects, takes it back, asks."""
    visit = visits(language=language, width=width, script=script, persona="citizen-1")
    page = visit.page
    at(visit, "/my-data")
    to(visit, "main a[href='/my-data/population']")
    at(visit, "/my-uses")
    to(visit, ".pub-timeline__links a[href^='/my-uses/']")
    proof = page.locator("main a[download]").first.get_attribute("href")
    answered = page.request.get(visit.address + str(proof))
    assert answered.ok
    assert answered.json()["says"]["touched"] is True
    at(visit, "/my-choices/health_research")
    page.locator("input[name=understood][value=right]").check()
    to(visit, "button[value=grant]")
    expect(page.locator("[data-standing=grant]")).to_have_count(1)
    to(visit, "button[value=withdraw]")
    expect(page.locator("[data-standing=grant]")).to_have_count(0)
    at(visit, "/my-choices/labour_statistics")
    to(visit, "button[value=object]")
    expect(page.locator("[data-standing=object]")).to_have_count(1)
    to(visit, "button[value=withdraw]")
    expect(page.locator("[data-standing=object]")).to_have_count(0)
    at(visit, "/my-corrections")
    page.locator("#dataset").select_option("population")
    page.locator("#said").fill("I moved in spring.")
    to(visit, "main form:has(#said) button")
    expect(page.locator("article").first).to_contain_text("I moved in spring.")
    to(visit, "article form button")
    expect(page.locator("article").first.locator("form")).to_have_count(0)


@EVERY_WAY
def test_an_analysts(visits: Visits, language: str, width: int, script: bool) -> None:
    """Asks and looks at the figures, explains, asks again; is refused, asks who can help, takes it back."""
    visit = visits(language=language, width=width, script=script, persona="stella")
    page = visit.page
    at(visit, "/workbench?activity=health_research")
    question = page.locator("#sql").input_value()
    assert "count(*)" in question
    to(visit, "button[value=run]", "#outcome tbody tr")
    assert page.locator("#outcome tbody tr").count() > 5
    assert page.locator("#outcome svg rect").count() > 5
    to(visit, "button[value=explain]", "#outcome .pub-clause")
    assert page.locator("#outcome .pub-clause").count() > 5
    at(visit, "/workbench/uses")
    to(visit, "main tbody a[href^='/workbench/uses/']")
    to(visit, "a[href^='/workbench?again=']")
    assert page.locator("#sql").input_value() == question
    axel = visits(language=language, width=width, script=script, persona="axel")
    at(axel, "/workbench?activity=software_tests")
    to(axel, "button[value=run]", "#outcome details")
    axel.page.locator("#outcome details summary").first.click()
    axel.page.locator("#outcome textarea").first.fill("To test the grant software.")
    to(axel, "#outcome details button", "main form[action$='/withdraw']")
    axel.page.wait_for_url(re.compile(r"/requests/\w+$"), timeout=LONG)
    to(axel, "main form[action$='/withdraw'] button")


@EVERY_WAY
def test_the_offices(visits: Visits, language: str, width: int, script: bool) -> None:
    """A steward opens what waits; a chief data officer looks for gaps and finds whom somebody touched."""
    sam = visits(language=language, width=width, script=script, persona="sam")
    at(sam, "/stewardship")
    to(sam, "main a[href^='/stewardship/people/']")
    at(sam, "/stewardship")
    to(sam, "main a[href='/stewardship/datasets/population']")
    carla = visits(language=language, width=width, script=script, persona="carla")
    page = carla.page
    for place in ("", "/accountability", "/refusals", "/clocks"):
        at(carla, f"/office{place}")
    at(carla, "/office/ledger")
    to(carla, "main form button")
    at(carla, "/office/breach")
    page.locator("#official").select_option("stella")
    page.locator("#since").fill("2020-01-01")
    page.locator("#until").fill("2090-01-01")
    page.locator("#why").fill("A badge was stolen.")
    to(carla, "main form:has(#why) button")
    assert re.search(r"/office/breach/\w+$", page.url)
    assert page.locator(".of-keys").first.locator("li").count() == 200


@EVERY_WAY
def test_everybodys(visits: Visits, language: str, width: int, script: bool) -> None:
    """From the first page to the register, an activity, an agreement, the ledger, the proofs."""
    visit = visits(language=language, width=width, script=script)
    at(visit, "/")
    assert visit.page.locator("#cast li.pub-card").count() == 9
    to(visit, "main a[href='/register']")
    to(visit, "main a[href='/register/activities/heating_grant']")
    to(visit, "main a[href^='/register/agreements/']")
    at(visit, "/ledger")
    to(visit, "main a[href='/ledger/verify']")
    at(visit, "/refusals")
