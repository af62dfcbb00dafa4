"""The pages for everybody, as a browser shows them."""

from __future__ import annotations

import pytest

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
