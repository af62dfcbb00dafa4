"""The API's own description: complete, true, and a page without any script."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from html.parser import HTMLParser
from time import sleep
from typing import Any

import pytest
from httpx2 import Request, Response

from publica.api import reference
from publica.api.access import ACCESS, UNASKED
from publica.http.problems import KINDS

from .city import City


@pytest.fixture(scope="module")
def document(city: City) -> dict[str, Any]:
    answer = city.http.get("/openapi.json")
    assert answer.headers["Content-Type"] == "application/json"
    found: dict[str, Any] = answer.json()
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, operation)
        for path, found in document["paths"].items()
        for method, operation in found.items()
    ]


def test_every_route_is_described(document: dict[str, Any]) -> None:
    described = {(method, path) for method, path, _ in operations(document)}
    assert described == {(method, path.replace(":path}", "}")) for method, path in ACCESS}


def test_however_many_ask_first_it_is_made_once(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes seconds: made once for each who asks at first, it would keep all threads busy for a minute."""
    made: list[int] = []

    def making(_: Any) -> dict[str, Any]:
        made.append(1)
        sleep(0.2)
        return {"made": len(made)}

    monkeypatch.setattr(city.app, "openapi_schema", None)
    monkeypatch.setattr(reference, "_document", making)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: reference.document(city.app), range(4)))
    assert found == [{"made": 1}] * 4


def test_every_operation_is_complete(document: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))
    for method, path, operation in operations(document):
        where = f"{method} {path}"
        assert operation.get("description") or operation.get("summary"), where
        assert set(operation["tags"]) <= tags, where
        assert operation["x-roles"], where
        for parameter in operation.get("parameters", ()):
            assert parameter.get("description") or "schema" in parameter, where
        answers = operation["responses"]
        assert any(status[0] in "23" for status in answers), where
        assert {"400", "422", "429"} <= set(answers), where
        if (method, path) not in UNASKED:
            assert {"401", "403", "503"} <= set(answers), where
        if "requestBody" in operation:
            assert {"408", "413", "415"} <= set(answers), where
            for media in operation["requestBody"]["content"].values():
                assert has_example(document, media), where


def has_example(document: dict[str, Any], media: dict[str, Any]) -> bool:
    schema = media.get("schema", {})
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return bool(media.get("example") or media.get("examples") or schema.get("examples"))


def test_every_error_is_a_problem(document: dict[str, Any]) -> None:
    known = {kind.status for kind in KINDS.values()}
    for method, path, operation in operations(document):
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"], (method, path, status)
                assert int(status) in known


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for name in set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document))):
        assert name in document["components"]["schemas"], name


def test_the_document_says_how_one_shows_who_one_is(document: dict[str, Any]) -> None:
    assert set(document["components"]["securitySchemes"]) == {"token", "session"}
    assert document["openapi"].startswith("3.1")


class Page(HTMLParser):
    """What could act, or load something."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name in ("href", "src"):
                self.links.append(str(value))
            if name == "id":
                self.ids.append(str(value))


def test_the_page_has_no_script_and_loads_nothing(city: City, document: dict[str, Any]) -> None:
    answer = city.http.get("/docs")
    page = Page()
    page.feed(answer.text)
    assert not {"script", "iframe", "object", "embed", "img", "link", "form"} & page.tags
    assert not {name for name in page.attributes if name.startswith("on") or name in ("style", "src")}
    assert all(link.startswith(("#", "/openapi.json")) for link in page.links)
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for _, path, operation in operations(document):
        assert path in answer.text
        assert operation["operationId"] in page.ids


def test_what_is_described_is_shown_as_text(city: City) -> None:
    from publica.api.page import page

    made = page(
        {
            "info": {"title": "<b>&", "description": "`<script>`"},
            "tags": [],
            "paths": {},
            "components": {"schemas": {"<x>": {"a": "<y>"}}},
        }
    ).decode()
    assert "<script>" not in made
    assert "<b>&" not in made
    assert "<code>&lt;script&gt;</code>" in made


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (418, "application/json", b"{}"),
        (200, "text/html", b"{}"),
        (200, "application/json", b'{"status":"dead"}'),
    ],
)
def test_an_answer_that_is_not_described_is_noticed(city: City, status: int, kind: str, body: bytes) -> None:
    """So that every other test with this city holds the description to what is answered."""
    answer = Response(
        status, headers={"Content-Type": kind}, content=body, request=Request("GET", "http://x/health")
    )
    answer.elapsed = timedelta(0)
    with pytest.raises((AssertionError, ExceptionGroup)):
        city.require_documented("GET", "/health", answer)
