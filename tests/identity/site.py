"""A town that is served, the provider where its people sign in, and browsers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import parse_qs, urlsplit

import httpx2
from fastapi import APIRouter, FastAPI, Request
from spine.support import copy
from sqlalchemy import select
from starlette.testclient import TestClient

from publica.api import access
from publica.api.app import create_app
from publica.http.who import Identity, Known, Who
from publica.instance import Instance, settings
from publica.kernel import clock
from publica.kernel.ledger.store import entries

ORIGIN = "https://data.town.example"
PROVIDER = Path(__file__).with_name("provider.py")
SECRET = "s3cr3t-of-the-client"
CITIZEN = "P-0000007"


class Provider:
    """The provider's process, as the tests talk to it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx2.Client(base_url=url, follow_redirects=False, timeout=60)

    def tell(self, fault: str | None = None, seconds: float = 0) -> None:
        assert self.http.post("/told", json={"fault": fault, "seconds": seconds}).status_code == 200

    @property
    def asked(self) -> list[dict[str, Any]]:
        return list(self.http.get("/told").json()["asked"])

    def person(self, name: str, **claims: Any) -> None:
        """Somebody whom the provider knows."""
        assert self.http.put(f"/users/{name}", json=claims).status_code == 204

    def machine(self, fault: str | None = None, **claims: Any) -> str:
        """What a machine gets of the provider."""
        return str(self.http.post("/machine", json={"claims": claims, "fault": fault}).json()["token"])

    def consent(self, address: str, name: str) -> str:
        """What somebody does at the provider: say who they are. Returns where the browser is sent back to."""
        answer = self.http.post(address, data={"sub": name})
        assert answer.status_code == 302, answer.text
        return str(answer.headers["location"])


@contextmanager
def provider() -> Iterator[Provider]:
    environment = {**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1"}
    process = subprocess.Popen(
        [sys.executable, str(PROVIDER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        yield Provider(f"http://127.0.0.1:{int(process.stdout.readline())}")
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


def configured(folder: Path, issuer: str, **rates: int) -> Path:
    """A copy of the town, with its providers in the settings."""
    copy(folder)
    given = settings.read(folder).model_dump(exclude_defaults=True)
    common = {"issuer": issuer, "client_id": "publica", "client_secret_env": "OIDC_SECRET"}
    given |= {
        "serve": {"origin": ORIGIN, "trusted_proxies": ("10.0.0.0/8",), "body_bytes": 10_000},
        "rates": rates,
        "sign_in": {
            "officials": {**common, "scopes": ("openid", "profile"), "organisation_claim": "org"},
            "citizens": common,
        },
        "machines": {
            "issuer": issuer,
            "audience": "https://data.town.example/api",
            "officials": {"nightly-job": "ana"},
            "activities_claim": "activities",
        },
    }
    made = settings.Settings.model_validate(given)
    (folder / settings.FILE).write_text(settings.text(made), "utf-8")
    return folder


TRIED: dict[access.Route, access.Classes] = {
    ("GET", "/anybody"): access.EVERYBODY,
    ("GET", "/known"): access.EVERYBODY,
    ("POST", "/change"): access.EVERYBODY,
    ("POST", "/ask/{activity}"): access.EVERYBODY,
}
"""Routes of the tests alone: for anybody, for the known, to change something, to use data."""


def application(identity: Identity) -> FastAPI:
    """The API, and besides it routes that say who the caller is."""
    router = APIRouter()

    @router.get("/anybody")
    def anybody(caller: Who) -> dict[str, Any]:
        return {"kind": caller.kind, "actor": caller.actor.id, "roles": sorted(caller.roles)}

    @router.get("/known")
    def known(caller: Known) -> dict[str, Any]:
        return {"kind": caller.kind, "actor": caller.actor.id, "how": caller.actor.authenticated}

    @router.post("/change")
    async def change(caller: Known, request: Request) -> dict[str, Any]:
        return {"actor": caller.actor.id, "sent": len(await request.body())}

    @router.post("/ask/{activity}")
    def ask(caller: Known, activity: str) -> dict[str, Any]:
        answer = identity.instance.use(caller.request(activity, "SELECT count(*) AS n FROM population"))
        return {"receipt": answer.receipt}

    with mock.patch.dict(access.TABLE, TRIED):
        return create_app(identity.instance, identity=identity, routers=[router])


class Site:
    """A town that is served over (what looks like) TLS."""

    def __init__(self, instance: Instance, provider: Provider) -> None:
        self.instance, self.provider = instance, provider
        self.identity = Identity(instance, secrets={"OIDC_SECRET": SECRET}.get)
        self.app = application(self.identity)

    def browser(self, **more: Any) -> TestClient:
        return TestClient(self.app, base_url=ORIGIN, follow_redirects=False, **more)

    def back(self, browser: TestClient, person: str, name: str, return_to: str | None = None) -> str:
        """Begin a sign-in and say who one is: where the provider sends the browser back to."""
        query = {} if return_to is None else {"return_to": return_to}
        begun = browser.get(f"/sign-in/{person}", params=query)
        assert begun.status_code == 303, begun.text
        return self.provider.consent(begun.headers["location"], name)

    def signed_in(self, person: str, name: str) -> TestClient:
        """A browser in which somebody is signed in."""
        browser = self.browser()
        done = browser.get(self.back(browser, person, name))
        assert done.status_code == 303, done.text
        return browser

    def entries(self, kind: str) -> list[dict[str, Any]]:
        """The ledger's entries of a kind, in order."""
        import json

        with self.instance.db.read() as connection:
            query = select(entries.c.body).where(entries.c.kind == kind).order_by(entries.c.id)
            return [json.loads(body) for body in connection.execute(query).scalars()]


def csrf_of(browser: TestClient) -> dict[str, str]:
    """The header that unsafe requests need."""
    return {"Publica-CSRF": str(browser.get("/api/v1/session").json()["csrf"])}


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


class Clock:
    """The time, as the tests set it: only ever forward."""

    def __init__(self, monkeypatch: Any) -> None:
        self.ahead = timedelta()
        real = clock.now
        monkeypatch.setattr(clock, "now", lambda: real() + self.ahead)

    def forward(self, **by: float) -> None:
        self.ahead += timedelta(**by)
