"""Records, proposals and datasets over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from sqlalchemy import select

from publica.governance.identity import repeats
from publica.governance.leadership import actions
from publica.kernel.errors import Unavailable
from publica.kernel.ledger.store import entries

from .city import V1, City, slug

LAW: dict[str, Any] = {
    "kind": "law",
    "id": "bees-act",
    "spec": {"title": "Bees Act", "eli": "eli/area/act/2026/9", "valid_from": "2026-01-01"},
}


def law(name: str, **spec: Any) -> dict[str, Any]:
    return {**LAW, "id": name, "spec": {**LAW["spec"], **spec}}


def role(official: str, name: str = "chief data officer", organisation: str = "office") -> dict[str, Any]:
    spec = {"official": official, "role": name, "organisation": organisation, "valid_from": "2026-01-01"}
    return {"kind": "role", "id": f"{official}-new", "spec": spec}


def propose(city: City, who: str, *documents: dict[str, Any]) -> str:
    answer = city.post(who, "/records/proposals", {"title": "A change", "documents": list(documents)})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def decide(city: City, who: str, name: str, how: str = "accept", **given: Any) -> Any:
    return city.post(who, f"/records/proposals/{name}/{how}", given)


def reasons(answer: Any) -> set[str]:
    assert (answer.status_code, slug(answer)) == (403, "refused"), answer.text
    return {clause["reason"] for clause in answer.json()["clauses"]}


def test_records_are_listed_in_pages_and_read(city: City) -> None:
    seen, path = [], f"{V1}/records?limit=7"
    while path:
        page = city.ask("anonymous", "GET", path).json()
        seen += [f"{item['kind']}:{item['id']}" for item in page["items"]]
        path = page["next"]
    assert seen == sorted(set(seen))
    assert "dataset:population" in seen
    assert not any(name.startswith("official:") for name in seen)
    shown = city.get("anonymous", "/records/dataset/population").json()
    assert shown["spec"]["holder"] == "registry"
    assert shown["actor"] is None
    assert city.get("sam", "/records/dataset/population").json()["actor"] == "operator"


def test_officials_are_read_by_who_is_signed_in(city: City) -> None:
    assert city.get("anonymous", "/records/official/ana").status_code == 404
    assert city.get("anonymous", "/records/official/ana/history").status_code == 404
    assert city.get("anonymous", "/records?kind=official").status_code == 401
    assert city.get("citizen", "/records/official/ana").json()["spec"]["name"] == "Ana"
    assert city.get("ana", "/records?kind=official").json()["items"]


@pytest.mark.parametrize("path", ["/records/law/none", "/records/law/none/history", "/datasets/none"])
def test_what_is_not_there(city: City, path: str) -> None:
    answer = city.get("anonymous", path)
    assert (answer.status_code, slug(answer)) == (404, "not-found")
    assert city.get("anonymous", "/records/nonsense/none").status_code == 422


def test_a_record_as_it_was(city: City) -> None:
    name = propose(city, "sam", law("old-act"))
    assert decide(city, "carla", name).status_code == 200
    then = city.get("anonymous", "/records/law/old-act").json()["recorded_at"]
    assert decide(city, "carla", propose(city, "sam", law("old-act", title="Newer Act"))).status_code == 200
    assert city.get("anonymous", "/records/law/old-act").json()["spec"]["title"] == "Newer Act"
    was = city.get("anonymous", f"/records/law/old-act?at={then}").json()
    assert (was["revision"], was["spec"]["title"]) == (1, "Bees Act")
    assert city.get("anonymous", "/records/law/old-act?at=2020-01-01").status_code == 404
    for wrong in ("yesterday", "0001-01-01T00:00:00+23:59", "99999999999999", ""):
        assert city.get("anonymous", f"/records/law/old-act?at={wrong}").status_code == 422
    history = city.get("anonymous", "/records/law/old-act/history").json()["items"]
    assert [each["revision"] for each in history] == [1, 2]
    assert city.get("anonymous", "/records/law/old-act/history?after=1").json()["items"] == history[1:]


@pytest.mark.parametrize(
    "path", ["/records", "/records/law/act", "/records/law/act/history", "/datasets", "/datasets/population"]
)
def test_what_the_client_has_is_not_sent_again(city: City, path: str) -> None:
    first = city.get("anonymous", path)
    tag = first.headers["ETag"]
    for given in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = city.get("anonymous", path, headers={"If-None-Match": given})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert city.get("anonymous", path, headers={"If-None-Match": '"other"'}).content == first.content
    assert "private" in city.get("ana", path).headers["Cache-Control"]


def test_a_tag_changes_with_the_record(city: City) -> None:
    before = city.get("anonymous", "/records?kind=law").headers["ETag"]
    assert decide(city, "carla", propose(city, "sam", law("tag-act"))).status_code == 200
    answer = city.get("anonymous", "/records?kind=law", headers={"If-None-Match": before})
    assert answer.status_code == 200


def test_a_difference_is_shown_and_nothing_is_changed(city: City) -> None:
    given = {"documents": [law("diff-act"), law("act", title="Other", eli="eli/area/act/2019/1")]}
    found = city.post("ana", "/records/diff", given).json()["differences"]
    assert [(each["id"], each["what"]) for each in found] == [("act", "changed"), ("diff-act", "added")]
    assert {"path": "title", "before": "Act", "after": "Other"} in found[0]["changes"]
    assert city.get("ana", "/records/law/diff-act").status_code == 404
    text = yaml.safe_dump_all(given["documents"])
    again = city.ask(
        "ana", "POST", f"{V1}/records/diff", content=text, headers={"Content-Type": "application/yaml"}
    )
    assert again.json()["differences"] == found


def test_everything_that_is_wrong_is_said_at_once(city: City) -> None:
    wrong = [
        law("x-act", valid_from="soon"),
        role("nobody"),
        {**LAW, "kind": "poem"},
        {**LAW, "id": "Not An Id"},
    ]
    answer = city.post("sam", "/records/diff", {"documents": wrong})
    assert (answer.status_code, slug(answer)) == (422, "bad-input")
    assert len(answer.json()["problems"]) == 3
    assert answer.json()["problems"][0]["where"].startswith("document")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"kind: law\nid: y\nspec: &a {x: *a}\n", 422),
        (b"", 422),
        (b"\xff\xfe", 422),
        (b"%TAG ! tag:x,2000:\n---\n!x y", 422),
        (b"- " * 100_000, 422),
    ],
)
def test_hostile_yaml_is_a_problem(city: City, body: bytes, status: int) -> None:
    answer = city.ask(
        "sam", "POST", f"{V1}/records/diff", content=body, headers={"Content-Type": "application/yaml"}
    )
    assert (answer.status_code, slug(answer)) == (status, "bad-input")


def test_a_proposal_changes_nothing_until_another_accepts(city: City) -> None:
    name = propose(city, "sam", law("wait-act"))
    assert city.get("sam", "/records/law/wait-act").status_code == 404
    shown = city.get("audra", f"/records/proposals/{name}").json()
    assert (shown["state"], shown["proposer"], shown["documents"][0]["id"]) == ("open", "sam", "wait-act")
    done = decide(city, "carla", name, why="It is needed.").json()
    assert (done["state"], done["decided_by"], done["why"]) == ("accepted", "carla", "It is needed.")
    assert [each["what"] for each in done["differences"]] == ["added"]
    record = city.get("sam", "/records/law/wait-act").json()
    assert record["actor"] == "sam"  # applied as the proposer's


def test_the_ledger_says_who_accepted(city: City) -> None:
    name = propose(city, "sam", law("said-act"))
    decide(city, "carla", name)
    with city.instance.db.read() as connection:
        query = select(entries.c.body).where(entries.c.kind == "proposal")
        steps = [json.loads(body) for body in connection.execute(query).scalars()]
    ours = [step for step in steps if step["proposal"] == name]
    assert [step["step"] for step in ours] == ["proposed", "accepted"]
    assert all("carla" not in json.dumps(step) and "sam" not in json.dumps(step) for step in ours)
    assert city.instance.verify_ledger()["problems"] == []


def test_who_proposed_does_not_accept(city: City) -> None:
    name = propose(city, "carla", law("own-act"))
    assert "proposal-another" in reasons(decide(city, "carla", name))
    assert decide(city, "cleo", name).status_code == 200


def test_nobody_accepts_what_is_about_themselves(city: City) -> None:
    name = propose(city, "sam", role("cleo"))
    assert reasons(decide(city, "cleo", name)) == {"proposal-not-own"}
    assert city.get("sam", f"/records/proposals/{name}").json()["state"] == "open"
    official = {"kind": "official", "id": "cleo", "spec": {"name": "Cleopatra", "organisation": "registry"}}
    assert reasons(decide(city, "cleo", propose(city, "sam", official))) == {"proposal-not-own"}
    assert decide(city, "carla", name).status_code == 200


def test_an_officer_of_a_supplier_decides_nothing(city: City) -> None:
    city.office.apply(
        {
            ("organisation", "acme"): {"name": "Acme", "type": "supplier"},
            ("official", "abel"): {"name": "Abel", "organisation": "acme"},
            ("role", "abel-chief"): {
                "official": "abel", "role": "chief data officer", "organisation": "acme",
                "valid_from": "2020-01-01",
            },
        }
    )  # fmt: skip
    name = propose(city, "sam", law("acme-act"))
    assert "proposal-chief" in reasons(decide(city, "abel", name))
    assert "proposal-chief" in reasons(decide(city, "abel", name, "decline"))


def test_a_proposal_is_decided_once(city: City) -> None:
    name = propose(city, "sam", law("once-act"))
    assert decide(city, "carla", name, "decline", why="Not now.").status_code == 200
    for how in ("accept", "decline"):
        again = decide(city, "carla", name, how)
        assert (again.status_code, slug(again)) == (409, "conflict")
    assert city.get("sam", "/records/law/once-act").status_code == 404


def test_a_proposer_takes_their_own_back_and_no_others(city: City) -> None:
    mine = propose(city, "sam", law("back-act"))
    assert "proposal-chief" in reasons(decide(city, "ivo", mine, "decline"))
    assert decide(city, "sam", mine, "decline").json()["state"] == "declined"


def test_a_proposal_that_does_not_fit_any_more_is_not_accepted(city: City) -> None:
    activity = city.get("sam", "/records/activity/care").json()["spec"]
    name = propose(city, "sam", {"kind": "activity", "id": "care", "spec": {**activity, "retention": "P2Y"}})
    gone = propose(city, "sam", law("fit-act", valid_from="2026-02-01"))
    assert decide(city, "carla", gone).status_code == 200
    assert decide(city, "carla", name).status_code == 200
    unchanged = city.post(
        "sam", "/records/proposals", {"title": "Same", "documents": [law("fit-act", valid_from="2026-02-01")]}
    )
    assert unchanged.status_code == 422


def test_proposals_are_listed(city: City) -> None:
    made = [propose(city, "sam", law(f"list-act-{number}")) for number in range(3)]
    page = city.get("audra", "/records/proposals?limit=2&state=open").json()
    assert [each["id"] for each in page["items"]] == made[:0:-1]
    following = city.ask("audra", "GET", page["next"]).json()["items"]
    assert following[0]["id"] == made[0]
    assert city.get("carla", "/records/proposals?state=lost").status_code == 422


def test_a_repeated_request_is_done_once(city: City) -> None:
    given = {"title": "Twice", "documents": [law("twice-act")]}
    key = {"Idempotency-Key": "k-1"}
    first = city.post("sam", "/records/proposals", given, headers=key)
    again = city.post("sam", "/records/proposals", given, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    other = city.post("sam", "/records/proposals", {**given, "title": "Else"}, headers=key)
    assert (other.status_code, slug(other)) == (422, "key-reused")
    foreign = city.post("ivo", "/records/proposals", given, headers=key)
    assert foreign.json()["id"] != first.json()["id"]  # a key is its sender's alone
    path = f"/records/proposals/{first.json()['id']}/accept"
    done = [city.post("carla", path, {}, headers=key) for _ in range(2)]
    assert [each.status_code for each in done] == [200, 200]
    assert done[0].json() == done[1].json()


def test_a_request_that_failed_may_be_made_again(city: City) -> None:
    key = {"Idempotency-Key": "k-2"}
    wrong = city.post(
        "sam", "/records/proposals", {"title": "No", "documents": [role("nobody")]}, headers=key
    )
    assert wrong.status_code == 422
    right = city.post(
        "sam", "/records/proposals", {"title": "No", "documents": [law("right-act")]}, headers=key
    )
    assert right.status_code == 201


def test_a_request_whose_end_is_not_known_is_not_made_again(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server stopped between the change and its answer; or the database went away as it was asked."""
    key = {"Idempotency-Key": "k-3"}
    given = {"title": "Half-way", "documents": [law("half-act")]}
    with monkeypatch.context() as stopped:
        stopped.setattr(repeats, "finish", unavailable)
        assert city.post("sam", "/records/proposals", given, headers=key).status_code == 503
    for _ in range(2):
        again = city.post("sam", "/records/proposals", given, headers=key)
        assert (again.status_code, slug(again)) == (409, "conflict")
    with monkeypatch.context() as lost:
        lost.setattr(actions, "propose", unavailable)
        other = {"Idempotency-Key": "k-4"}
        assert city.post("sam", "/records/proposals", given, headers=other).status_code == 503
    assert city.post("sam", "/records/proposals", given, headers=other).status_code == 409
    made = city.get("sam", "/records/proposals").json()["items"]
    assert [each["title"] for each in made].count("Half-way") == 1


def unavailable(*_given: Any, **_named: Any) -> Any:
    raise Unavailable("Not now.")


@pytest.mark.parametrize("key", ["", "x" * 201, "with space", "tab\tkey"])
def test_a_key_that_is_none_is_refused(city: City, key: str) -> None:
    answer = city.post(
        "sam", "/records/proposals", {"title": "K", "documents": [LAW]}, headers={"Idempotency-Key": key}
    )
    assert answer.status_code == 422


def test_datasets_say_what_they_mean_and_who_answers(city: City) -> None:
    items = city.get("anonymous", "/datasets").json()["items"]
    assert {each["id"]: each["rows"] for each in items}["population"] == 80
    shown = city.get("anonymous", "/datasets/population").json()
    columns = {column["name"]: column for column in shown["columns"]}
    assert columns["person_id"]["role"] == "subject key"
    assert columns["municipality"]["concept"] == "municipality"
    assert [version["number"] for version in shown["versions"]] == [2, 1]
    assert shown["steward"] == {"role": "sam-steward", "official": "sam"}
    assert city.get("anonymous", "/datasets/budgets").json()["versions"] == []
