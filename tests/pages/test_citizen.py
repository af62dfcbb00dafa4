"""The pages for a citizen, as a browser shows them."""

from __future__ import annotations

import pytest

from publica.kernel.actor import Actor

from .town import Town
from .visit import NARROW, WIDE, Visits

OPERATOR = Actor("operator", "operator", "tester")
PLACES = {
    "/my-data": "citizen-data",
    "/my-data/population": None,
    "/my-data/hospital_stays": "citizen-dataset",
    "/my-data/all": None,
    "/my-uses": "citizen-uses",
    "/my-uses?how=left": None,
    "/my-uses?activity=own-data": None,
    "/my-uses/others": "citizen-others",
    "/my-choices": "citizen-choices",
    "/my-choices/health_research": "citizen-notice",
    "/my-choices/labour_statistics": "citizen-objection",
    "/my-choices/heating_grant": "citizen-law",
    "/my-corrections": "citizen-corrections",
    "/my-corrections?dataset=incomes": None,
}
"""Every page, and what its picture is called."""


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_page_is_in_order(visits: Visits, town: Town, language: str, width: int) -> None:
    visit = visits(language=language, width=width, persona="citizen-1")
    uses = town.instance.uses(town.citizens[0], OPERATOR)
    use = next(each["use"] for each in uses if each["activity"] != "own-data")
    for place, picture in {**PLACES, f"/my-uses/{use}": "citizen-use"}.items():
        visit.open(place)
        visit.check()
        if picture is not None and (language, width) in (("en", WIDE), ("fr", NARROW)):
            visit.picture(f"{picture}-{language}-{width}")


@pytest.mark.parametrize("place", ["/my-data/all", "/my-data/population", "/my-data/download"])
def test_reading_ones_data_waits_its_turn_as_every_use_does(
    visits: Visits, town: Town, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    visit = visits(script=False, persona="citizen-1")
    monkeypatch.setitem(town.serving.queue._running, "someone", 1000)
    monkeypatch.setattr(town.serving.queue, "room", 0)
    before = len(town.instance.uses(town.citizens[0], OPERATOR))
    assert visit.page.request.get(town.address + place).status == 503
    assert len(town.instance.uses(town.citizens[0], OPERATOR)) == before, "it was not begun"
    visit.open("/my-data")  # reads no data, so it waits for nobody
