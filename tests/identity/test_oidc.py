"""Signing in with OpenID Connect, against a provider in its own process, and whatever goes wrong there."""

from __future__ import annotations

import json
import socket
from typing import Any

import httpx2
import pytest

from publica.http import issuers, oidc
from publica.http.issuers import Issuer
from publica.kernel.actor import Actor
from publica.kernel.errors import Unavailable

from .site import CITIZEN, ORIGIN, SECRET, Clock, Site, csrf_of, query_of

REFUSED = {
    "nonce": "wrong nonce",
    "no nonce": "wrong nonce",
    "audience": "wrong aud",
    "no audience": "without a claim that it needs",
    "issuer": "wrong iss",
    "expired": "expired",
    "no expiry": "without a claim that it needs",
    "future": "wrong iat",
    "party": "wrong azp",
    "two audiences": "wrong azp",
    "signature": "wrongly signed",
    "unknown key": "signed with an unknown key",
    "own key": "malformed, or signed in a way that is not accepted",
    "none": "malformed, or signed in a way that is not accepted",
    "public key as secret": "malformed, or signed in a way that is not accepted",
    "logout": "of another kind",
    "garbage": "malformed, or signed in a way that is not accepted",
    "no token": "without an ID token",
    "no name": "without the claim that says who",
    "number": "without the claim that says who",
}
"""What the provider does → why the ledger says that the sign-in was refused."""


def refusals(town: Site) -> list[str]:
    return [entry["why"] for entry in town.entries("sign-in") if entry["what"] == "refused"]


def test_an_official_signs_in(town: Site) -> None:
    browser = town.browser()
    begun = browser.get("/sign-in/official", params={"return_to": "/datasets?kind=open"})
    asked = query_of(begun.headers["location"])
    assert begun.headers["location"].startswith(town.provider.url)
    assert asked["redirect_uri"] == f"{ORIGIN}/sign-in/official/callback"
    assert asked["response_type"] == "code" and asked["scope"] == "openid profile"
    done = browser.get(town.provider.consent(begun.headers["location"], "ana"))
    assert done.status_code == 303 and done.headers["location"] == "/datasets?kind=open"
    session = browser.get("/api/v1/session").json()
    assert session["signed_in"] and session["kind"] == "official" and session["actor"] == "ana"
    assert session["organisation"] == "social-services" and "analyst" in session["roles"]
    assert browser.get("/known").json() == {"kind": "official", "actor": "ana", "how": "oidc"}
    entry = town.entries("sign-in")[-1]
    assert entry["what"] == "signed in" and entry["provider"] == "official"
    assert '"ana"' not in json.dumps(entry)
    assert town.instance.verify_ledger()["problems"] == []


def test_a_citizen_signs_in_and_is_named_nowhere(town: Site) -> None:
    browser = town.signed_in("citizen", CITIZEN)
    session = browser.get("/api/v1/session").json()
    assert (session["kind"], session["subject"], session["actor"]) == ("citizen", CITIZEN, None)
    assert browser.get("/anybody").json() == {"kind": "citizen", "actor": f"citizen:{CITIZEN}", "roles": []}
    with town.instance.db.read() as connection:
        for table in ("session", "identity_event", "ledger_entry", "sign_in_attempt"):
            for row in connection.exec_driver_sql(f"SELECT * FROM {table}"):
                assert CITIZEN not in str(tuple(row)) and CITIZEN.encode() not in b"".join(
                    value for value in row if isinstance(value, bytes)
                )
    assert town.instance.verify_ledger()["problems"] == []


@pytest.mark.parametrize("name", ["ana", "operator"])
def test_a_citizen_is_never_an_official_or_the_operator(town: Site, name: str) -> None:
    """Whatever their key is: it may be the id of somebody else."""
    browser = town.signed_in("citizen", name)
    assert browser.get("/anybody").json() == {"kind": "citizen", "actor": f"citizen:{name}", "roles": []}
    with pytest.raises(Exception, match="Nobody is registered"):
        town.instance.choose(CITIZEN, "health_research", "withdraw", Actor(f"citizen:{name}", "oidc"))


def test_a_citizen_chooses_for_themselves_alone(town: Site) -> None:
    me = Actor(f"citizen:{CITIZEN}", "oidc")
    town.instance.choose(CITIZEN, "health_research", "grant", me)
    with pytest.raises(Exception, match="Nobody is registered"):
        town.instance.choose("P-0000008", "health_research", "grant", me)


@pytest.mark.parametrize("fault", REFUSED)
def test_what_is_not_genuine_signs_nobody_in(town: Site, fault: str) -> None:
    browser = town.browser()
    address = town.back(browser, "official", "ana")
    town.provider.tell(fault)
    done = browser.get(address)
    assert done.status_code == 403 and done.json()["detail"].startswith("You were not signed in.")
    assert refusals(town) == [REFUSED[fault]]
    assert "set-cookie" not in done.headers
    assert browser.get("/known").status_code == 401
    town.provider.tell(None)
    assert browser.get(address).status_code == 400, "a sign-in is tried once"


def test_the_provider_sees_what_proves_that_we_began(town: Site) -> None:
    """The challenge goes with the browser, the verifier and the client's secret from server to server."""
    town.signed_in("official", "ana")
    *_, asked, got = town.provider.asked
    assert asked["authorize"]["code_challenge_method"] == "S256"
    assert "code_verifier" not in asked["authorize"] and "client_secret" not in asked["authorize"]
    assert got["token"]["code_verifier"] and got["authorization"]
    assert "client_secret" not in got["token"]


def test_without_pkce_the_code_is_worth_nothing(town: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another verifier than the challenge was made of: as whoever caught the code would send."""
    browser = town.browser()
    address = town.back(browser, "official", "ana")
    drawn = oidc.OpenIdConnect._token
    monkeypatch.setattr(oidc.OpenIdConnect, "_token", lambda self, m, code, _: drawn(self, m, code, "x" * 43))
    assert browser.get(address).status_code == 403
    assert refusals(town) == ["with a code that is not good"]


def test_a_code_is_used_once(town: Site) -> None:
    browser = town.browser()
    address = town.back(browser, "official", "ana")
    assert browser.get(address).status_code == 303
    again = browser.get(address)
    assert again.status_code == 400 and "not under way" in again.json()["detail"]
    fresh = query_of(browser.get("/sign-in/official").headers["location"])["state"]
    replayed = browser.get("/sign-in/official/callback", params={**query_of(address), "state": fresh})
    assert replayed.status_code == 403 and refusals(town) == ["with a code that is not good"]


def test_a_state_that_is_not_ours(town: Site) -> None:
    browser = town.browser()
    address = town.back(browser, "official", "ana")
    code = query_of(address)["code"]
    for state in ({}, {"state": ""}, {"state": "x" * 43}, {"state": "é"}):
        answer = browser.get("/sign-in/official/callback", params={"code": code, **state})
        assert answer.status_code == 400, answer.text
    assert town.entries("sign-in") == [], "nobody fills the ledger by making states up"
    assert browser.get(address).status_code == 303, "and nobody ends another's sign-in so"


def test_a_state_of_another_browser(town: Site) -> None:
    """An attacker's link would sign the victim in as the attacker."""
    attacker, victim = town.browser(), town.browser()
    address = town.back(attacker, "official", "ana")
    victim.get("/sign-in/official")
    for other in (victim, town.browser()):
        assert other.get(address).status_code == 400
        assert other.get("/known").status_code == 401
    assert attacker.get(address).status_code == 303


def test_a_state_of_the_other_provider(town: Site) -> None:
    browser = town.browser()
    address = town.back(browser, "citizen", "ana")
    assert browser.get(address.replace("/sign-in/citizen", "/sign-in/official")).status_code == 400
    assert browser.get("/known").status_code == 401


def test_a_sign_in_takes_ten_minutes_at_most(town: Site, time: Clock) -> None:
    browser = town.browser()
    address = town.back(browser, "official", "ana")
    time.forward(minutes=10, seconds=1)
    assert browser.get(address).status_code == 400


def test_somebody_who_declines(town: Site) -> None:
    browser = town.browser()
    state = query_of(browser.get("/sign-in/official").headers["location"])["state"]
    done = browser.get("/sign-in/official/callback", params={"state": state, "error": "access_denied"})
    assert done.status_code == 403 and refusals(town) == ["declined"]


def test_an_answer_of_another_issuer(town: Site) -> None:
    """RFC 9207: a provider that names itself must be the one that was asked."""
    browser = town.browser()
    address = town.back(browser, "official", "ana")
    assert (
        browser.get(address, params={**query_of(address), "iss": "https://other.example"}).status_code == 403
    )
    assert refusals(town) == ["from another issuer"]
    address = town.back(browser, "official", "ana")
    assert browser.get(address, params={**query_of(address), "iss": town.provider.url}).status_code == 303


@pytest.mark.parametrize(
    ("name", "claims", "why"),
    [
        (
            "eve",
            {"preferred_username": "eve", "org": "social-services"},
            "no official of that id is in service",
        ),
        (
            "op",
            {"preferred_username": "operator", "org": "social-services"},
            "no official of that id is in service",
        ),
        ("ana2", {"preferred_username": "ana", "org": "civil-registry"}, "of another organisation"),
        ("ana3", {"preferred_username": "ana"}, "without the claim that says who"),
    ],
)
def test_strangers(town: Site, name: str, claims: dict[str, Any], why: str) -> None:
    town.provider.person(name, **claims)
    browser = town.browser()
    done = browser.get(town.back(browser, "official", name))
    assert done.status_code == 403 and refusals(town) == [why]
    assert browser.get("/known").status_code == 401
    assert town.instance.verify_ledger()["problems"] == []


def test_roles_are_narrowed_by_a_claim(town: Site) -> None:
    """Also at the door: the session's roles are those that count."""
    officials = town.instance.settings.sign_in.officials
    narrow = {"roles_claim": "groups", "roles": {"desk": "analyst"}}
    town.identity.providers["official"].settings = officials.model_copy(update=narrow)  # type: ignore[attr-defined]
    town.provider.person(
        "ana4", preferred_username="ana", org="social-services", groups=["steward", "auditor"]
    )
    town.provider.person("ana5", preferred_username="ana", org="social-services", groups=["desk"])
    less, all_of_it = town.signed_in("official", "ana4"), town.signed_in("official", "ana5")
    assert less.get("/anybody").json()["roles"] == [], "a claim gives no role that our records do not"
    assert all_of_it.get("/anybody").json()["roles"] == ["analyst"]


@pytest.mark.parametrize(
    "place",
    [
        "https://evil.example",
        "//evil.example",
        "//[",
        "/\\evil.example",
        "evil",
        "",
        "/\r\nSet-Cookie: a=b",
        "/\x00",
        "\\/evil",
        "/é",
        "javascript:alert(1)",
    ],
)
def test_nobody_is_sent_elsewhere(town: Site, place: str) -> None:
    browser = town.browser()
    answer = browser.get("/sign-in/official", params={"return_to": place})
    assert answer.status_code in (400, 422) and "location" not in answer.headers
    assert "evil" not in json.dumps(dict(answer.headers)) and "set-cookie" not in answer.headers


def test_what_the_provider_adds_is_let_pass_and_used_for_nothing(town: Site) -> None:
    """As Keycloak's `session_state`."""
    browser = town.browser()
    done = browser.get(town.back(browser, "official", "ana") + "&session_state=abc.def&return_to=//evil")
    assert done.status_code == 303 and done.headers["location"] == "/"


@pytest.mark.parametrize("name", ["code", "state", "iss", "session_state", "error"])
def test_no_header_is_smuggled_in(town: Site, name: str) -> None:
    browser = town.browser()
    address = town.back(browser, "official", "ana")
    done = browser.get(f"{address}&{name}=a%0d%0aSet-Cookie:%20x=y")
    assert done.status_code == 400
    assert all("x=y" not in value for value in done.headers.values())


def test_a_provider_that_is_not_configured(town: Site) -> None:
    assert town.browser().get("/sign-in/robot").status_code == 404
    assert town.browser().get("/sign-in/robot/callback", params={"state": "x"}).status_code == 404


@pytest.mark.parametrize("fault", ["broken", "elsewhere", "metadata", "plain address", "no keys"])
def test_a_provider_that_cannot_be_used(town: Site, fault: str) -> None:
    town.provider.tell(fault)
    answer = town.browser().get("/sign-in/official")
    assert answer.status_code == 503 and "identity provider" in answer.json()["detail"]
    assert "retry-after" in answer.headers


def test_a_provider_that_is_down(town: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    town.identity.providers["official"]._issuer = Issuer(f"http://127.0.0.1:{port}")  # type: ignore[attr-defined]
    assert town.browser().get("/sign-in/official").status_code == 503
    assert town.browser().get("/sign-in/official").json()["detail"].count("a moment ago") == 1


def test_a_provider_that_goes_down_half_way(town: Site) -> None:
    """Nobody is signed in, nobody is refused; and what is known of the provider is believed meanwhile."""
    browser = town.browser()
    address = town.back(browser, "official", "ana")
    town.provider.tell("broken")
    assert browser.get(address).status_code in (403, 503)
    assert browser.get("/known").status_code == 401


def test_a_provider_that_answers_slowly(town: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuers, "SECONDS", 0.5)
    town.provider.tell("slow", seconds=5)
    answer = town.browser().get("/sign-in/official")
    assert answer.status_code == 503


@pytest.mark.parametrize("body", [[], "text", 1, None, {"id_token": 1}, {"error": []}])
def test_an_exchange_answered_with_strange_json(
    town: Site, monkeypatch: pytest.MonkeyPatch, body: Any
) -> None:
    browser = town.browser()
    address = town.back(browser, "official", "ana")
    real = httpx2.Client.send

    def strange(self: Any, request: Any, **more: Any) -> Any:
        if request.method != "POST":
            return real(self, request, **more)
        return httpx2.Response(200, json=body, request=request)

    monkeypatch.setattr(httpx2.Client, "send", strange)
    assert browser.get(address).status_code in (403, 503)


def test_a_slow_exchange(town: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = town.browser()
    address = town.back(browser, "official", "ana")
    monkeypatch.setattr(oidc, "SECONDS", 0.5)
    town.provider.tell("slow", seconds=5)
    assert browser.get(address).status_code == 503
    assert browser.get("/known").status_code == 401


def test_an_issuer_is_believed_for_a_while_when_it_is_down(
    town: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(issuers.time, "monotonic", lambda: now[0])
    issuer = Issuer(town.provider.url)
    issuer.metadata()
    town.provider.tell("broken")
    now[0] += issuers.KEPT_SECONDS + 1
    assert issuer.metadata()["issuer"] == town.provider.url
    now[0] += issuers.STALE_SECONDS
    with pytest.raises(Unavailable):
        issuer.metadata()
    now[0] += issuers.FAILED_SECONDS + 1
    town.provider.tell(None)
    issuer.metadata()


def test_a_secret_that_is_not_set(town: Site) -> None:
    town.identity.providers["official"]._secrets = lambda _: None  # type: ignore[attr-defined]
    answer = town.browser().get("/sign-in/official")
    assert answer.status_code == 503 and "OIDC_SECRET" in answer.json()["detail"]
    assert SECRET not in answer.text


def test_levels_of_assurance(town: Site) -> None:
    citizens = town.instance.settings.sign_in.citizens.model_copy(update={"acr": ("high",)})
    town.identity.providers["citizen"].settings = citizens  # type: ignore[attr-defined]
    town.provider.person("P-1", acr="low")
    town.provider.person("P-2", acr="high")
    browser = town.browser()
    assert browser.get(town.back(browser, "citizen", "P-1")).status_code == 403
    assert refusals(town) == ["too weakly assured"]
    assert town.signed_in("citizen", "P-2").get("/anybody").json()["kind"] == "citizen"
    assert town.provider.asked[-2]["authorize"]["acr_values"] == "high"


def test_fewer_roles_count_at_the_door(town: Site) -> None:
    """Ana is an analyst; in a session that leaves this out, the activity for analysts is not hers."""
    officials = town.instance.settings.sign_in.officials.model_copy(update={"roles_claim": "groups"})
    town.identity.providers["official"].settings = officials  # type: ignore[attr-defined]
    town.provider.person("ana6", preferred_username="ana", org="social-services", groups=["auditor"])
    town.provider.person("ana7", preferred_username="ana", org="social-services", groups=["analyst"])
    less, whole = town.signed_in("official", "ana6"), town.signed_in("official", "ana7")
    assert whole.post("/ask/heating_grant", headers=csrf_of(whole)).status_code == 200
    refused = less.post("/ask/heating_grant", headers=csrf_of(less))
    assert refused.status_code == 403
    assert [clause["reason"] for clause in refused.json()["clauses"]] == ["actor-role"]
