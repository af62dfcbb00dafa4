"""When a law is in force."""

from __future__ import annotations

from datetime import date

import pytest

from publica.governance.rules import Law, in_force
from publica.governance.rules.rules import check_law

from .world import changed, problems, world


@pytest.mark.parametrize(
    ("day", "holds"),
    [
        (date(2019, 12, 31), False),
        (date(2020, 1, 1), True),
        (date(2024, 6, 30), True),
        (date(2024, 7, 1), False),
    ],
)
def test_a_law_is_in_force_from_its_first_to_its_last_day(day: date, holds: bool) -> None:
    law = world(changed("law:grant-act", ("2020-01-01", "2020-01-01, valid_to: 2024-06-30"))).get(
        "law", "grant-act"
    )
    assert law and in_force(law.spec, day) is holds


def test_a_law_without_a_last_day_stays_in_force() -> None:
    law = world().get("law", "grant-act")
    assert law and in_force(law.spec, date(9999, 12, 31))


def test_a_law_may_not_end_before_it_begins() -> None:
    [(path, what)] = problems(changed("law:grant-act", ("2020-01-01", "2020-01-01, valid_to: 2019-12-31")))
    assert path == "valid_to"
    assert "before it begins" in what


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JavaScript://host/%0Aalert(1)",
        "data:text/html,<b>x</b>",
        "file:///etc/passwd",
        "//elsewhere.example/law",
        "law.example/act",
        "https:",
        "https:///act",
        "https://:443/act",
        "https://host:port/act",
        "https://[host/act",
        "https://gov.example@elsewhere.example/",
        "https:\\\\elsewhere.example",
        "ht\ttps://law.example",
        "https://law.example/two words",
    ],
)
def test_what_becomes_a_link_leads_to_a_page(url: str) -> None:
    """It stands on citizens' pages: one error names it; of an older version it is shown, and no link."""
    law = Law(title="Act", eli="eli/act", valid_from=date(2020, 1, 1), url=url)
    assert law.link is None
    [problem] = check_law("act", law, world())
    assert problem.path == ("url",) and "no address of a web page" in problem.what


@pytest.mark.parametrize(
    "url", [None, "https://law.example/act#art_7", "http://law.example:8080", "https://é.example/?a=b"]
)
def test_an_address_of_a_page_is_a_link(url: str | None) -> None:
    law = Law(title="Act", eli="eli/act", valid_from=date(2020, 1, 1), url=url)
    assert law.link == url
    assert list(check_law("act", law, world())) == []
