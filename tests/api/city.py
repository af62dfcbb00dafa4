"""A small city that is served, with one caller of every class; shared by the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import schemathesis
from httpx2 import Response
from spine.office import Office, documents
from starlette.testclient import TestClient

from publica.api import access
from publica.api.app import create_app
from publica.api.reference import document
from publica.http import csrf, signing_in
from publica.http.providers import Begun, Person, SignedIn
from publica.http.who import Identity
from publica.instance import Instance, credentials, settings
from publica.kernel.actor import Actor

ORIGIN = "http://testserver"
V1 = access.V1
OPERATOR = Actor("operator", "operator", "tester")
CITIZEN = "P-001"
ROLES = {
    "carla": ("office", "chief data officer"),
    "cleo": ("registry", "chief data officer"),
    "audra": ("office", "auditor"),
    "eddie": ("services", "engineer"),
}
NAMES = {
    "chief data officer": "carla",
    "steward": "sam",
    "analyst": "ana",
    "statistician": "stella",
    "engineer": "eddie",
    "auditor": "audra",
    "official": "olaf",
}
"""Class of callers → the official who stands for it."""
TOTALS: dict[str, Any] = {
    "title": "Totals",
    "organisation": "services",
    "purpose": "dpv:PublicBenefit",
    "basis": {"kind": "law", "law": "care-act", "objection": True},
    "datasets": [{"dataset": "population", "columns": ["person_id", "sex", "municipality", "income"]}],
    "roles": ["analyst"],
    "protection": "aggregates",
    "retention": "P1Y",
    "aggregates": {"k": 3, "dominance": 0.9, "noise": 2.0},
    "valid_from": "2025-01-01",
}
SHARED: dict[str, Any] = {
    "holder": "registry",
    "recipient": "services",
    "purposes": ["dpv:PublicBenefit"],
    "datasets": [
        {
            "dataset": "population",
            "columns": {"person_id": "as is", "sex": "as is", "municipality": "as is", "income": "as is"},
        }
    ],
    "protection": "aggregates",
    "valid_from": "2025-01-01",
    "signatures": [
        {"official": "sam", "organisation": "registry", "date": "2025-01-01"},
        {"official": "ivo", "organisation": "services", "date": "2025-01-01"},
    ],
}


class Vouching:
    """A provider that vouches for whoever a test says."""

    name, authenticated = "test", "oidc"
    person: Person = "citizen"
    idle = absolute = timedelta(hours=1)

    def begin(self, state: str) -> Begun:
        return Begun(f"/elsewhere?state={state}", {})

    def finish(self, held: Mapping[str, str], answer: Mapping[str, str]) -> SignedIn:
        del held
        return SignedIn("citizen", answer["code"])


def records() -> dict[tuple[str, str], dict[str, Any]]:
    made = documents()
    for name, (organisation, role) in ROLES.items():
        made["official", name] = {"name": name.title(), "organisation": organisation}
        made["role", f"{name}-{role.replace(' ', '-')}"] = {
            "official": name,
            "role": role,
            "organisation": organisation,
            "valid_from": "2020-01-01",
        }
    made["official", "olaf"] = {"name": "Olaf", "organisation": "services"}
    made["activity", "totals"] = TOTALS
    made["agreement", "registry-totals"] = SHARED
    return made


def people() -> list[tuple[Any, ...]]:
    """Eighty persons in two municipalities."""
    return [
        (
            f"P-{n:03}", f"Name {n}", "FM"[n % 2], date(1950 + n % 50, 1 + n % 12, 1), f"m{1 + n % 2}",
            1000 * n, str(n), n / 2,
        )
        for n in range(1, 81)
    ]  # fmt: skip


class City:
    """The instance, the application, and callers."""

    def __init__(self, folder: Path, **given: Any) -> None:
        self.office = Office(folder)
        self.office.apply(records())
        self.office.load("population", people())
        self.office.load("guardianships", [("P-001", "P-003", "parent", date(2001, 5, 5))])
        if given:
            self._configure(**given)
        self.identity = Identity(self.instance, origin=ORIGIN, providers={"test": Vouching()})
        self.app = create_app(self.instance, identity=self.identity)
        self.http = TestClient(self.app, base_url=ORIGIN, raise_server_exceptions=False)
        self.schema = schemathesis.openapi.from_dict(document(self.app))
        self._headers: dict[str, dict[str, str]] = {"anonymous": {}}

    @property
    def instance(self) -> Instance:
        return self.office.instance

    def _configure(self, **given: Any) -> None:
        folder = self.instance.folder
        held = settings.read(folder).model_dump(exclude_defaults=True)
        made = settings.Settings.model_validate({**held, **given})
        self.instance.close()
        (folder / settings.FILE).write_text(settings.text(made), "utf-8")
        self.office.instance = Instance.open(folder)

    def headers(self, who: str) -> dict[str, str]:
        """What a class of callers, an official, or the citizen of a key sends to be known."""
        if who not in self._headers:
            self._headers[who] = (
                self._citizen(who) if who in ("citizen",) or who[:2] == "P-" else self._official(who)
            )
        return self._headers[who]

    def forget(self, who: str) -> None:
        """Let them sign in anew."""
        if who != "anonymous":
            self._headers.pop(who, None)

    def _official(self, who: str) -> dict[str, str]:
        official = NAMES.get(who, "ana" if who == "scoped" else who)
        activities = ["care", "totals", "open-access"] if who == "scoped" else None
        _, text = credentials.create(self.instance, official, "test", OPERATOR, activities=activities)
        return {"Authorization": f"Bearer {text}"}

    def _citizen(self, who: str) -> dict[str, str]:
        person = SignedIn("citizen", CITIZEN if who == "citizen" else who)
        session = signing_in.admit(self.identity, self.identity.providers["test"], person)
        return {"Cookie": f"publica={session}", csrf.HEADER: csrf.token(session)}

    def ask(self, who: str, method: str, path: str, **given: Any) -> Response:
        """One request of a caller."""
        headers = {**self.headers(who), **given.pop("headers", {})}
        self.http.cookies.clear()
        answer = self.http.request(method, path, headers=headers, follow_redirects=False, **given)
        self.require_documented(method, path, answer)
        return answer

    def require_documented(self, method: str, path: str, answer: Response) -> None:
        """Every answer is one that the API's own description has: its status, type, headers and schema."""
        known = self.app.state.routes.find("GET" if method == "HEAD" else method, path.partition("?")[0])
        if known is None or method == "HEAD":
            return
        pattern = known.pattern.replace(":path}", "}")
        described = document(self.app)["paths"][pattern][method.lower()]["responses"]
        assert str(answer.status_code) in described, (method, path, answer.status_code, answer.text)
        kind = answer.headers.get("Content-Type", "").partition(";")[0]
        kinds = described[str(answer.status_code)].get("content", {})
        assert kind in kinds or (not kinds and not answer.content), (method, path, kind)
        self.schema[pattern][method].validate_response(answer)

    def get(self, who: str, path: str, **given: Any) -> Response:
        return self.ask(who, "GET", V1 + path, **given)

    def post(self, who: str, path: str, json: Any, **given: Any) -> Response:
        return self.ask(who, "POST", V1 + path, json=json, **given)

    def terms(self, activity: str) -> str:
        """The hash of the terms that hold, as their notice gives it."""
        return str(self.get("anonymous", f"/notices/{activity}").json()["terms"])

    def use(
        self, who: str, sql: str, activity: str = "care", accept: str | None = None, **params: Any
    ) -> Response:
        headers = {"Accept": accept} if accept else {}
        body = {"sql": sql, "activity": activity, "parameters": params}
        return self.post(who, "/uses", body, headers=headers)

    def close(self) -> None:
        self.app.state.serving.close()
        self.instance.close()


@contextmanager
def opened(folder: Path, **given: Any) -> Iterator[City]:
    """A city, closed afterwards. `given`: sections of the settings."""
    made = City(folder, **given)
    try:
        yield made
    finally:
        made.close()


def slug(answer: Response) -> str:
    """The kind of a problem."""
    return str(answer.json()["type"]).rpartition(":")[2]
