"""Sessions: their cookies, how long they hold, and that no page but ours acts in their name."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
import states
from house.source import MODULES, targets
from spine.support import actor
from starlette.testclient import TestClient

from publica.cli.serve import serve
from publica.demo.personas import Persona, personas
from publica.gateway.door import Request
from publica.governance.identity import sessions as kept
from publica.governance.identity.credentials import digest
from publica.http.who import Identity
from publica.kernel import clock
from publica.kernel.errors import Refused

from .site import CITIZEN, ORIGIN, Clock, Site, application, csrf_of

COOKIE = "__Host-publica"


def leave(town: Site, official: str, day: date) -> None:
    """An official leaves, after a day."""
    found = town.instance.book().get("official", official)
    assert found is not None
    spec = {"name": "Gone", "organisation": found.spec.organisation, "valid_to": day.isoformat()}
    file = town.instance.folder / "left.yaml"
    file.write_text(json.dumps({"kind": "official", "id": official, "spec": spec}))
    town.instance.apply([file], actor("operator"))


def test_the_cookie_is_for_this_host_over_tls_alone(town: Site) -> None:
    browser = town.browser()
    done = browser.get(town.back(browser, "official", "ana"))
    (given,) = (c for c in done.headers.get_list("set-cookie") if c.startswith(f"{COOKIE}="))
    parts = {part.strip().lower() for part in given.split(";")[1:]}
    assert parts == {"httponly", "secure", "samesite=lax", "path=/"}
    assert len(browser.cookies[COOKIE]) == 43
    begun = browser.get("/sign-in/official").headers["set-cookie"]
    assert begun.startswith("__Host-publica-sign-in=") and "Secure" in begun and "HttpOnly" in begun


def test_nothing_that_opens_a_session_is_kept(town: Site) -> None:
    browser = town.signed_in("official", "ana")
    secret = browser.cookies[COOKIE]
    with town.instance.db.read() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM session").fetchall()
        assert len(rows) == 1 and digest(secret) in rows[0]
        assert secret not in str(rows) and csrf_of(browser)["Publica-CSRF"] not in str(rows)
        assert b'"ana"' not in b"".join(value for value in rows[0] if isinstance(value, bytes))


def test_a_session_made_up_or_of_another_length_is_none(town: Site) -> None:
    town.signed_in("official", "ana")
    for value in ("x" * 43, "", "x", "../../etc/passwd", '"' + "x" * 43, "y" * 10_000):
        browser = town.browser()
        browser.cookies.set(COOKIE, value)
        assert browser.get("/anybody").json()["kind"] == "anonymous"
        assert browser.get("/known").status_code == 401


def test_a_session_is_a_new_one_after_signing_in(town: Site) -> None:
    """Fixation: an id that somebody else planted, or knew before, is worth nothing afterwards."""
    attacker = town.signed_in("official", "carla")
    planted = attacker.cookies[COOKIE]
    victim = town.browser()
    victim.cookies.set(COOKIE, planted, domain="data.town.example", path="/")
    done = victim.get(town.back(victim, "official", "ana"))
    assert done.status_code == 303
    (fresh,) = (
        c.split(";")[0].split("=", 1)[1] for c in done.headers.get_list("set-cookie") if COOKIE + "=" in c
    )
    assert fresh != planted
    assert attacker.get("/known").status_code == 401, "the planted one has ended"
    made_up = town.browser()
    made_up.cookies.set(COOKIE, "x" * 43, domain="data.town.example", path="/")
    done = made_up.get(town.back(made_up, "official", "ana"))
    assert all("x" * 43 not in cookie for cookie in done.headers.get_list("set-cookie"))


def test_a_session_ends_when_idle(town: Site, time: Clock) -> None:
    browser = town.signed_in("official", "ana")
    for _ in range(4):
        time.forward(minutes=28)
        assert browser.get("/known").status_code == 200
    time.forward(minutes=30, seconds=1)
    assert browser.get("/known").status_code == 401
    assert browser.get("/anybody").json()["kind"] == "anonymous"


def test_a_session_ends_after_twelve_hours_however_busy(town: Site, time: Clock) -> None:
    browser = town.signed_in("official", "ana")
    for _ in range(47):
        time.forward(minutes=15)
        assert browser.get("/known").status_code == 200
    time.forward(minutes=16)
    assert browser.get("/known").status_code == 401


def test_what_has_expired_is_removed(town: Site, time: Clock) -> None:
    town.signed_in("official", "ana")
    town.browser().get("/sign-in/official")
    assert kept.clean(town.instance.db, clock.now()) == 0
    time.forward(hours=13)
    assert kept.clean(town.instance.db, clock.now()) == 2


def test_signing_out(town: Site) -> None:
    browser = town.signed_in("official", "ana")
    other = town.signed_in("official", "ana")
    copied = browser.cookies[COOKIE]
    assert browser.post("/sign-out").status_code == 403
    assert browser.post("/sign-out", headers=csrf_of(browser)).status_code == 204
    assert COOKIE not in browser.cookies
    thief = town.browser()
    thief.cookies.set(COOKIE, copied)
    assert thief.get("/known").status_code == 401
    assert other.get("/known").status_code == 200
    assert [entry["what"] for entry in town.entries("sign-in")] == ["signed in", "signed in", "signed out"]
    assert browser.post("/sign-out").status_code == 204, "signing out twice does no harm"
    assert town.instance.verify_ledger()["problems"] == []


def test_signing_out_everywhere(town: Site) -> None:
    browser, other = town.signed_in("official", "ana"), town.signed_in("official", "ana")
    another = town.signed_in("official", "carla")
    assert browser.post("/sign-out?everywhere=true", headers=csrf_of(browser)).status_code == 204
    assert other.get("/known").status_code == 401
    assert another.get("/known").status_code == 200


def test_signing_out_by_a_form(town: Site) -> None:
    browser = town.signed_in("official", "ana")
    token = csrf_of(browser)["Publica-CSRF"]
    assert browser.post("/sign-out", data={"csrf": "x"}).status_code == 403
    done = browser.post("/sign-out", data={"csrf": token})
    assert done.status_code == 303 and done.headers["location"] == "/"
    assert browser.get("/known").status_code == 401


@pytest.mark.parametrize(
    "said",
    [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}],
)
def test_a_page_elsewhere_signs_nobody_out(town: Site, said: dict[str, str]) -> None:
    """Such a request comes without the cookie; an answer that takes it back would sign out all the same."""
    answer = town.browser().post("/sign-out", data={"x": "1"}, headers=said)
    assert answer.status_code == 403 and "set-cookie" not in answer.headers


WRONG: list[dict[str, str]] = [
    {},
    {"Publica-CSRF": ""},
    {"Publica-CSRF": "x" * 43},
    {"Publica-CSRF": "é"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "https://data.town.example.evil.example"},
    {"Origin": "http://data.town.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


@pytest.mark.parametrize("wrong", WRONG)
def test_a_page_elsewhere_changes_nothing(town: Site, wrong: dict[str, str]) -> None:
    browser = town.signed_in("official", "ana")
    headers = {} if not wrong or "Publica-CSRF" in wrong else csrf_of(browser)
    encoded = {name: value.encode() for name, value in wrong.items()}
    answer = browser.post("/change", headers={**headers, **encoded})  # type: ignore[dict-item]
    assert answer.status_code == 403, answer.text
    good = {**csrf_of(browser), "Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}
    assert browser.post("/change", headers=good).status_code == 200


def test_the_token_of_another_session_is_no_good(town: Site) -> None:
    browser, other = town.signed_in("official", "ana"), town.signed_in("official", "ana")
    assert browser.post("/change", headers=csrf_of(other)).status_code == 403


def test_a_form_needs_the_token_too(town: Site) -> None:
    browser = town.signed_in("official", "ana")
    token = csrf_of(browser)["Publica-CSRF"]
    assert browser.post("/change", data={"a": "b"}).status_code == 403
    assert browser.post("/change", data={"csrf": [token, token][0], "a": "b"}).status_code == 200
    assert browser.post("/change", files={"csrf": ("x", token)}).status_code == 403


def test_an_official_who_left_is_nobody(town: Site) -> None:
    browser = town.signed_in("official", "ana")
    today = clock.now().date()
    leave(town, "ana", today)
    assert browser.get("/known").status_code == 200, "the last day is a day"
    leave(town, "ana", today - timedelta(days=1))
    assert browser.get("/known").status_code == 401
    again = town.browser()
    assert again.get(town.back(again, "official", "ana")).status_code == 403
    question = Request(actor("ana"), "heating-subsidy", "SELECT count(*) AS n FROM population")
    with pytest.raises(Refused, match="actor-known"):
        town.instance.use(question)


def test_a_role_that_ended_is_none(town: Site) -> None:
    browser = town.signed_in("official", "ana")
    assert browser.get("/anybody").json()["roles"] == ["analyst"]
    role = next(r for r in town.instance.book().all("role") if r.spec.official == "ana")
    file = town.instance.folder / "role.yaml"
    file.write_text(
        f"{{kind: role, id: {role.id}, spec: {{official: ana, role: analyst, organisation: social-services,"
        f" valid_from: 2020-01-01, valid_to: 2020-12-31}}}}"
    )
    town.instance.apply([file], actor("operator"))
    assert browser.get("/anybody").json()["roles"] == []


def test_a_session_that_was_altered_shows(town: Site) -> None:
    """Moved to another id, or given to somebody else: neither opens."""
    browsers = town.signed_in("official", "ana"), town.signed_in("citizen", CITIZEN)
    states.tamper(town.instance.db, "CREATE TABLE moved AS SELECT digest, sealed FROM session")
    states.tamper(
        town.instance.db,
        "UPDATE session SET sealed = (SELECT max(b.sealed) FROM moved b WHERE b.digest <> session.digest)",
    )
    states.tamper(town.instance.db, "DROP TABLE moved")
    for browser in browsers:
        assert browser.get("/known").status_code in (401, 500)


def persona_site(town: Site) -> TestClient:
    identity = Identity(town.instance, origin=ORIGIN, providers=personas(town.instance, [CITIZEN]))
    return TestClient(application(identity), base_url=ORIGIN, follow_redirects=False)


def test_in_the_demo_one_is_whomever_one_likes(town: Site) -> None:
    demo = persona_site(town)
    offered = demo.get("/api/v1/session").json()["sign_in"]
    assert {"ana", "carla", "audra", "citizen-1"} <= set(offered) and CITIZEN not in str(offered)
    for name, kind, who in (("ana", "official", "ana"), ("citizen-1", "citizen", f"citizen:{CITIZEN}")):
        begun = demo.get(offered[name], params={"return_to": "/docs"})
        assert CITIZEN not in begun.headers["location"]
        done = demo.get(begun.headers["location"])
        assert done.status_code == 303 and done.headers["location"] == "/docs"
        assert demo.get("/known").json() == {"kind": kind, "actor": who, "how": "demo"}
    assert demo.get("/sign-in/ana/callback?state=x&code=y").status_code == 400
    assert demo.get("/sign-in/nobody").status_code == 404


def test_a_session_of_the_demo_is_none_where_people_sign_in(town: Site) -> None:
    """Not even with the same state database: its personas prove nothing."""
    demo = persona_site(town)
    assert demo.get(demo.get("/sign-in/ana").headers["location"]).status_code == 303
    browser = town.browser()
    browser.cookies.set(COOKIE, demo.cookies[COOKIE])
    assert browser.get("/known").status_code == 401
    assert town.browser().get("/sign-in/ana").status_code == 404


def test_a_session_of_a_provider_is_none_in_the_demo(town: Site) -> None:
    browser = town.signed_in("official", "ana")
    demo = persona_site(town)
    demo.cookies.set(COOKIE, browser.cookies[COOKIE])
    assert demo.get("/known").status_code == 401


def test_a_persona_that_is_called_like_a_provider_is_none_there(town: Site) -> None:
    """It is how they signed in that counts, whatever the name of where they did."""
    provider = Persona("official", "official", "ana")
    identity = Identity(town.instance, origin=ORIGIN, providers={"official": provider})
    demo = TestClient(application(identity), base_url=ORIGIN, follow_redirects=False)
    assert demo.get(demo.get("/sign-in/official").headers["location"]).status_code == 303
    browser = town.browser()
    browser.cookies.set(COOKIE, demo.cookies[COOKIE])
    assert browser.get("/known").status_code == 401


def test_nothing_but_the_demo_s_own_command_names_its_personas() -> None:
    """`publica serve` has no option, the settings no field, the application no argument for them."""
    users = {
        name
        for name, module in MODULES.items()
        for target, _ in targets(module)
        if target == "publica.demo.personas"
    }
    assert users == {"publica.cli.demo"}
    assert {option.name for option in serve.params} == {"host", "port", "no_worker"}


def test_cookies_on_this_machine_need_no_tls(town: Site) -> None:
    identity = Identity(town.instance, origin="http://127.0.0.1:8000", secrets={"OIDC_SECRET": "x"}.get)
    browser = TestClient(application(identity), base_url="http://127.0.0.1:8000", follow_redirects=False)
    given: Any = browser.get("/sign-in/official").headers["set-cookie"]
    assert given.startswith("publica-sign-in=") and "Secure" not in given
