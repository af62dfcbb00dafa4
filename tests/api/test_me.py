"""Citizens, about themselves only: choices, uses, proofs."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from sqlalchemy import select

from publica.http import csrf, logs
from publica.instance import offline
from publica.kernel.ledger.store import entries

from .city import CITIZEN, V1, City, slug

COUNT = "SELECT count(*) AS n FROM population"


def test_where_one_stands_with_every_activity(city: City) -> None:
    items = city.get("citizen", "/me/choices").json()["items"]
    rights = {each["activity"]: each["right"] for each in items}
    assert rights["care"] == "objection"
    assert rights["study"] == "consent"
    assert "grants" not in rights  # it gives no right
    paged, path = [], f"{V1}/me/choices?limit=2"
    while path:
        page = city.ask("citizen", "GET", path).json()
        paged += page["items"]
        path = page["next"]
    assert paged == items
    none = city.get("citizen", "/me/choices/grants").json()
    assert (none["right"], none["allowed"]) == ("none", True)


def test_a_choice_takes_effect_at_the_next_use(city: City) -> None:
    who = "P-011"
    before = city.use("ana", COUNT).json()["rows"][0]["n"]
    made = city.post(who, "/me/choices/care", {"action": "object"}).json()
    assert made == {"activity": "care", "allowed": False, "changed": True}
    assert city.use("ana", COUNT).json()["rows"][0]["n"] == before - 1
    assert city.post(who, "/me/choices/care", {"action": "object"}).json()["changed"] is False
    shown = city.get(who, "/me/choices/care").json()
    assert [step["action"] for step in shown["history"]] == ["object"]
    assert city.get("P-012", "/me/choices/care").json()["history"] == []
    assert city.post(who, "/me/choices/care", {"action": "withdraw"}).json()["allowed"]
    assert city.use("ana", COUNT).json()["rows"][0]["n"] == before


def test_a_choice_that_the_basis_does_not_give_is_refused(city: City) -> None:
    for activity, action, reason in (
        ("grants", "object", "choice-no-objection"),
        ("care", "grant", "choice-basis-is-law"),
        ("care", "refuse", "choice-basis-is-law"),
    ):
        answer = city.post("citizen", f"/me/choices/{activity}", {"action": action, "terms": "x" * 44})
        assert (answer.status_code, slug(answer)) == (403, "refused")
        assert answer.json()["clauses"][0]["reason"] == reason
    assert city.post("citizen", "/me/choices/none", {"action": "grant", "terms": "x"}).status_code == 404
    assert city.post("citizen", "/me/choices/care", {"action": "perhaps"}).status_code == 422


def test_a_no_is_a_choice_of_its_own(city: City) -> None:
    """It needs no terms, and has a receipt."""
    who = "P-018"
    for changed in (True, False):
        made = city.post(who, "/me/choices/study", {"action": "refuse"}).json()
        assert made == {"activity": "study", "allowed": False, "changed": changed}
    receipt = city.get(who, "/me/choices/study/receipt").json()
    assert receipt["record"]["event"]["event_state"] == "consent refused"
    [asked] = [each for each in city.get(who, "/me/data").json()["choices"] if each["activity"] == "study"]
    assert [step["action"] for step in asked["history"]] == ["refuse"]


def test_a_repeated_choice_is_made_once(city: City) -> None:
    """Also where it was changed in between: the second request is the first one, come late."""
    key, who = {"Idempotency-Key": "mine"}, "P-013"
    grant = {"action": "grant", "terms": city.terms("study")}
    first = city.post(who, "/me/choices/study", grant, headers=key)
    city.post(who, "/me/choices/study", {"action": "withdraw"})
    again = city.post(who, "/me/choices/study", grant, headers=key)
    assert again.json() == first.json()
    assert not city.get(who, "/me/choices/study").json()["allowed"]
    other = city.post("P-014", "/me/choices/study", grant, headers=key)
    assert other.json()["changed"]


def test_without_the_sessions_token_nothing_is_changed(city: City) -> None:
    cookie = {"Cookie": city.headers("P-015")["Cookie"]}
    city.http.cookies.clear()
    for headers in (
        cookie,
        {**cookie, csrf.HEADER: "guessed"},
        {**city.headers("P-015"), "Origin": "https://evil.example"},
    ):
        answer = city.http.post(f"{V1}/me/choices/care", json={"action": "object"}, headers=headers)
        assert (answer.status_code, slug(answer)) == (403, "forbidden")
    assert city.get("P-015", "/me/choices/care").json()["history"] == []


def test_uses_and_their_proofs(city: City, tmp_path: Path) -> None:
    receipt = city.use("ana", "SELECT sex FROM population WHERE sex = 'F'").headers["Publica-Receipt"]
    woman, man = "P-020", "P-021"  # see city.people
    listed = {each["use"]: each for each in city.get(woman, "/me/uses").json()["items"]}
    assert listed[receipt]["how"] == "left"
    for who, touched in ((woman, True), (man, False)):
        answer = city.get(who, f"/me/uses/{receipt}/proof")
        file = tmp_path / f"{who}.json"
        file.write_bytes(answer.content)
        found = offline.verify(file, city.instance.verifier_keys)
        assert found["touched"] is touched, found["sentence"]


def test_uses_come_in_pages(city: City) -> None:
    for _ in range(5):
        city.use("ana", COUNT)
    first = city.get("P-030", "/me/uses?limit=3").json()
    assert len(first["items"]) == 3
    assert first["total"] >= 5
    seen, path = [], f"{V1}/me/uses?limit=2"
    for _ in range(2):
        page = city.ask("P-030", "GET", path).json()
        seen += [each["use"] for each in page["items"]]
        path = page["next"]
    assert seen[:3] == [each["use"] for each in first["items"]]


def test_a_guessed_receipt_proves_nothing(city: City) -> None:
    for guess in ("use_00000000000000000000", "../../ledger", "use_%2e%2e", "' OR 1=1 --"):
        assert city.get("citizen", f"/me/uses/{guess}/proof").status_code in (404, 422)


def test_somebody_about_whom_nothing_is_held(city: City) -> None:
    for path in ("/me/uses", "/me/choices", "/me/choices/care"):
        answer = city.get("P-none", path)
        assert (answer.status_code, slug(answer)) == (404, "not-found")
        assert "P-none" not in answer.text


@pytest.fixture
def logged() -> Iterator[StringIO]:
    stream, logger = StringIO(), logging.getLogger("publica")
    before = logger.handlers, logger.level, logger.propagate
    logs.start(stream)
    yield stream
    logger.handlers, level, logger.propagate = before
    logger.setLevel(level)


def test_no_key_stands_in_the_ledger_or_the_logs(city: City, logged: StringIO) -> None:
    """Nor a statement, a name, an address or a query string in the logs."""
    city.post(CITIZEN, "/me/choices/care", {"action": "object"})
    city.get(CITIZEN, "/me/uses?limit=7")
    city.use(CITIZEN, "SELECT income FROM population WHERE name = 'Name 1'", "own-data")
    city.use("ana", "SELECT count(*) FROM population WHERE municipality = 'm1'")
    city.get(CITIZEN, "/records/law/none?at=2026-01-01")
    text = logged.getvalue()
    lines = [json.loads(line) for line in text.splitlines()]
    assert len(lines) == 5
    assert {line["event"] for line in lines} == {"request"}
    assert lines[0]["route"] == f"{V1}/me/choices/{{activity}}"
    for secret in (
        CITIZEN,
        "citizen:",
        "ana",
        "SELECT",
        "Name 1",
        "limit=7",
        "testclient",
        "2026-01-01T00",
        "none?",
    ):
        assert secret not in text, secret
    with city.instance.db.read() as connection:
        bodies = b"".join(connection.execute(select(entries.c.body)).scalars())
    assert CITIZEN.encode() not in bodies
    assert b"citizen:" not in bodies
