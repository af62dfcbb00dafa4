"""The steward's and the office's journeys: datasets, holes, refusals, clocks, the ledger, after a breach."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from publica.gateway.door import Request
from publica.governance.leadership import actions as proposals
from publica.kernel import clock
from publica.kernel.actor import CITIZEN, Actor
from publica.kernel.documents import read_values
from publica.trust.rights import actions as rights
from publica.trust.rights.model import Content, What

from .town import Town
from .visit import NARROW, WIDE, Visits

HOLE = "“Tests of the grant software” has no agreement about “Register of residents”."
OFFICE = ("", "/accountability", "/refusals", "/clocks", "/ledger", "/breach")


def test_a_steward_sees_the_uses_loads_and_problems_of_a_dataset(visits: Visits, town: Town) -> None:
    town.instance.checkpoint()  # entries get their positions
    visit = visits(persona="sam")
    visit.open("/stewardship")
    visit.page.get_by_role("link", name="Register of residents").click()
    visit.check()
    main = visit.page.locator("main")
    expect(main).to_contain_text("Heating grant for households with a low income")
    expect(main).to_contain_text(
        "“Tests of the grant software” has no agreement about “Register of residents”."
    )
    expect(main.get_by_role("table").last).to_contain_text("50,000")
    visit.picture("steward-dataset-en-1280")
    visit.open("/stewardship/datasets/incomes", status=404)  # Rosa answers for it


@pytest.mark.parametrize("script", [True, False])
def test_what_a_person_says_is_wrong_reaches_the_steward(visits: Visits, town: Town, script: bool) -> None:
    """Sam opens it, which is recorded, and answers; Rosa, who answers for other data, cannot."""
    instance, key = town.instance, town.citizens[0]
    content = Content(key, "address", "I moved to Kelp Lane 3.")
    person = Actor(f"{CITIZEN}{key}", "demo")
    made = rights.ask(
        instance.db, instance.keys, What.CORRECTION, "civil-registry", "population", content, person
    )
    place = f"/stewardship/people/{made.id}"
    rosa = visits(persona="rosa", script=False)
    rosa.open(place, status=403)
    sam = visits(persona="sam", script=script)
    sam.open("/stewardship")
    sam.page.locator(f'a[href="{place}"]').click()
    sam.check()
    expect(sam.page.locator("main")).to_contain_text("I moved to Kelp Lane 3.")
    if script:
        sam.picture("steward-correction-en-1280")
    sam.press("Send the answer")
    expect(sam.page.get_by_role("alert")).to_contain_text("Choose whether it is done.")
    sam.page.get_by_label("It is done").check()
    sam.page.get_by_label("What was done, or why not?").fill("The new address stands since today.")
    sam.press("Send the answer")
    sam.page.wait_for_url("**/stewardship")
    expect(sam.page.locator(f'a[href="{place}"]')).to_have_count(0)


def test_a_proposal_is_decided_by_a_chief_data_officer(visits: Visits, town: Town) -> None:
    spec = {"title": "Parks Act", "eli": "eli/arnmouth/act/2026/1", "valid_from": "2026-01-01"}
    reading = read_values([{"kind": "law", "id": "parks-act", "spec": spec}], "document")
    db, kinds = town.instance.db, town.instance.kinds
    made, _ = proposals.propose(db, kinds, reading, "Take up the Parks Act", Actor("sam", "demo"))
    sam = visits(persona="sam", script=False)
    sam.open(f"/proposals/{made.id}")
    assert sam.page.get_by_role("button", name="Accept").count() == 0
    carla = visits(persona="carla")
    carla.open("/stewardship")
    carla.page.get_by_role("link", name="A change of records to decide").click()
    carla.check()
    carla.picture("steward-proposal-en-1280")
    carla.page.get_by_label("Reason").fill("Agreed on Monday.")
    carla.press("Accept")
    carla.check()
    expect(carla.page.locator("main")).to_contain_text("accepted")
    assert town.instance.book().get("law", "parks-act") is not None


def test_the_office_sees_what_is_missing_refused_and_late(visits: Visits) -> None:
    visit = visits(persona="carla")
    visit.open("/office")
    visit.check()
    main = visit.page.locator("main")
    expect(main).to_contain_text(
        "“Tests of the grant software” has no agreement about “Register of residents”."
    )
    expect(main).to_contain_text("There is no agreement with the holder of the data.")
    expect(main).to_contain_text("Nothing does. The next to end is")
    visit.picture("office-overview-en-1280")
    visit.open("/office/accountability?days=3650")
    expect(visit.page.locator("main")).to_contain_text("Civil Registry → Social Services")


@pytest.mark.parametrize("script", [True, False])
def test_the_ledger_is_checked_from_the_page(visits: Visits, script: bool) -> None:
    visit = visits(persona="audra", script=script)
    visit.open("/office/ledger")
    visit.press("Check the whole ledger now")
    expect(visit.page.locator("#checked")).to_have_text("Everything holds")
    visit.check()


@pytest.mark.parametrize("script", [True, False])
def test_after_a_breach_everyone_touched_is_found(visits: Visits, town: Town, script: bool) -> None:
    sql = "SELECT person_id FROM hospital_stays"
    town.instance.use(Request(Actor("stella", "demo"), "health_research", sql)).spool.drop()
    carla = visits(persona="carla", script=script)
    carla.open("/office/breach")
    carla.press("Make the report")
    carla.check()
    expect(carla.page.get_by_role("alert")).to_contain_text("Choose an official.")
    carla.page.get_by_label("Whose uses?").select_option("stella")
    today = str(clock.now().date())
    carla.page.get_by_label("First day").fill(today)
    carla.page.get_by_label("Last day").fill(today)
    carla.page.get_by_label("Why must it be known?").fill("Her laptop was stolen.")
    carla.press("Make the report")
    carla.page.wait_for_url("**/office/breach/rep_*")
    carla.check()
    place = carla.page.url.removeprefix(carla.address)
    keys = carla.page.locator(".of-keys").first
    expect(keys).to_contain_text("P-0")
    if script:
        carla.picture("office-breach-en-1280")
    audra = visits(persona="audra", script=script)
    audra.open(place)
    audra.check()
    expect(audra.page.locator("main")).to_contain_text("not who they are")
    assert "P-0" not in audra.page.locator("main").inner_text()
    audra.open(f"{place}/people.csv", status=403)
    visits(persona="sam", script=False).open(place, status=403)


@pytest.mark.parametrize(("language", "width"), [("fr", WIDE), ("fr", NARROW), ("en", NARROW)])
def test_every_page_in_both_languages_and_widths(visits: Visits, language: str, width: int) -> None:
    carla = visits(persona="carla", language=language, width=width)
    for place in OFFICE:
        carla.open(f"/office{place}")
        carla.check()
        carla.picture(f"office{place.replace('/', '-')}-{language}-{width}")
    sam = visits(persona="sam", language=language, width=width)
    for place in ("/stewardship", "/stewardship/datasets/population"):
        sam.open(place)
        sam.check()
    sam.picture(f"steward-dataset-{language}-{width}")


def test_everybody_sees_what_is_refused_and_how_requests_are_answered(visits: Visits) -> None:
    visit = visits()
    visit.open("/register")
    visit.follow("What is refused, and how requests are answered")
    visit.check()
    expect(visit.page.locator("main")).to_contain_text("There is no agreement with the holder of the data.")
    expect(visit.page.locator("main")).to_contain_text("How requests after refusals are answered")
    assert "Axel" not in visit.page.locator("main").inner_text()
