"""What a provider's claims took away, a session does not do, whatever the records say of its official."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from publica.api.app import create_app
from publica.http import csrf, signing_in
from publica.http.providers import SignedIn
from publica.web import ROUTERS, error_page

from .city import ORIGIN, V1, City, opened

BOTH = {"official": "carla", "role": "steward", "organisation": "office", "valid_from": "2020-01-01"}
NOTE = {"kind": "organisation", "id": "choir", "spec": {"name": "Choir", "type": "public body"}}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """The city with pages. Carla is chief data officer and steward."""
    with opened(tmp_path_factory.mktemp("city")) as made:
        made.office.apply({("role", "carla-steward"): BOTH})
        made.app = create_app(made.instance, identity=made.identity, routers=ROUTERS, error_page=error_page)
        made.http = TestClient(made.app, base_url=ORIGIN, raise_server_exceptions=False)
        yield made
        made.app.state.serving.close()


def narrowed(city: City, official: str, *roles: str) -> dict[str, str]:
    """A session of an official with these roles of theirs alone."""
    person = SignedIn("official", official, roles=frozenset(roles))
    session = signing_in.admit(city.identity, city.identity.providers["test"], person)
    return {"Cookie": f"publica={session}", csrf.HEADER: csrf.token(session)}


def send(city: City, headers: dict[str, str], method: str, path: str, **given: Any) -> Response:
    city.http.cookies.clear()
    return city.http.request(method, path, headers=headers, follow_redirects=False, **given)


def test_what_people_ask_is_not_opened_or_answered(city: City) -> None:
    wrong = {"dataset": "population", "column": "name", "words": "It is misspelt."}
    asked = city.post("P-002", "/me/requests", wrong).json()["id"]
    less, whole = narrowed(city, "sam", "analyst"), narrowed(city, "sam", "steward")
    for place, told in (("/corrections", []), ("/queue", [])):
        assert send(city, less, "GET", V1 + place).json()["items"] == told
        assert [each["id"] for each in send(city, whole, "GET", V1 + place).json()["items"]] == [asked]
    for headers, status in ((less, 403), (whole, 200)):
        assert send(city, headers, "GET", f"{V1}/corrections/{asked}").status_code == status
        answer = send(
            city, headers, "POST", f"{V1}/corrections/{asked}/answer", json={"done": True, "words": "Done."}
        )
        assert answer.status_code == status


def test_no_proposal_is_decided(city: City) -> None:
    """A chief data officer whom the provider calls a steward: pages are for both, deciding is not."""
    asked = {"title": "A choir", "documents": [NOTE]}
    made = city.post("steward", "/records/proposals", asked)
    place = f"/proposals/{made.json()['id']}"
    less, whole = narrowed(city, "carla", "steward"), narrowed(city, "carla", "chief data officer")
    for decision in ("accept", "decline"):
        assert send(city, less, "POST", place, data={"decision": decision}).status_code == 403
    assert send(city, less, "POST", f"{V1}/records{place}/decline", json={}).status_code == 403
    assert 'value="accept"' not in send(city, less, "GET", place).text
    assert city.instance.book().get("organisation", "choir") is None
    assert 'value="accept"' in send(city, whole, "GET", place).text
    assert send(city, whole, "POST", place, data={"decision": "accept"}).status_code == 303
    assert city.instance.book().get("organisation", "choir") is not None


def test_others_requests_are_not_seen_or_answered(city: City) -> None:
    refused = city.post("ana", "/uses", {"activity": "care", "sql": "SELECT name FROM population"}).json()
    lacked = city.get("ana", f"/uses/{refused['receipt']}/lacked").json()["items"][0]
    wanted = {"reason": lacked["reason"], "about": lacked["about"], "words": "We need it."}
    made = city.post("ana", f"/uses/{refused['receipt']}/requests", wanted).json()["id"]
    for official in ("carla", "sam"):
        less = narrowed(city, official, "analyst")
        assert made not in send(city, less, "GET", f"{V1}/queue").text
        answer = {"agreed": True, "why": "Gladly."}
        assert send(city, less, "POST", f"{V1}/requests/{made}/answer", json=answer).status_code >= 403
    less, whole = narrowed(city, "carla"), narrowed(city, "carla", "chief data officer")
    for headers, status in ((less, 404), (whole, 200)):
        assert send(city, headers, "GET", f"{V1}/requests/{made}").status_code == status
        assert send(city, headers, "GET", f"/requests/{made}").status_code == status
        assert (made in send(city, headers, "GET", f"{V1}/requests").text) is (status == 200)
