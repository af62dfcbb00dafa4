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
from publica.web import ROUTERS, citizen, error_page, site

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


def test_answers_count_of_each_version(city: City) -> None:
    """Also when its words are those of one before."""
    who, study = "P-035", ("activity", "study")
    before: dict[str, Any] = dict(city.instance.book().get(*study).spec.json_value)  # type: ignore[union-attr]
    for retention in ("P7Y", "P8Y", "P7Y"):
        city.office.apply({study: {**before, "retention": retention}})
        counted = asked(city)[0]
        form = {**fields(city, who), "action": "grant", "understood": "right"}
        assert send(city, who, NOTICE, form).status_code == 303
        assert asked(city)[0] == counted + 1, retention
    city.office.apply({study: before})


def told(city: City, who: str, action: str, place: str = NOTICE) -> tuple[str | None, str]:
    """What is said after a form, and what the page says then."""
    form = fields(city, who) if place == NOTICE else {}
    answer = send(city, who, place, {**form, "action": action})
    assert answer.status_code == 303, answer.text
    return answer.cookies.get(site.NOTE), send(city, who, place).text


def test_what_a_no_says_is_so(city: City) -> None:
    """The first one, the next, one after a yes; and it is recorded once each time."""
    who = "P-036"
    assert "You have not answered." in send(city, who, NOTICE).text
    for code in ("choice-refused", "choice-stands"):
        said, page = told(city, who, "refuse")
        assert said == code and "You have said no. Your data is left out." in page
    assert told(city, who, "withdraw")[0] == "choice-nothing"
    form = {**fields(city, who), "action": "grant", "understood": "right"}
    assert send(city, who, NOTICE, form).status_code == 303
    said, page = told(city, who, "withdraw")
    assert said == "choice-withdrawn" and "You have taken your yes back." in page
    assert told(city, who, "refuse")[0] == "choice-refused"
    history = city.instance.choice_status(who, "study")["history"]
    assert [step["action"] for step in history] == ["refuse", "grant", "withdraw", "refuse"]


def test_a_no_leaves_an_objection(city: City) -> None:
    """Whose activity asks for consent for a while, and then rests on a law again."""
    who, totals = "P-037", ("activity", "totals")
    place = "/my-choices/totals"
    before: dict[str, Any] = dict(city.instance.book().get(*totals).spec.json_value)  # type: ignore[union-attr]
    assert told(city, who, "object", place)[0] == "choice-objected"
    city.office.apply({totals: {**before, "basis": {"kind": "consent"}}})
    for action in ("refuse", "withdraw"):
        said, page = told(city, who, action, place)
        assert said == "choice-objection-stands" and "You object, so your data is left out." in page
    city.office.apply({totals: before})
    assert not city.instance.choice_status(who, "totals")["allowed"]
    assert told(city, who, "withdraw", place)[0] == "choice-objection-withdrawn"
    assert city.instance.choice_status(who, "totals")["allowed"]


@pytest.mark.parametrize("action", ["nonsense", "lapse", "", "GRANT"])
@pytest.mark.parametrize("place", [NOTICE, "/my-choices/totals", "/my-choices/care"])
def test_an_action_that_there_is_not_is_told_as_such(city: City, place: str, action: str) -> None:
    answer = send(city, "P-038", place, {"action": action, "terms": "x"})
    assert answer.status_code == 422 and answer.text.count("That is no choice that you have here.") == 1
    assert "There is a problem" in answer.text and "just changed" not in answer.text


WRONGS = [
    ({"said": ""}, "Say what is wrong"),
    ({"said": "a\rb"}, "cannot be shown"),
    ({"said": "a\tb"}, "cannot be shown"),
    ({"said": "x" * 2001}, "Use fewer words"),
    ({"said": "I moved.", "column": "nope"}, "Choose a part that is there."),
    ({"said": "I moved.", "dataset": "municipalities"}, "Choose which data is wrong."),
    ({"said": "It is wrong.", "what": "complaint", "use": "use_none"}, "There is no such use."),
]


@pytest.mark.parametrize(("given", "error"), WRONGS)
def test_what_was_typed_is_not_lost(city: City, given: dict[str, str], error: str) -> None:
    form = {"what": "correction", "dataset": "population", **given}
    answer = send(city, "P-039", "/my-corrections", form)
    assert answer.status_code == 422
    summary = answer.text.partition("There is a problem")[2].partition("</ul>")[0]
    assert error in summary
    assert f">{given['said'].replace(chr(13), '&#13;')}</textarea>" in answer.text.replace("\r", "&#13;")


def test_a_request_too_many_keeps_what_was_typed(city: City) -> None:
    form = {"what": "correction", "dataset": "population"}
    for number in range(50):
        assert send(city, "P-040", "/my-corrections", {**form, "said": f"No {number}"}).status_code == 303
    answer = send(city, "P-040", "/my-corrections", {**form, "said": "One more"})
    assert answer.status_code == 422
    assert "Too many of your requests wait." in answer.text and ">One more</textarea>" in answer.text


def test_what_waits_is_listed_first_however_much_came_after(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And it can be taken back; what is left out stands in the file."""
    monkeypatch.setattr(citizen, "DECIDED", 3)
    who, form = "P-041", {"what": "correction", "dataset": "population"}
    send(city, who, "/my-corrections", {**form, "said": "The first"})
    [first] = citizens.mine(city.instance, who)
    for number in range(5):
        send(city, who, "/my-corrections", {**form, "said": f"No {number}"})
        newest = citizens.mine(city.instance, who)[0].of.id
        assert send(city, who, f"/my-corrections/{newest}/withdraw", {}).status_code == 303
    page = send(city, who, "/my-corrections").text
    listed = re.findall(r'<h3 class="govuk-summary-card__title" id="(\w+)"', page)
    assert len(listed) == 4 and listed[0] == first.of.id
    assert "2 older requests are not shown here." in page
    assert len(send(city, who, "/my-data/download").json()["requests"]) == 6
    assert send(city, who, f"/my-corrections/{first.of.id}/withdraw", {}).status_code == 303
    assert send(city, "P-042", f"/my-corrections/{first.of.id}/withdraw", {}).status_code == 404


def test_nobody_complains_of_their_own_look(city: City) -> None:
    """Nor of a question under an activity that there is not: no organisation would answer."""
    who = "P-043"
    send(city, who, "/my-data/population")
    own = city.get(who, "/me/uses").json()["items"][0]["use"]
    refused = city.use("ana", "SELECT name FROM population", "open-access").json()["receipt"]
    for use in (own, refused):
        page = send(city, who, f"/my-uses/{use}")
        assert page.status_code == 200 and "/my-corrections?use=" not in page.text
        answer = send(city, who, "/my-corrections", {"what": "complaint", "use": use, "said": "My words"})
        assert answer.status_code == 422 and "No office made this use." in answer.text
        assert ">My words</textarea>" in answer.text
        given = {"use": use, "words": "My words"}
        assert city.post(who, "/me/requests", given).status_code == 422
    assert citizens.mine(city.instance, who) == []


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
