"""Requests as they should not be: unreadable, oversized, to nowhere; and what every answer has."""

from __future__ import annotations

import json
import threading
from typing import Any

import httpx2
import pytest
from starlette.responses import Response
from starlette.testclient import TestClient

from publica.api import access, documents, gate
from publica.http import csrf
from publica.http.headers import ALWAYS, POLICY
from publica.http.names import OneName, others
from publica.http.problems import KINDS, TYPE

from .city import V1, City, opened, slug

JSON = {"Content-Type": "application/json"}
QUESTION = {"sql": "SELECT 1 AS n", "activity": "care"}


def body_of(text: str) -> bytes:
    return b'{"activity":"care","sql":' + text.encode() + b"}"


DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{}",
        b'{"activity":"care","sql":"\xff"}',
        body_of(r'"SELECT \u0000"'),
        body_of(r'"\ud800"'),
        body_of('"SELECT 1","sql":"SELECT 2"'),
        body_of('"x","parameters":{"a":NaN}'),
        body_of('"x","parameters":{"a":-Infinity}'),
        body_of(f'"x","parameters":{{"a":{"9" * 5000}}}'),
        body_of(f'"x","parameters":{{"a":{DEEP}}}'),
        b"[" * 50_000,
    ],
    ids=[
        "empty", "cut", "utf-16", "mark", "bytes", "nul", "half", "twice", "nan", "infinity", "digits",
        "deep", "open",
    ],
)  # fmt: skip
def test_a_body_that_cannot_be_read(city: City, body: bytes) -> None:
    answer = city.ask("ana", "POST", f"{V1}/uses", content=body, headers=JSON)
    assert answer.status_code in (400, 422), answer.text
    assert slug(answer) in ("malformed", "bad-input")
    assert answer.json()["instance"].startswith("urn:publica:request:req_")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"sql": "SELECT 1"},
        {**QUESTION, "sql": 1},
        {**QUESTION, "sql": None},
        {**QUESTION, "more": 1},
        {**QUESTION, "parameters": []},
        {**QUESTION, "parameters": {str(n): n for n in range(101)}},
        [],
        "text",
        None,
    ],
)
def test_a_body_that_does_not_fit(city: City, body: Any) -> None:
    answer = city.ask("ana", "POST", f"{V1}/uses", content=json.dumps(body).encode(), headers=JSON)
    assert (answer.status_code, slug(answer)) == (422, "bad-input")
    assert answer.json()["problems"]


def test_a_problem_repeats_nothing_that_was_sent(city: City) -> None:
    answer = city.ask(
        "ana", "POST", f"{V1}/uses", json={**QUESTION, "sql": ["secret-value"], "other": "secret-value"}
    )
    assert "secret-value" not in answer.text


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain", "application/xml", "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16", "application/merge-patch+json", "", "application/json, text/html",
    ],
)  # fmt: skip
def test_a_body_of_another_type(city: City, kind: str) -> None:
    answer = city.ask(
        "ana", "POST", f"{V1}/uses", content=json.dumps(QUESTION).encode(), headers={"Content-Type": kind}
    )
    assert (answer.status_code, slug(answer)) == (415, "unsupported-media-type")
    encoded = {**JSON, "Content-Encoding": "gzip"}
    assert city.ask("ana", "POST", f"{V1}/uses", content=b"x", headers=encoded).status_code == 415


def test_json_in_utf_8_by_any_spelling_is_taken(city: City) -> None:
    for kind in ("application/json;charset=UTF-8", 'Application/JSON; charset="utf-8"'):
        given = json.dumps(QUESTION).encode()
        assert (
            city.ask("ana", "POST", f"{V1}/uses", content=given, headers={"Content-Type": kind}).status_code
            == 200
        )


def test_an_oversized_body_is_not_read(tmp_path: Any) -> None:
    with opened(tmp_path, serve={"body_bytes": 2000}) as city:
        large = {**QUESTION, "sql": "SELECT 1 -- " + "x" * 3000}
        answer = city.post("ana", "/uses", large)
        assert (answer.status_code, slug(answer)) == (413, "too-large")

        def parts() -> Any:
            yield from (b"x" * 500 for _ in range(10))  # of no announced length

        answer = city.ask("ana", "POST", f"{V1}/uses", content=parts(), headers=JSON)
        assert (answer.status_code, slug(answer)) == (413, "too-large")
        assert city.use("ana", "SELECT 1 AS n").status_code == 200


def test_a_route_takes_as_much_as_it_may_need(city: City) -> None:
    """Whatever is read where all requests pass is small: nobody's body keeps the others waiting."""
    assert all(route in access.TABLE and "{" not in route[1] for route in gate.LARGER)
    for who, path, size in (
        ("carla", "/tokens", gate.USUAL_BYTES),
        ("P-001", "/me/choices/care", gate.USUAL_BYTES),
        ("ana", "/uses", gate.STATEMENT_BYTES),
        ("ana", "/uses/explain", gate.STATEMENT_BYTES),
        ("carla", "/records/diff", 5_000_000),
    ):
        assert city.ask(who, "POST", V1 + path, content=b" " * size, headers=JSON).status_code == 400
        assert city.ask(who, "POST", V1 + path, content=b" " * (size + 1), headers=JSON).status_code == 413


def test_nobody_signs_out_with_a_body_of_megabytes(city: City) -> None:
    """It would be read before anybody knows who sends it."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for size in (10_000_000, gate.USUAL_BYTES + 1):
        answer = city.ask("anonymous", "POST", "/sign-out", content=b"a" * size, headers=form)
        assert (answer.status_code, slug(answer)) == (413, "too-large")
    assert answer.headers["Connection"] == "close"


def test_a_token_of_a_large_form_is_not_looked_for(city: City) -> None:
    held = city.headers("P-001")
    form = {"Cookie": held["Cookie"], "Content-Type": "application/x-www-form-urlencoded"}

    def sends(path: str, padding: int) -> Any:
        body = f"csrf={held[csrf.HEADER]}&more={'x' * padding}".encode()
        return city.http.post(path, content=body, headers=form, follow_redirects=False)

    assert sends("/sign-out", 1000).status_code == 303
    held = city.headers("P-002")
    form["Cookie"] = held["Cookie"]
    assert "page of ours" in sends(f"{V1}/records/diff", csrf.MOST_BYTES).json()["detail"]
    assert "page of ours" not in sends(f"{V1}/records/diff", 1000).json()["detail"], "found, and not allowed"


def test_what_does_not_fit_is_not_listed_without_end(city: City) -> None:
    many = {str(n): {} for n in range(10_000)}
    answer = city.post("ana", "/uses", {**QUESTION, "parameters": many})
    assert answer.status_code == 422
    assert [each["where"] for each in answer.json()["problems"]] == ["body.parameters"], "not one for each"
    strange = city.post("ana", "/uses", {**QUESTION, **{f"x{n}": 1 for n in range(1000)}})
    assert len(strange.json()["problems"]) == 100
    documents = {"documents": [{f"x{n}": 1 for n in range(100_000)}]}
    answer = city.post("carla", "/records/diff", documents)
    assert answer.status_code == 422 and "1000" in answer.json()["detail"] and len(answer.text) < 1000


def test_documents_are_read_aside(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a thread of the queue: neither where all requests pass, nor without a place."""
    readers = []
    real = documents.read_text

    def reading(*given: Any) -> Any:
        readers.append(threading.current_thread().name)
        return real(*given)

    monkeypatch.setattr(documents, "read_text", reading)
    yaml = {"Content-Type": "application/yaml"}
    text = documents.EXAMPLE_YAML.encode()
    assert city.ask("carla", "POST", f"{V1}/records/diff", content=text, headers=yaml).status_code == 200
    assert readers and all(name.startswith("publica-use") for name in readers)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nope",
        "/api",
        "/api/v1",
        "/api/v1/",
        "/health/",
        "/API/V1/uses",
        "//health",
        "/api/v1/uses/x/y/z",
        "/api/v2/uses",
        "/.env",
        "/docs/../etc",
    ],
)
def test_an_address_without_anything(city: City, path: str) -> None:
    """No redirect by a trailing slash, either: an address is what it is."""
    answer = city.http.get(f"http://testserver{path}", follow_redirects=False)
    assert (answer.status_code, slug(answer)) == (404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", f"{V1}/uses", "GET, HEAD, OPTIONS, POST"),
        ("DELETE", f"{V1}/records/law/act", "GET, HEAD, OPTIONS"),
        ("GET", f"{V1}/uses/explain", None),
        ("POST", "/health", "GET, HEAD, OPTIONS"),
        ("PATCH", f"{V1}/me/choices/care", "GET, HEAD, OPTIONS, POST"),
        ("TRACE", "/health", "GET, HEAD, OPTIONS"),
        ("BREW", "/health", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_method_that_is_not_there(city: City, method: str, path: str, allow: str | None) -> None:
    answer = city.ask("ana", method, path)
    if allow is None:  # GET /uses/explain is the use of that id
        assert answer.status_code == 404
        return
    assert (answer.status_code, slug(answer), answer.headers["Allow"]) == (405, "method-not-allowed", allow)
    assert city.ask("ana", "OPTIONS", path).headers["Allow"] == allow


def test_head_is_get_without_the_body(city: City) -> None:
    for path in ("/health", f"{V1}/records", "/docs", f"{V1}/ledger/checkpoint"):
        got, head = city.ask("ana", "GET", path), city.ask("ana", "HEAD", path)
        assert head.status_code == got.status_code == 200
        assert head.content == b""
        assert head.headers["Content-Type"] == got.headers["Content-Type"]
        assert head.headers["Content-Length"] == str(len(got.content))
    assert city.ask("anonymous", "HEAD", f"{V1}/uses").status_code == 401
    assert city.ask("ana", "HEAD", f"{V1}/uses/explain").status_code == 404


def test_other_sites_may_read_nothing(city: City) -> None:
    for method in ("OPTIONS", "GET", "POST"):
        headers = {"Origin": "https://other.example", "Access-Control-Request-Method": "POST"}
        answer = city.ask("anonymous", method, f"{V1}/uses", headers=headers)
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize(
    "path",
    [
        "/health?x=%ff",
        "/health?%00",
        "/%ff",
        "/%00",
        f"{V1}/records/law/a%0d%0aX: y",
        "/health%0a",
        "/health?a=%0d%0ab",
    ],
)
def test_an_address_that_is_no_text(city: City, path: str) -> None:
    answer = city.http.get(f"http://testserver{path}")
    assert (answer.status_code, slug(answer)) == (400, "malformed")
    assert "X" not in answer.headers


def test_headers_beyond_measure(city: City) -> None:
    for path, headers in ((f"/health?x={'a' * 40_000}", {}), ("/health", {"X-A": "a" * 40_000})):
        answer = city.http.get(path, headers=headers)
        assert (answer.status_code, slug(answer)) == (431, "header-too-large")


@pytest.mark.parametrize(
    "query",
    [
        "limt=1",
        "limit=0",
        "limit=201",
        "limit=x",
        "limit=1&limit=2",
        "limit=1e9",
        f"limit={'9' * 500}",
        "after=",
        "kind=poem",
    ],
)
def test_a_parameter_that_means_nothing(city: City, query: str) -> None:
    answer = city.get("anonymous", f"/records?{query}")
    assert (answer.status_code, slug(answer)) == (422, "bad-input")


def test_every_answer_has_its_id_and_safe_headers(city: City) -> None:
    """And the id that a client sends is not taken for ours."""
    seen = set()
    for method, path in (
        ("GET", "/health"),
        ("GET", "/nope"),
        ("POST", f"{V1}/uses"),
        ("OPTIONS", "/health"),
        ("GET", "/%ff"),
    ):
        answer = city.ask("anonymous", method, path, headers={"X-Request-Id": "mine"})
        identity = answer.headers["X-Request-Id"]
        assert identity.startswith("req_")
        seen.add(identity)
        assert all(answer.headers[name] == value for name, value in ALWAYS.items())
        assert answer.headers["Content-Security-Policy"] == POLICY
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Server" not in answer.headers
        assert "Strict-Transport-Security" not in answer.headers  # this one is reached by http
        if answer.status_code >= 400:
            assert answer.json()["instance"] == f"urn:publica:request:{identity}"
    assert len(seen) == 5


@pytest.mark.parametrize("name", ["localhost:8000", "[::1]:8000", "127.0.0.1:8000"])
def test_a_browser_at_another_name_of_this_machine_is_led_to_ours(name: str) -> None:
    reached: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        reached.append(scope["path"])
        await Response("here")(scope, receive, send)

    origin = "http://127.0.0.1:8000"
    http = TestClient(OneName(app, origin=origin), base_url=f"http://{name}", follow_redirects=False)
    browser = {"Accept": "text/html,*/*;q=0.8"}
    for target in (
        "/",
        "/data/population?from=2026-01-01&q=%C3%A9",
        "//elsewhere.example/%0d%0aX: y",
        "/a%2Fb",
    ):
        answer = http.get(httpx2.URL(f"http://{name}", raw_path=target.encode()), headers=browser)
        if name == "127.0.0.1:8000":
            assert (answer.status_code, answer.text) == (200, "here")
        else:
            assert answer.status_code == 307
            assert answer.headers["location"].startswith(f"{origin}/")
            assert (
                answer.headers["location"].removeprefix(origin).lower() == target.replace(" ", "%20").lower()
            )
    reached.clear()
    assert http.get("/health", headers={"Accept": "*/*"}).text == "here"  # programs are left alone
    assert http.post("/session", headers=browser).text == "here"  # where forms come from is checked elsewhere
    assert reached == ["/health", "/session"]


@pytest.mark.parametrize(
    "origin", ["https://data.example", "http://10.0.0.1:8000", "http://localhost.example:8000"]
)
def test_a_server_elsewhere_has_no_other_names(origin: str) -> None:
    assert others(origin) == frozenset()


def test_a_token_that_is_none(city: City) -> None:
    for given in (
        "Bearer",
        "Bearer x",
        "Bearer publica_" + "a" * 58,
        "Basic YTpi",
        "Bearer eyJhbGciOiJub25lIn0.e30.",
        "nonsense",
    ):
        city.http.cookies.clear()
        for path in (f"{V1}/uses", f"{V1}/records"):
            answer = city.http.get(path, headers={"Authorization": given})
            assert (answer.status_code, slug(answer)) == (401, "sign-in-needed")
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_too_many_requests_wait(tmp_path: Any) -> None:
    with opened(tmp_path, rates={"address_per_minute": 3}) as city:
        answers = [city.http.get("/health") for _ in range(5)]
        assert [each.status_code for each in answers] == [200, 200, 200, 429, 429]
        assert slug(answers[-1]) == "too-many"
        assert int(answers[-1].headers["Retry-After"]) >= 1
        assert answers[-1].headers["X-Request-Id"]


def test_a_fault_of_ours_tells_nothing(
    city: City, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Not the client, and not the log either: only what kind it was, and where."""

    def broken(*_given: Any) -> Any:
        raise ZeroDivisionError("P-001 has the value 17")

    monkeypatch.setattr(type(city.instance), "explain", broken)
    answer = city.http.post(f"{V1}/uses/explain", json=QUESTION, headers=city.headers("ana"))
    assert (answer.status_code, slug(answer)) == (500, "fault")
    assert "P-001" not in answer.text
    assert "ZeroDivisionError" not in answer.text
    assert "P-001" not in caplog.text
    (found,) = [record for record in caplog.records if record.msg == "fault"]
    assert found.__dict__["fields"]["error"] == "ZeroDivisionError"
    assert found.__dict__["fields"]["route"] == f"{V1}/uses/explain"


def test_the_kinds_of_problems_are_total() -> None:
    assert all(slug == kind.slug and kind.uri == TYPE + slug for slug, kind in KINDS.items())
    assert all(400 <= kind.status < 600 and kind.title and kind.when for kind in KINDS.values())
