"""The pages for everybody, as a browser shows them."""

from __future__ import annotations

import json
import time
from collections import Counter
from urllib.request import Request, urlopen

import pytest

from .town import Town
from .visit import NARROW, WIDE, Visits

PLACES = {
    "/": "public-home",
    "/sign-in": "public-sign-in",
    "/register": "public-register",
    "/register/activities/health_research": "public-activity",
    "/register/activities/labour_statistics": None,
    "/register/activities/software_tests": None,
    "/register/agreements/civil-registry-social-services": "public-agreement",
    "/ledger": "public-ledger",
    "/ledger/verify": "public-verify",
    "/accessibility": None,
}
"""Every page, and what its picture is called."""


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_page_is_in_order(visits: Visits, language: str, width: int) -> None:
    visit = visits(language=language, width=width)
    for place, picture in PLACES.items():
        visit.open(place)
        visit.check()
        if picture is not None and (language, width) in (("en", WIDE), ("fr", NARROW)):
            visit.picture(f"{picture}-{language}-{width}")


def fetched(town: Town, path: str) -> str:
    with urlopen(Request(town.address + path, headers={"Accept": "*/*"}), timeout=60) as answer:
        return str(answer.read().decode())


def test_the_register_equals_what_anybody_adds_up_from_the_ledger(town: Town, visits: Visits) -> None:
    """The table of flows, the picture's numbers and the first page's figures, against the entries."""
    town.instance.checkpoint()
    visit = visits()
    for _ in range(5):  # until nobody else uses the town meanwhile
        size = int(fetched(town, "/api/v1/ledger/checkpoint").splitlines()[1])
        visit.open("/register")
        if f"first {size:,} entries" in visit.page.locator("main").inner_text():
            break
        time.sleep(1)
        town.instance.checkpoint()
    entries = [
        json.loads(json.loads(fetched(town, f"/api/v1/ledger/entries/{n}"))["entry"]) for n in range(size)
    ]
    receipts = [entry for entry in entries if entry["kind"] == "receipt"]
    flows: Counter[tuple[str, str]] = Counter()
    for receipt in receipts:
        if receipt["outcome"] == "released":
            flows.update((dataset, receipt["activity"]) for dataset in receipt["columns"])
    book = town.instance.book()
    expected = Counter(
        {
            (book.get("dataset", dataset).spec.title, book.get("activity", activity).spec.title): uses
            for (dataset, activity), uses in flows.items()
            if book.get("activity", activity) is not None
        }
    )
    rows = visit.page.locator("#flows ~ table tbody tr").all()
    found = {
        (cells[0], cells[2]): int(cells[4].replace(",", ""))
        for cells in (row.locator("th, td").all_inner_texts() for row in rows)
    }
    assert {flow: uses for flow, uses in found.items() if uses and flow in expected} == expected
    assert {flow for flow, uses in found.items() if not uses} & set(expected) == set()
    numbers = visit.page.locator("svg .pub-number").all_text_contents()
    assert sorted(map(int, numbers)) == sorted(uses for uses in found.values() if uses)
    visit.open("/")
    figures = visit.page.locator(".pub-figure__value").all_inner_texts()
    assert int(figures[0]) == sum(receipt["outcome"] == "released" for receipt in receipts)
    assert int(figures[1]) == sum(receipt["outcome"] == "refused" for receipt in receipts)


def test_without_a_script_all_is_there(visits: Visits) -> None:
    visit = visits(script=False, width=NARROW)
    for place in PLACES:
        visit.open(place)
        visit.check()
    assert visit.page.get_by_role("link", name="Data uses", exact=True).is_visible()
