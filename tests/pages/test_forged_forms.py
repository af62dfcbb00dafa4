"""What a page does with forms and addresses that no page of ours makes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from api.city import ORIGIN, City, opened
from httpx2 import Response
from starlette.testclient import TestClient

from publica.api.app import create_app
from publica.instance import citizens
from publica.web import ROUTERS, error_page

NOTICE = "/my-choices/study"
HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """The city of the API's tests, with pages."""
    with opened(tmp_path_factory.mktemp("city")) as made:
        made.instance.checkpoint()
        made.app = create_app(made.instance, identity=made.identity, routers=ROUTERS, error_page=error_page)
        made.http = TestClient(made.app, base_url=ORIGIN, raise_server_exceptions=False)
        yield made
        made.app.state.serving.close()


def send(city: City, who: str, path: str, form: dict[str, str] | None = None, **more: str) -> Response:
    """A form that somebody sends, or a page that they open."""
    headers = {**city.headers(who), **HTML, **more}
    city.http.cookies.clear()
    method = "GET" if form is None else "POST"
    return city.http.request(method, path, data=form, headers=headers, follow_redirects=False)


def fields(city: City, who: str, **more: str) -> dict[str, str]:
    """What the notice's form holds, as its reader sees it."""
    page = send(city, who, NOTICE, **more).text
    found = dict(re.findall(r'<input type="hidden" name="(terms|language|text)" value="([^"]*)">', page))
    assert set(found) == {"terms", "language", "text"}
    return found


def asked(city: City) -> tuple[int, int]:
    """How many answers to the question were counted, and how many of them were right."""
    found = citizens.understood(city.instance, "study")
    return sum(each.asked for each in found), sum(each.passed for each in found)


def allowed(city: City, who: str) -> bool:
    return bool(city.instance.choice_status(who, "study")["allowed"])


def test_an_answer_counts_once(city: City) -> None:
    """The first one, and the one with which somebody agrees; whatever else they send is not counted."""
    who = "P-031"
    form, (before, right) = fields(city, who), asked(city)
    wrong = next(
        option
        for option in re.findall(
            r'name="understood" id="[^"]*" value="([^"]*)"', send(city, who, NOTICE).text
        )
        if option != "right"
    )
    for _ in range(3):
        assert send(city, who, NOTICE, {**form, "action": "grant", "understood": wrong}).status_code == 422
    assert asked(city) == (before + 1, right)
    for action in ("withdraw", "refuse", "nonsense"):
        send(city, who, NOTICE, {**form, "action": action, "understood": "right"})
    assert asked(city) == (before + 1, right)
    for _ in range(2):
        assert send(city, who, NOTICE, {**form, "action": "grant", "understood": "right"}).status_code == 303
        assert allowed(city, who)
        send(city, who, NOTICE, {**form, "action": "withdraw"})
    assert asked(city) == (before + 2, right + 1)


@pytest.mark.parametrize("answer", ["", "RIGHT", "x" * 90, "right\0"])
def test_an_answer_that_was_not_offered_is_none(city: City, answer: str) -> None:
    who, before = "P-032", asked(city)
    form = fields(city, who)
    refused = send(city, who, NOTICE, {**form, "action": "grant", "understood": answer})
    assert refused.status_code in (400, 422) and not allowed(city, who)
    assert asked(city) == before


@pytest.mark.parametrize(
    "changed",
    [
        {"text": ""},
        {"text": "0" * 64},
        {"language": "fr"},
        {"language": ""},
        {"terms": "0" * 64},
        {"terms": ""},
    ],
)
def test_a_yes_is_to_the_text_that_was_read(city: City, changed: dict[str, str]) -> None:
    """What was on the page is what the receipt names; where it is another text, one reads again."""
    who, before = "P-033", asked(city)
    form = {**fields(city, who), **changed, "action": "grant", "understood": "right"}
    answer = send(city, who, NOTICE, form)
    assert answer.status_code == 422
    assert "Please read them once more" in answer.text
    assert not allowed(city, who)
    assert asked(city) == before


def test_a_name_that_changes_meanwhile_is_read_again(city: City) -> None:
    """The terms stand, but the text says another name; a no is taken all the same."""
    who = "P-034"
    form = fields(city, who)
    before: dict[str, Any] = dict(city.instance.book().get("organisation", "institute").spec.json_value)  # type: ignore[union-attr]
    city.office.apply({("organisation", "institute"): {**before, "name": "House of Figures"}})
    assert send(city, who, NOTICE, {**form, "action": "grant", "understood": "right"}).status_code == 422
    assert not allowed(city, who)
    assert send(city, who, NOTICE, {**form, "action": "refuse"}).status_code == 303
    form = fields(city, who)
    assert send(city, who, NOTICE, {**form, "action": "grant", "understood": "right"}).status_code == 303
    assert citizens.receipt(city.instance, who, "study")["record"]["pii_processing"]["privacy_notice"]
    city.office.apply({("organisation", "institute"): before})


@pytest.mark.parametrize(
    "changed",
    [
        {"until": "9999-12-31"},
        {"since": "0001-01-01", "until": "9999-12-30"},
        {"why": "a\x00b"},
        {"why": "a\x1bb\x7f"},
        {"why": "a\u202eb"},
        {"why": "\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace")},
        {"since": "2026-W01-1", "official": "\x00"},
    ],
)
def test_a_report_of_anything_is_no_failure(city: City, changed: dict[str, str]) -> None:
    form = {"official": "ana", "since": "2026-01-01", "until": "2026-12-01", "why": "Theft.", **changed}
    answer = send(city, "carla", "/office/breach", form)
    assert answer.status_code in (303, 400, 422), answer.text
    if answer.status_code == 303:
        assert send(city, "carla", answer.headers["location"]).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "///evil.example", "/%5Cevil.example", "/%09/evil.example", "/%2F/evil.example/x"],
)
def test_no_link_of_a_page_leads_elsewhere(city: City, path: str) -> None:
    """Not even from an address that begins as another server's does."""
    answer = city.http.get(f"{ORIGIN}{path}", headers=HTML)
    assert answer.status_code in (400, 404)
    for link in re.findall(r'(?:href|action)="([^"]*)"', answer.text):
        assert not re.match(r"[/\\\s]{2}", link), link
        assert not link.startswith("http") or "evil" not in link, link
