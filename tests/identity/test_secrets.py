"""Nothing secret, and nobody's key, in logs, the ledger, addresses, problems or the state database."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from publica.http.sessions import SESSION
from publica.instance import credentials as verbs

from .site import CITIZEN, SECRET, Site, csrf_of, query_of
from .test_tokens import AID, OPERATOR, bearing


class Kept(logging.Handler):
    """Every line of every logger, whatever its level."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append((record.name, f"{record.getMessage()} {record.__dict__}"))


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Any:
    handler, root = Kept(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    publica = logging.getLogger("publica")
    publica.addHandler(handler)
    try:
        yield handler
    finally:
        root.removeHandler(handler)
        publica.removeHandler(handler)
        root.setLevel(level)


def everything(town: Site) -> str:
    """All that the state database holds, text and bytes."""
    found = []
    with town.instance.db.read() as connection:
        tables = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars()
        for table in tables.all():
            for row in connection.exec_driver_sql(f'SELECT * FROM "{table}"'):
                found += [v.decode("latin-1") if isinstance(v, bytes) else str(v) for v in row]
    return "\n".join(found)


@pytest.mark.sqlite
def test_nothing_secret_is_written_down(town: Site, logged: Kept) -> None:
    browser = town.browser()
    begun = browser.get("/sign-in/citizen", params={"return_to": "/mine"})
    there = town.provider.consent(begun.headers["location"], CITIZEN)
    done = browser.get(there)
    asked = query_of(begun.headers["location"])
    verifier = town.provider.asked[-1]["token"]["code_verifier"]
    official = town.signed_in("official", "ana")
    made = official.post(
        "/api/v1/tokens", json={"name": "secret", "activities": [AID]}, headers=csrf_of(official)
    ).json()
    town.browser().get("/known", headers=bearing(made["token"]))
    town.browser().get("/known", headers=bearing(made["token"][:-1] + "2"))
    machine = town.provider.machine(aud="https://data.town.example/api", client_id="nightly-job")
    town.browser().get("/known", headers=bearing(machine))
    name = town.identity.cookies.name(SESSION)
    secrets = {
        "session": browser.cookies[name],
        "csrf": csrf_of(browser)["Publica-CSRF"],
        "code": query_of(there)["code"],
        "state": asked["state"],
        "nonce": asked["nonce"],
        "verifier": verifier,
        "token": made["token"],
        "machine": machine,
        "client secret": SECRET,
    }
    state = everything(town)
    assert ours(logged).count("/sign-in/{provider}/callback") >= 2, "the server's log is seen"
    for what, secret in secrets.items():
        assert secret and secret not in state, what
        assert secret not in ours(logged), what
    assert CITIZEN not in ours(logged)
    for kind in ("sign-in", "token"):
        told = json.dumps(town.entries(kind))
        assert town.entries(kind) and not any(secret in told for secret in secrets.values())
        assert CITIZEN not in told and '"ana"' not in told
    for address in (done.headers["location"], begun.headers["location"]):
        hidden = ("session", "csrf", "verifier", "token", "client secret")
        assert not any(secrets[what] in address for what in hidden) and CITIZEN not in address


def ours(logged: Kept) -> str:
    """What the server says; the HTTP library is the browser's in these tests, which says its addresses."""
    return "\n".join(line for name, line in logged.lines if not name.startswith(("httpx", "httpcore")))


def test_a_problem_repeats_nothing(town: Site) -> None:
    browser = town.browser()
    token, _ = verbs.create(town.instance, "ana", "x", OPERATOR)
    for answer in (
        browser.get("/known", headers=bearing("publica_secretsecret")),
        browser.get("/sign-in/official/callback?code=secretsecret&state=secretsecret"),
        browser.get("/sign-in/official?return_to=https://secretsecret.example"),
        browser.get("/api/v1/tokens/secretsecret"),
    ):
        assert answer.status_code >= 400 and "secretsecret" not in answer.text
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert answer.headers["cache-control"] == "no-store"
    assert token.id
