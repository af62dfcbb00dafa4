"""Machines: JWT access tokens of client credentials, checked against the issuer's keys."""

from __future__ import annotations

import time as real
from typing import Any

import pytest

from publica.http import issuers
from publica.instance import settings
from publica.kernel.errors import BadInput

from .site import Clock, Site

API = "https://data.town.example/api"
GOOD = {"aud": API, "client_id": "nightly-job"}


def status(town: Site, token: str) -> int:
    return int(town.browser().get("/known", headers={"Authorization": f"Bearer {token}"}).status_code)


def test_a_machine_acts_as_its_official(town: Site) -> None:
    headers = {"Authorization": f"Bearer {town.provider.machine(**GOOD, activities=['heating_grant'])}"}
    browser = town.browser()
    assert browser.get("/known", headers=headers).json() == {
        "kind": "machine",
        "actor": "ana",
        "how": "client",
    }
    assert browser.post("/ask/heating_grant", headers=headers).status_code == 200
    assert browser.post("/ask/health_research", headers=headers).status_code == 403
    assert town.entries("receipt")[-1]["authenticated"] == "client"
    assert browser.get("/api/v1/tokens", headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("fault", "claims"),
    [
        (None, {"aud": "somebody-else"}),
        (None, {"aud": []}),
        (None, {"aud": "publica"}),  # an ID token of somebody who signed in
        (None, {"iss": "https://other.example"}),
        (None, {"exp": 1}),
        (None, {"exp": "never"}),
        (None, {"nbf": 9_999_999_999}),
        (None, {"iat": 9_999_999_999}),
        (None, {"client_id": "other"}),
        (None, {"client_id": ["nightly-job"]}),
        (None, {"client_id": None}),
        (None, {"client_id": "ana"}),  # the id of an official is not the name of a machine
        (None, {"nonce": "x"}),
        ("signature", {}),
        ("unknown key", {}),
        ("own key", {}),
        ("none", {}),
        ("public key as secret", {}),
        ("logout", {}),
        ("garbage", {}),
    ],
)
def test_what_is_not_genuine_lets_no_machine_in(
    town: Site, fault: str | None, claims: dict[str, Any]
) -> None:
    assert status(town, town.provider.machine(fault, **{**GOOD, **claims})) == 401


def test_a_token_of_a_machine_expires(town: Site, time: Clock) -> None:
    token = town.provider.machine(**GOOD)
    assert status(town, token) == 200
    time.forward(minutes=5, seconds=issuers.LEEWAY + 2)
    assert status(town, token) == 401


def test_without_activities_in_the_claim_it_may_cite_none(town: Site) -> None:
    token = town.provider.machine(**GOOD)
    answer = town.browser().post("/ask/heating_grant", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403


def test_keys_are_read_once(town: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """And again for an unknown one after a minute at the soonest: nobody makes us ask each time."""
    reads: list[str] = []
    fetch = issuers.fetch
    monkeypatch.setattr(issuers, "fetch", lambda url: (reads.append(url), fetch(url))[1])
    token = town.provider.machine(**GOOD)
    assert [status(town, token) for _ in range(5)] == [200] * 5
    assert [status(town, town.provider.machine("unknown key", **GOOD)) for _ in range(5)] == [401] * 5
    assert len(reads) == 2
    began = real.monotonic()
    monkeypatch.setattr(issuers.time, "monotonic", lambda: began + issuers.AGAIN_SECONDS + 1)
    assert [status(town, town.provider.machine("unknown key", **GOOD)) for _ in range(5)] == [401] * 5
    assert len(reads) == 4


def test_nobody_waits_for_an_issuer_whom_another_asks(town: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that hangs would hold every thread there is."""
    token = town.provider.machine(**GOOD)
    issuer = town.identity.machines._issuer
    assert issuer is not None
    with issuer._lock:
        assert status(town, token) == 503
    assert status(town, token) == 200
    began = real.monotonic()
    monkeypatch.setattr(issuers.time, "monotonic", lambda: began + issuers.KEPT_SECONDS + 1)
    with issuer._lock:
        assert status(town, token) == 200, "what it published before is good"


@pytest.mark.parametrize("text", ["a.b.c", "e30.e30.e30", "bm9uZQ.x.y", "W10.x.y", "eyJhbGciOiJub25lIn0.x.y"])
def test_an_issuer_is_not_asked_about_what_is_no_token(
    town: Site, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(issuers, "fetch", lambda url: pytest.fail(f"asked {url}"))
    assert status(town, text) == 401


def test_an_issuer_that_is_down_is_503(town: Site) -> None:
    token = town.provider.machine(**GOOD)
    town.provider.tell("broken")
    assert status(town, token) == 503


def test_without_an_issuer_no_machine_is_let_in(town: Site) -> None:
    from publica.http.machines import Machines

    token = town.provider.machine(**GOOD)
    town.identity.machines = Machines(settings.MachineSettings())
    assert status(town, token) == 401


@pytest.mark.parametrize(
    ("section", "wrong"),
    [
        ("machines", {"issuer": "http://issuer.example", "audience": "x"}),
        ("machines", {"issuer": "https://issuer.example"}),
        ("machines", {"algorithms": ["HS256"]}),
        ("machines", {"algorithms": ["none"]}),
        ("machines", {"algorithms": []}),
        ("sign_in", {"officials": {"issuer": "https://issuer.example"}}),
        ("sign_in", {"officials": {"issuer": "ftp://issuer.example", "client_id": "x"}}),
        ("sign_in", {"officials": {"scopes": ["profile"]}}),
        ("sign_in", {"citizens": {"client_secret_env": "the secret itself!"}}),
        ("sign_in", {"citizens": {"client_secret": "s3cr3t"}}),
        ("sign_in", {"citizens": {"algorithms": ["HS256"]}}),
        ("sign_in", {"demo": {}}),
        ("serve", {"origin": "http://data.example.gov"}),
        ("serve", {"origin": "https://data.example.gov/"}),
        ("serve", {"origin": "https://data.example.gov/path"}),
        ("serve", {"trusted_proxies": ["everybody"]}),
        ("rates", {"actor_per_minute": 0}),
    ],
)
def test_settings_that_would_not_hold_are_refused(town: Site, section: str, wrong: dict[str, Any]) -> None:
    """Among them: there is no setting by which the demo's personas could be had."""
    given = settings.read(town.instance.folder).model_dump(exclude_defaults=True)
    given[section] = wrong
    with pytest.raises(Exception, match=section):
        settings.Settings.model_validate(given)


def test_settings_are_written_as_they_are_read(town: Site) -> None:
    kept = town.instance.settings
    assert settings.read(town.instance.folder) == kept
    assert kept.sign_in.officials.client_id == "publica" and kept.machines.officials == {"nightly-job": "ana"}
    assert "[sign_in.officials]" in (town.instance.folder / settings.FILE).read_text()
    with pytest.raises(BadInput):
        settings.read(town.instance.folder / "nowhere")
