"""The table of access has every page, and every cell of it is tried."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from api.city import ORIGIN, City, opened
from starlette.testclient import TestClient

from publica.api.access import ACCESS, TABLE
from publica.api.app import create_app
from publica.api.classes import ANONYMOUS, AUDITOR, CITIZEN, CLASSES
from publica.api.pages import PAGES
from publica.api.reference import document
from publica.web import ROUTERS, error_page

PARAMETER = re.compile(r"\{[^}]*\}")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """The city of the API's tests, with pages."""
    with opened(tmp_path_factory.mktemp("city")) as made:
        made.instance.checkpoint()
        made.app = create_app(made.instance, identity=made.identity, routers=ROUTERS, error_page=error_page)
        made.http = TestClient(made.app, base_url=ORIGIN, raise_server_exceptions=False)
        yield made
        made.app.state.serving.close()


def test_the_tables_have_every_route_and_no_other(city: City) -> None:
    assert city.app.state.routes.all == set(TABLE)
    assert not set(PAGES) & set(ACCESS)


@pytest.mark.parametrize("route", sorted(PAGES), ids=" ".join)
def test_every_cell(city: City, route: tuple[str, str]) -> None:
    """Who may not, gets 401 or 403 from the gate; who may, gets as far as the handler, which never fails."""
    method, pattern = route
    path = PARAMETER.sub("none", pattern)
    for who in CLASSES:
        headers = {**city.headers(who), **(FORM if method == "POST" else {}), "Accept": "application/json"}
        city.http.cookies.clear()
        answer = city.http.request(method, path, headers=headers, follow_redirects=False)
        said = answer.json() if answer.headers["content-type"] == "application/problem+json" else {}
        assert answer.status_code < 500, (route, who, answer.text)
        stopped = said.get("title") in ("Sign in first", "Not yours to do") and "Your roles" in said["detail"]
        if who in PAGES[route]:
            assert not stopped and answer.status_code != 401, (route, who, said)
        else:
            assert answer.status_code == (401 if who == ANONYMOUS else 403), (route, who)


def test_pages_are_no_part_of_the_described_api(city: City) -> None:
    described = set(document(city.app)["paths"])
    assert not described & {pattern for _, pattern in PAGES}


def test_what_an_auditor_and_a_citizen_see(city: City) -> None:
    """The auditor no page that asks for data; a citizen none of the offices', an official no citizen's."""
    for (_, pattern), classes in PAGES.items():
        if pattern.startswith("/workbench"):
            assert AUDITOR not in classes or pattern.startswith("/workbench/requests"), pattern
        if pattern.startswith(("/workbench", "/stewardship", "/office")):
            assert CITIZEN not in classes and ANONYMOUS not in classes, pattern
        if pattern.startswith("/my-"):
            assert classes == {CITIZEN}, pattern
