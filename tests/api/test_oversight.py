"""Requests and oversight over HTTP: who sees whose, and what the office finds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from publica.governance.agreements.oversight import ending, holes
from publica.kernel import clock
from publica.kernel.ledger.store import entries
from publica.trust.transparency.store import breaches

from .city import City, records, slug

REFUSED = "SELECT name FROM population"
LACKED = ("agreement-columns", "agreement:registry-care")


def refused(city: City) -> str:
    answer = city.use("ana", REFUSED)
    assert answer.status_code == 403
    return str(answer.json()["receipt"])


@pytest.fixture(scope="module")
def made(city: City) -> dict[str, Any]:
    """One request of Ana's, to Sam."""
    body = {"reason": LACKED[0], "about": LACKED[1], "words": "To write letters."}
    answer = city.post("ana", f"/uses/{refused(city)}/requests", body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_refusal_says_what_it_lacked_and_whom_to_ask(city: City) -> None:
    answer = city.get("ana", f"/uses/{refused(city)}/lacked").json()
    assert {
        "reason": LACKED[0],
        "about": LACKED[1],
        "organisation": "registry",
        "official": "sam",
    }.items() <= {**next(item for item in answer["items"] if item["reason"] == LACKED[0])}.items()


def test_a_refusal_of_anothers_is_not_known(city: City) -> None:
    use = refused(city)
    for who in ("eddie", "carla", "sam"):
        assert city.get(who, f"/uses/{use}/lacked").status_code == 404
        body = {"reason": LACKED[0], "about": LACKED[1], "words": "Please."}
        assert city.post(who, f"/uses/{use}/requests", body).status_code == 404


def test_a_request_is_seen_by_its_parties_and_by_the_office(city: City, made: dict[str, Any]) -> None:
    path = f"/requests/{made['id']}"
    for who in ("ana", "sam", "carla", "audra"):
        assert city.get(who, path).json()["words"] == "To write letters."
        assert made["id"] in [item["id"] for item in city.get(who, "/requests").json()["items"]]
    for who in ("eddie", "ivo", "stella", "olaf"):
        assert city.get(who, path).status_code == 404
        assert city.get(who, "/requests").json()["items"] == []
        assert city.post(who, f"{path}/answer", {"agreed": True, "why": "Yes."}).status_code == 404


def test_it_stands_in_the_queue_of_whoever_is_asked(city: City, made: dict[str, Any]) -> None:
    def queued(who: str) -> list[str]:
        return [item["id"] for item in city.get(who, "/queue").json()["items"]]

    assert made["id"] in queued("sam")
    for who in ("ana", "carla", "audra", "ivo"):
        assert made["id"] not in queued(who)
    every = city.get("audra", "/oversight/clocks").json()["items"]
    assert made["id"] in [item["id"] for item in every]
    assert city.get("audra", "/oversight/clocks?state=overdue").json()["items"] == []


def test_it_is_answered_by_whoever_is_asked(city: City) -> None:
    body = {"reason": "columns-in-activity", "about": "activity:care", "words": "To write letters."}
    name = city.post("ana", f"/uses/{refused(city)}/requests", body).json()["id"]
    path = f"/requests/{name}/answer"
    for who in ("ana", "carla"):
        answer = city.post(who, path, {"agreed": True, "why": "Yes."})
        assert (answer.status_code, slug(answer)) == (403, "refused")
    answer = city.post("ivo", path, {"agreed": False, "why": "Numbers are enough."})
    assert (answer.json()["state"], answer.json()["decided_by"]) == ("declined", "ivo")
    again = city.post("ivo", path, {"agreed": True, "why": "Well."})
    assert (again.status_code, slug(again)) == (409, "conflict")
    assert city.get("anonymous", "/requests/statistics").json()["declined"] >= 1


def test_refusals_are_ranked_for_everybody(city: City) -> None:
    refused(city)
    items = city.get("anonymous", "/oversight/refusals").json()["items"]
    times = [item["times"] for item in items]
    assert times == sorted(times, reverse=True)
    named = next(item for item in items if item["reason"] == LACKED[0])
    assert named["activities"] == {"care": named["times"]}


def test_the_ledgers_health(city: City) -> None:
    before = city.get("carla", "/oversight/ledger").json()
    refused(city)
    after = city.get("carla", "/oversight/ledger").json()
    assert after["waiting"] + after["size"] > before["waiting"] + before["size"]
    city.instance.checkpoint()
    signed = city.get("carla", "/oversight/ledger").json()
    assert (signed["waiting"], signed["signed"]) == (0, signed["size"])


def test_a_breach_report_names_everyone_touched(city: City) -> None:
    """By the uses of one actor in a period, and by no other."""
    rows = "SELECT person_id, sex FROM population WHERE municipality = 'm1'"
    before = clock.now()
    assert city.use("ana", rows).status_code == 200
    after = clock.now() + timedelta(milliseconds=1)
    body = {
        "actor": "ana",
        "since": clock.text(before),
        "until": clock.text(after),
        "why": "A stolen laptop.",
    }
    found = city.post("carla", "/oversight/breaches", body).json()
    assert (found["touched"], found["left"], len(found["uses"])) == (40, 40, 1)
    assert {person["key"] for person in found["people"]} == {f"P-{n:03}" for n in range(2, 81, 2)}
    other = city.post("carla", "/oversight/breaches", {**body, "actor": "sam"}).json()
    assert (other["touched"], other["uses"]) == (0, [])
    seen = city.get("carla", f"/oversight/breaches/{found['id']}").json()
    assert seen == found


def test_an_auditor_gets_the_numbers_and_nobodys_key(city: City) -> None:
    body = {"actor": "ana", "since": "2026-01-01", "until": "2099-01-01", "why": "A check."}
    found = city.post("audra", "/oversight/breaches", body).json()
    assert found["touched"] > 0
    assert found["people"] is None


def test_each_look_at_a_report_is_entered_and_an_alteration_is_found(city: City) -> None:
    def count(kind: str) -> int:
        with city.instance.db.read() as connection:
            query = select(func.count()).select_from(entries).where(entries.c.kind == kind)
            return int(connection.execute(query).scalar() or 0)

    body = {"actor": "ana", "since": "2026-01-01", "until": "2099-01-01", "why": "A check."}
    reports, readings = count("breach"), count("reading")
    name = city.post("carla", "/oversight/breaches", body).json()["id"]
    city.get("audra", f"/oversight/breaches/{name}")
    assert (count("breach"), count("reading")) == (reports + 1, readings + 1)
    assert city.instance.verify_ledger()["problems"] == []
    other = select(breaches.c.sealed).where(breaches.c.id != name).limit(1).scalar_subquery()
    query = update(breaches).where(breaches.c.id == name).values(sealed=other)
    with city.instance.db.read() as connection:
        held = connection.execute(select(breaches.c.sealed).where(breaches.c.id == name)).scalar_one()
    city.instance.db.maintain(lambda change: change.connection.execute(query))
    assert any(name in problem for problem in city.instance.verify_ledger()["problems"])
    query = update(breaches).where(breaches.c.id == name).values(sealed=held)
    city.instance.db.maintain(lambda change: change.connection.execute(query))
    assert city.instance.verify_ledger()["problems"] == []


def test_a_report_needs_a_reason_a_period_and_somebody(city: City) -> None:
    body = {"actor": "ana", "since": "2026-01-01", "until": "2026-02-01", "why": "A check."}
    for wrong in ({"why": "  "}, {"until": "2026-01-01"}, {"actor": "nobody"}):
        assert city.post("carla", "/oversight/breaches", {**body, **wrong}).status_code == 422


def test_the_office_of_a_supplier_oversees_nobody(city: City) -> None:
    made = records()
    made["organisation", "maker"] = {"name": "Maker", "type": "supplier"}
    made["official", "max"] = {"name": "Max", "organisation": "maker"}
    made["role", "max-chief"] = {
        "official": "max", "role": "chief data officer", "organisation": "maker", "valid_from": "2020-01-01"
    }  # fmt: skip
    keys = (("organisation", "maker"), ("official", "max"), ("role", "max-chief"))
    city.office.apply({key: made[key] for key in keys})
    body = {"actor": "ana", "since": "2026-01-01", "until": "2026-02-01", "why": "A check."}
    answer = city.post("max", "/oversight/breaches", body)
    assert answer.status_code == 403
    assert [clause["reason"] for clause in answer.json()["clauses"]] == ["oversight-office"]
    assert city.get("max", "/requests").json()["items"] == []


def test_holes_are_found_where_something_is_missing(city: City) -> None:
    from spine.office import book

    today = clock.now().date()
    whole = records()
    found = {(hole.kind.value, hole.record) for hole in holes(book(whole), today)}

    def new(changes: dict[tuple[str, str], dict[str, Any]]) -> set[tuple[str, str]]:
        changed = {key: {**whole[key], **changes.get(key, {})} for key in whole}
        return {(hole.kind.value, hole.record) for hole in holes(book(changed), today)} - found

    sam = next(key for key in whole if key[0] == "role" and whole[key]["official"] == "sam")
    assert ("no steward", "dataset:population") in new({sam: {"valid_to": "2021-01-01"}})
    assert ("steward left", "dataset:population") in new({("official", "sam"): {"valid_to": "2021-01-01"}})
    care = ("agreement", "registry-care")
    assert ("agreement over", "agreement:registry-care") in new({care: {"valid_to": "2025-06-01"}})
    assert ("not signed", "agreement:registry-care") in new({care: {"signatures": []}})
    assert ("no agreement", "activity:care") in new({care: {"purposes": ["dpv:Marketing"]}})
    assert ("law over", "activity:care") in new({("law", "care-act"): {"valid_to": "2025-06-01"}})
    assert ("no assessment", "activity:care") in new({("activity", "care"): {"assessment": None}})
    chiefs = {key: {"valid_to": "2021-01-01"} for key in whole if "chief-data-officer" in key[1]}
    assert ("no chief data officer", "") in new(chiefs)


def test_what_ends_soon_is_listed_with_what_rests_on_it(city: City) -> None:
    from spine.office import book

    today = clock.now().date()
    whole = records()
    soon = {"valid_to": str(today + timedelta(days=20))}
    whole["agreement", "registry-care"] = {**whole["agreement", "registry-care"], **soon}
    whole["law", "care-act"] = {**whole["law", "care-act"], **soon}
    found = {each.record.name: each.carries for each in ending(book(whole), today, 30)}
    assert found["agreement:registry-care"] == ("care",)
    assert "care" in found["law:care-act"]
    assert not ending(book(whole), today, 10)
