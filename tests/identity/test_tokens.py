"""API tokens: made once, kept by digest, scoped, expiring, revocable; over HTTP and on the command line."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
import states
from hypothesis import given
from hypothesis import strategies as st
from spine.support import publica as command
from starlette.testclient import TestClient

from publica.cli import token as cli
from publica.governance.identity import credentials
from publica.instance import credentials as verbs
from publica.kernel import clock
from publica.kernel.actor import Actor
from publica.kernel.errors import BadInput

from .site import Clock, Site, csrf_of
from .test_sessions import leave, persona_site

OPERATOR = Actor("operator", "operator", "tester")
AID = "heating_grant"


def made(town: Site, holder: str = "ana", **more: Any) -> str:
    return verbs.create(town.instance, holder, "test", OPERATOR, **more)[1]


def bearing(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def known(town: Site, text: str) -> int:
    return int(town.browser().get("/known", headers=bearing(text)).status_code)


def test_a_token_lets_its_holder_in(town: Site) -> None:
    text = made(town)
    answer = town.browser().get("/known", headers=bearing(text))
    assert answer.json() == {"kind": "official", "actor": "ana", "how": "token"}
    assert town.browser().post("/change", headers=bearing(text)).status_code == 200, "no cookie, no CSRF"
    assert re.fullmatch(r"publica_[a-z2-7]{58}", text)


@given(st.integers(0, 65), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567_A "))
def test_a_token_that_was_mistyped_is_known_as_such(place: int, letter: str) -> None:
    """Before anything is looked up; and so leaked ones are found by scanners."""
    text = credentials.draw()
    assert credentials.well_formed(text)
    other = text[:place] + letter + text[place + 1 :]
    assert credentials.well_formed(other) == (other == text)


@pytest.mark.parametrize(
    "value",
    ["", "Bearer", "Bearer ", "Basic YTpi", "publica_", "Bearer publica_", "Bearer publica_" + "a" * 58,
     "Bearer x.y.z", "Bearer é", "Bearer " + "a" * 7000, "Token x", "Bearer null"],
)  # fmt: skip
def test_whatever_else_lets_nobody_in(town: Site, value: str) -> None:
    answer = town.browser().get("/anybody", headers={"Authorization": value.encode()})  # type: ignore[dict-item]
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_guessed_token_lets_nobody_in(town: Site) -> None:
    made(town)
    assert [known(town, credentials.draw()) for _ in range(20)] == [401] * 20


def test_a_cookie_does_not_mend_a_bad_token(town: Site) -> None:
    """Nor does it lend its name to whoever sends both."""
    browser = town.signed_in("official", "carla")
    assert browser.get("/known", headers=bearing(credentials.draw())).status_code == 401
    assert browser.get("/known", headers=bearing(made(town))).json()["actor"] == "ana"


def test_guessing_is_slowed_down(town: Site) -> None:
    text = made(town)
    codes = [known(town, credentials.draw()) for _ in range(62)]
    assert codes[:60] == [401] * 60 and codes[-1] == 429
    assert known(town, text) == 200, "who has a good one is let in all the same"


def test_a_token_expires(town: Site, time: Clock) -> None:
    text = made(town, days=2)
    time.forward(hours=47)
    assert known(town, text) == 200
    time.forward(hours=1, seconds=1)
    assert known(town, text) == 401


def test_a_token_is_revoked(town: Site) -> None:
    token, text = verbs.create(town.instance, "ana", "test", OPERATOR)
    other = made(town)
    assert known(town, text) == 200
    assert verbs.revoke(town.instance, token.id, OPERATOR)
    assert known(town, text) == 401 and known(town, other) == 200
    assert not verbs.revoke(town.instance, token.id, OPERATOR), "once is enough"
    assert [entry["what"] for entry in town.entries("token")] == ["created", "created", "revoked"]
    assert town.instance.verify_ledger()["problems"] == []


def test_a_token_of_somebody_who_left(town: Site) -> None:
    text = made(town)
    leave(town, "ana", clock.now().date() - timedelta(days=1))
    assert known(town, text) == 401
    with pytest.raises(BadInput, match="no official ana"):
        made(town)


def test_its_scope_is_all_that_it_may(town: Site) -> None:
    text = made(town, activities=[AID])
    browser = town.browser()
    assert browser.post(f"/ask/{AID}", headers=bearing(text)).status_code == 200
    refused = browser.post("/ask/health_research", headers=bearing(text))
    assert refused.status_code == 403 and refused.json()["type"] == "urn:publica:problem:forbidden"
    assert browser.get("/anybody", headers=bearing(text)).json()["roles"] == []
    wide = made(town)
    assert browser.get("/anybody", headers=bearing(wide)).json()["roles"] == ["analyst"]
    denied = browser.post("/ask/health_research", headers=bearing(wide))
    assert denied.json()["type"] == "urn:publica:problem:refused", "the door says no, not the token"
    none = made(town, activities=[], scopes=["metrics"])
    assert browser.post(f"/ask/{AID}", headers=bearing(none)).status_code == 403
    assert browser.get("/api/v1/session", headers=bearing(none)).json()["scopes"] == ["metrics"]


def test_receipts_say_that_it_was_a_token(town: Site) -> None:
    receipt = town.browser().post(f"/ask/{AID}", headers=bearing(made(town))).json()["receipt"]
    entry = town.entries("receipt")[-1]
    assert entry["id"] == receipt and entry["authenticated"] == "token"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"holder": "nobody"}, "no official"),
        ({"holder": "operator"}, "no official"),
        ({"activities": ["unheard-of"]}, "no activity"),
        ({"activities": []}, "could do nothing"),
        ({"scopes": ["everything"]}, "no scope"),
        ({"days": 0}, "0 days"),
        ({"days": 366}, "366 days"),
    ],
)
def test_what_cannot_be_made(town: Site, wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        made(town, **wrong)
    assert town.entries("token") == []


def test_nobody_makes_a_token_of_another(town: Site) -> None:
    with pytest.raises(BadInput, match="cannot make tokens of ana"):
        verbs.create(town.instance, "ana", "test", Actor("carla", "oidc"))


def test_scopes_are_the_operator_s_to_give(town: Site) -> None:
    """A token of the scope tracker reads anybody's list: no official has it by asking for it."""
    with pytest.raises(BadInput, match="operator"):
        verbs.create(town.instance, "ana", "test", Actor("ana", "oidc"), activities=[], scopes=["tracker"])
    for who in ("ana", "carla"):
        browser = town.signed_in("official", who)
        for scope in credentials.SCOPES:
            assert post(browser, activities=[], scopes=[scope]).status_code == 422
            assert post(browser, activities=None, scopes=[scope]).status_code == 422
    assert town.entries("token") == []


def test_last_used_is_known_to_the_hour(town: Site, time: Clock) -> None:
    token, text = verbs.create(town.instance, "ana", "test", OPERATOR)

    def last() -> Any:
        (found,) = verbs.listing(town.instance, OPERATOR)
        return found.last_used

    assert token.last_used is None and last() is None
    known(town, text)
    first = last()
    assert first.minute == first.second == 0 and clock.now() - first < timedelta(hours=1)
    time.forward(hours=1)
    known(town, text)
    assert last() == first + timedelta(hours=1)


def test_only_a_digest_is_kept(town: Site) -> None:
    text = made(town)
    with town.instance.db.read() as connection:
        for table in ("api_token", "identity_event", "ledger_entry"):
            for row in connection.exec_driver_sql(f"SELECT * FROM {table}"):
                assert text.encode() not in b"".join(value for value in row if isinstance(value, bytes))
                assert text[8:] not in str(tuple(row))
    assert '"ana"' not in json.dumps(town.entries("token"))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE api_token SET expires_at = '2099-01-01T00:00:00.000Z'",
        "UPDATE api_token SET holder = 'carla'",
        "UPDATE api_token SET activities = NULL",
        "UPDATE api_token SET scopes = '[\"metrics\"]'",
        "UPDATE api_token SET digest = randomblob(32)",
        "UPDATE api_token SET revoked_at = NULL",
        "DELETE FROM api_token",
        "DELETE FROM identity_event",
        "UPDATE identity_event SET what = 'revoked' WHERE what = 'created'",
    ],
)
def test_tampering_with_tokens_shows(town: Site, statement: str) -> None:
    token, _ = verbs.create(town.instance, "ana", "test", OPERATOR, activities=[AID])
    verbs.revoke(town.instance, token.id, OPERATOR)
    assert town.instance.verify_ledger()["problems"] == []
    states.tamper(town.instance.db, statement)
    assert town.instance.verify_ledger()["problems"]


# over HTTP


def post(browser: TestClient, **body: Any) -> Any:
    return browser.post("/api/v1/tokens", json={"name": "test", **body}, headers=csrf_of(browser))


def test_an_official_makes_lists_and_revokes_their_own(town: Site) -> None:
    browser = town.signed_in("official", "ana")
    answer = post(browser, activities=[AID], days=7)
    assert answer.status_code == 201, answer.text
    token = answer.json()
    assert token["holder"] == "ana" and token["activities"] == [AID]
    assert town.browser().get("/known", headers=bearing(token["token"])).status_code == 200
    listed = browser.get("/api/v1/tokens").json()
    assert [one["id"] for one in listed["tokens"]] == [token["id"]] and listed["next"] is None
    assert "token" not in listed["tokens"][0]
    gone = browser.delete(f"/api/v1/tokens/{token['id']}", headers=csrf_of(browser))
    assert gone.status_code == 204
    assert town.browser().get("/known", headers=bearing(token["token"])).status_code == 401
    assert browser.delete(f"/api/v1/tokens/{token['id']}", headers=csrf_of(browser)).status_code == 204
    assert browser.delete(f"/api/v1/tokens/{token['id']}").status_code == 403, (
        "not without the session's token"
    )


def test_a_token_that_is_asked_for_again_is_the_same(town: Site) -> None:
    """Where the answer got lost. It is kept sealed, for a day."""
    browser = town.signed_in("official", "ana")
    headers = {**csrf_of(browser), "Idempotency-Key": "nightly-1"}
    body = {"name": "test", "activities": [AID]}
    first = browser.post("/api/v1/tokens", json=body, headers=headers)
    again = browser.post("/api/v1/tokens", json=body, headers=headers)
    assert first.status_code == again.status_code == 201 and first.json() == again.json()
    assert browser.post("/api/v1/tokens", json={**body, "days": 3}, headers=headers).status_code == 422
    assert len(town.entries("token")) == 1
    with town.instance.db.read() as connection:
        (row,) = connection.exec_driver_sql("SELECT * FROM idempotency_key").fetchall()
        assert first.json()["token"].encode() not in b"".join(v for v in row if isinstance(v, bytes))


def test_the_list_goes_on(town: Site) -> None:
    browser = town.signed_in("official", "ana")
    for _ in range(5):
        made(town)
    seen, address = [], "/api/v1/tokens?limit=2"
    while address:
        page = browser.get(address).json()
        seen += [one["id"] for one in page["tokens"]]
        address = page["next"]
    assert seen == [token.id for token in verbs.listing(town.instance, OPERATOR)] and len(seen) == 5
    assert browser.get("/api/v1/tokens?after=tok_x").status_code == 422


def test_another_s_token_is_not_there(town: Site) -> None:
    """Not to be seen, nor to be told from one that was never made."""
    theirs, _ = verbs.create(town.instance, "stella", "test", OPERATOR)
    browser = town.signed_in("official", "ana")
    assert browser.get("/api/v1/tokens").json()["tokens"] == []
    guessed = browser.delete(f"/api/v1/tokens/{theirs.id}", headers=csrf_of(browser))
    never = browser.delete("/api/v1/tokens/tok_00000000000000000000", headers=csrf_of(browser))
    assert guessed.status_code == never.status_code == 404
    assert guessed.json()["detail"] == never.json()["detail"]
    assert verbs.listing(town.instance, OPERATOR)[0].revoked_at is None


def test_a_chief_data_officer_revokes_those_of_their_organisation(town: Site) -> None:
    mine, _ = verbs.create(town.instance, "audra", "test", OPERATOR)
    other, _ = verbs.create(town.instance, "ana", "test", OPERATOR)
    browser = town.signed_in("official", "carla")
    assert [one["id"] for one in browser.get("/api/v1/tokens").json()["tokens"]] == [mine.id]
    assert browser.delete(f"/api/v1/tokens/{mine.id}", headers=csrf_of(browser)).status_code == 204
    assert browser.delete(f"/api/v1/tokens/{other.id}", headers=csrf_of(browser)).status_code == 404
    assert post(browser, holder="audra", activities=None).status_code == 422, "nobody acts as another"


def test_a_token_makes_no_token(town: Site) -> None:
    """Nor sees any: one for a single activity could make itself one for all."""
    text = made(town)
    browser = town.browser()
    assert browser.post("/api/v1/tokens", json={"name": "x"}, headers=bearing(text)).status_code == 403
    assert browser.get("/api/v1/tokens", headers=bearing(text)).status_code == 403
    assert town.browser().get("/api/v1/tokens").status_code == 401
    citizen = town.signed_in("citizen", "P-0000001")
    assert citizen.get("/api/v1/tokens").status_code == 403


def test_a_narrowed_session_makes_no_token(town: Site) -> None:
    """The token would carry the roles that the provider took away, and for longer."""
    officials = town.instance.settings.sign_in.officials
    narrow = {"roles_claim": "groups", "organisation_claim": None}
    town.identity.providers["official"].settings = officials.model_copy(update=narrow)  # type: ignore[attr-defined]
    town.provider.person("carla2", preferred_username="carla", groups=["analyst"])
    browser = town.signed_in("official", "carla2")
    answer = post(browser, activities=None)
    assert answer.status_code == 403 and "narrow" in answer.json()["detail"]
    assert town.entries("token") == []
    assert browser.get("/api/v1/tokens").status_code == 200, "to see and to revoke one's own is no more"


def test_a_persona_of_the_demo_makes_no_token(town: Site) -> None:
    """It would let anybody in as them when the demo is over."""
    demo = persona_site(town)
    assert demo.get(demo.get("/sign-in/ana").headers["location"]).status_code == 303
    assert post(demo, activities=None).status_code == 403
    assert town.entries("token") == []


@pytest.mark.parametrize(
    "body",
    [{"activities": ["unheard-of"]}, {"activities": []}, {"days": 0}, {"days": 366}, {"scopes": ["all"]},
     {"name": ""}, {"name": "two\nlines", "activities": None}, {"name": "   ", "activities": None},
     {"holder": "carla"}, {"days": "x"}],
)  # fmt: skip
def test_a_token_that_is_asked_for_wrongly(town: Site, body: dict[str, Any]) -> None:
    browser = town.signed_in("official", "ana")
    assert post(browser, **body).status_code == 422
    assert town.entries("token") == []


# on the command line


def test_the_command_line(town: Site) -> None:
    folder = town.instance.folder
    done = command("token", "create", "--for", "ana", "--name", "nightly", "--activity", AID, instance=folder)
    assert done.code == 0, done.err
    text = done.text.strip()
    assert known(town, text) == 200 and text not in done.err
    listed = command("token", "list", "--format", "json", instance=folder)
    (token,) = listed.json
    assert token["name"] == "nightly" and token["activities"] == [AID] and token["last_used"]
    shown = command("token", "list", instance=folder)
    assert token["id"] in shown.text and "nightly" in shown.text and text not in shown.text
    assert command("token", "revoke", token["id"], instance=folder).text == f"{token['id']} is revoked.\n"
    assert known(town, text) == 401
    assert "revoked" in command("token", "list", instance=folder).text
    made_json = command(
        "token",
        "create",
        "--for",
        "ana",
        "--name",
        "x",
        "--every-activity",
        "--format",
        "json",
        instance=folder,
    )
    assert known(town, made_json.json["token"]) == 200
    assert command("token", "revoke", "tok_none", instance=folder).code == 1
    assert command("token", "create", "--for", "nobody", "--name", "x", instance=folder).code == 1
    both = ["token", "create", "--for", "ana", "--name", "x", "--every-activity", "--activity", AID]
    assert command(*both, instance=folder).code == 2
    as_another = ["token", "create", "--for", "ana", "--name", "x", "--every-activity", "--as", "carla"]
    assert command(*as_another, instance=folder).code == 1


def test_the_command_line_knows_the_same_scopes_and_days() -> None:
    """Written down twice, so that its help starts at once."""
    assert (cli.SCOPES, cli.LONGEST_DAYS, cli.USUAL_DAYS) == (
        credentials.SCOPES,
        credentials.LONGEST_DAYS,
        credentials.USUAL_DAYS,
    )
