"""Citizens' rights over HTTP: about themselves, and nobody else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from publica.instance import Instance
from publica.kernel.errors import IntegrityBroken
from publica.trust.consent import Shown, evidence

from .city import City, slug

ME, OTHER = "P-021", "P-022"


def test_the_bundle_is_what_is_held_and_about_oneself_alone(city: City) -> None:
    for number in (21, 22):
        found = city.get(f"P-{number:03}", "/me/data").json()
        assert found["person"] == f"P-{number:03}"
        data = {each["dataset"]: each for each in found["data"]}
        [row] = data["population"]["rows"]
        values = dict(zip(data["population"]["columns"], row, strict=True))
        assert (values["person_id"], values["name"]) == (f"P-{number:03}", f"Name {number}")
        assert data["guardianships"]["rows"] == []
        other = "P-022" if number == 21 else "P-021"
        assert other not in json.dumps(found)
        uses = city.get(f"P-{number:03}", "/me/uses").json()["items"]
        assert data["population"]["receipt"] in {use["use"] for use in uses}


def asks(city: City, who: str = ME, **given: Any) -> dict[str, Any]:
    answer = city.post(who, "/me/requests", {"dataset": "population", "words": "I moved away.", **given})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_a_correction_reaches_who_answers_and_the_answer_comes_back(city: City) -> None:
    made = asks(city, column="municipality")
    assert (made["state"], made["organisation"], made["dataset"]) == ("open", "registry", "population")
    assert made["id"] in {each["id"] for each in city.get("sam", "/corrections").json()["items"]}
    assert "moved" not in city.get("sam", "/corrections").text
    read = city.get("sam", f"/corrections/{made['id']}").json()
    assert (read["person"], read["about"], read["words"]) == (ME, "municipality", "I moved away.")
    answered = city.post("sam", f"/corrections/{made['id']}/answer", {"done": True, "words": "Done."})
    assert answered.json()["state"] == "done"
    [mine] = [each for each in city.get(ME, "/me/requests").json()["items"] if each["id"] == made["id"]]
    assert mine["answer"] == "Done."
    again = city.post("sam", f"/corrections/{made['id']}/answer", {"done": True, "words": "Done."})
    assert again.status_code == 409
    assert not city.instance.verify_ledger()["problems"]


def test_nobody_else_reads_answers_or_withdraws_it(city: City) -> None:
    made = asks(city)
    assert made["id"] not in city.get(OTHER, "/me/requests").text
    assert city.post(OTHER, f"/me/requests/{made['id']}/withdraw", None).status_code == 404
    for who in (OTHER, "citizen"):
        assert city.get(who, f"/corrections/{made['id']}").status_code == 403
    assert city.get("audra", f"/corrections/{made['id']}").status_code == 403
    for who in ("ana", "carla"):
        for answer in (
            city.get(who, f"/corrections/{made['id']}"),
            city.post(who, f"/corrections/{made['id']}/answer", {"done": False, "words": "No."}),
        ):
            assert (answer.status_code, slug(answer)) == (403, "refused")
            assert answer.json()["clauses"][0]["reason"] == "rights-answering"
    assert city.post(ME, f"/me/requests/{made['id']}/withdraw", None).status_code == 200
    assert city.post(ME, f"/me/requests/{made['id']}/withdraw", None).status_code == 409


def test_opening_a_request_is_entered_and_tells_nobody_whose(city: City) -> None:
    made = asks(city)

    def entered() -> list[bytes]:
        with city.instance.db.read() as connection:
            bodies = connection.exec_driver_sql("SELECT body FROM ledger_entry WHERE kind = 'reading'")
            return [bytes(row[0]) for row in bodies if b'"rights-request"' in bytes(row[0])]

    before = len(entered())
    assert city.get(OTHER, f"/corrections/{made['id']}").status_code == 403
    assert len(entered()) == before
    assert city.get("sam", f"/corrections/{made['id']}").status_code == 200
    *_, last = found = entered()
    assert len(found) == before + 1 and ME.encode() not in last and b"sam" not in last


def test_what_is_asked_stands_nowhere_in_the_clear(city: City) -> None:
    asks(city, words="a very secret sentence")
    with city.instance.db.read() as connection:
        for table in ("rights_request", "ledger_entry", "reading"):
            rows = connection.exec_driver_sql(f"SELECT * FROM {table}").fetchall()
            assert b"very secret" not in repr(rows).encode()
            assert ME not in repr(rows)


@pytest.mark.parametrize(
    "given",
    [{}, {"dataset": "municipalities"}, {"use": "use_none"}, {"dataset": "population", "use": "use_x"}],
)
def test_a_request_about_nothing_is_bad_input(city: City, given: dict[str, str]) -> None:
    assert city.post(ME, "/me/requests", {**given, "words": "x"}).status_code in (400, 422)


def test_a_receipt_is_signed_and_of_ones_own_choice(city: City) -> None:
    assert city.get(ME, "/me/choices/study/receipt").status_code == 404
    city.post(ME, "/me/choices/study", {"action": "grant", "terms": city.terms("study")})
    found = city.get(ME, "/me/choices/study/receipt").json()
    record = evidence.verify(found, city.instance.verifier_key)
    assert record["record"]["schema_version"] == "ISO/IEC TS 27560:2023"
    assert record["record"]["pii_principal_id"] == ME
    assert record["event"]["event_state"] == "consent given"
    terms = city.get("anonymous", "/notices/study").json()["terms"]
    assert record["pii_processing"]["privacy_notice"]["terms_hash"] == terms
    assert city.get(OTHER, "/me/choices/study/receipt").status_code == 404
    for forged in (
        {**found, "note": found["note"].replace("consent given", "consent taken")},
        {**found, "record": {**found["record"], "event": {}}},
    ):
        with pytest.raises(IntegrityBroken):
            evidence.verify(forged, city.instance.verifier_key)


def test_a_notice_is_compiled_and_only_where_consent_is_asked(city: City) -> None:
    for language, floor in (("en", 60), ("fr", 55)):
        found = city.get("anonymous", f"/notices/study?language={language}").json()
        assert [section["name"] for section in found["sections"]] == [
            "purpose", "who", "data", "out", "kept", "refuse", "withdraw",
        ]  # fmt: skip
        assert found["ease"] >= floor
    assert city.get("anonymous", "/notices/care").status_code == 404


def test_a_consent_to_other_terms_than_hold_is_not_taken(city: City) -> None:
    who = "P-023"
    wrong = city.post(who, "/me/choices/study", {"action": "grant", "terms": "x" * 44})
    assert (wrong.status_code, slug(wrong)) == (409, "conflict")
    terms = city.get("anonymous", "/notices/study").json()["terms"]
    assert city.post(who, "/me/choices/study", {"action": "grant", "terms": terms}).json()["allowed"]


def test_a_consent_names_what_was_read_until_it_is_taken(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without terms it is none; those it names are compared where it is taken, not before."""
    unread = city.post("P-024", "/me/choices/study", {"action": "grant"})
    assert unread.status_code == 422
    assert not city.get("P-024", "/me/choices/study").json()["allowed"]
    terms, taken = city.terms("study"), []
    choose = Instance.choose

    def seen(*given: Any, **named: Any) -> dict[str, Any]:
        taken.append(named["shown"].terms)
        return choose(*given, **{**named, "shown": Shown("changed meanwhile")})

    monkeypatch.setattr(Instance, "choose", seen)
    late = city.post("P-024", "/me/choices/study", {"action": "grant", "terms": terms})
    assert (late.status_code, slug(late), taken) == (409, "conflict", [terms])
