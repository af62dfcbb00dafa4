"""Estonia's Data Tracker protocol, version 2, over HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

import pytest
from fastapi import Request
from spine.office import Office
from sqlalchemy import select

from publica.api.app import create_app
from publica.http.caller import ANONYMOUS, Caller
from publica.instance import Instance
from publica.kernel.actor import CITIZEN, Actor
from publica.kernel.errors import PublicaError
from publica.kernel.ledger.canonical import commit, unb64
from publica.kernel.ledger.store import entries
from publica.trust.transparency import store

from .served import Reply, Served, serving

ANN = Caller(Actor(f"{CITIZEN}P-1", "oidc"), "citizen", subject="P-1")
DAN = Caller(Actor(f"{CITIZEN}P-4", "oidc"), "citizen", subject="P-4")
UNKNOWN = Caller(Actor(f"{CITIZEN}P-99", "oidc"), "citizen", subject="P-99")
PORTAL = Caller(
    Actor("rob", "token"), "official", organisation="services", activities=frozenset(),
    scopes=frozenset({"tracker"}),
)  # fmt: skip
OFFICIAL = replace(PORTAL, activities=None, scopes=frozenset(), roles=frozenset({"chief data officer"}))
CALLERS = {
    "ann": ANN, "dan": DAN, "unknown": UNKNOWN, "portal": PORTAL, "official": OFFICIAL,
    "metrics": replace(PORTAL, scopes=frozenset({"metrics"})),
}  # fmt: skip


class Named:
    """Who calls is who the header says: what signing in amounts to is tested elsewhere."""

    def caller(self, request: Request) -> Caller:
        return CALLERS.get(request.headers.get("x-test-caller", ""), ANONYMOUS)


@pytest.fixture(scope="module")
def office(tmp_path_factory, module_state) -> Iterator[Office]:
    made = Office(tmp_path_factory.mktemp("tracker"))
    for ward in range(7):
        made.answer(f"SELECT sex FROM population WHERE municipality = 'm1' AND sex <> '{ward}'")
    made.answer("SELECT sex FROM population WHERE municipality = 'm2'")
    yield made
    made.instance.close()


@pytest.fixture(scope="module")
def served(office) -> Iterator[Served]:
    app = create_app(office.instance)
    app.state.identity = Named()
    with serving(app) as found:
        yield found


def find(served: Served, who: str, asker: str | None = None, **query: object) -> Reply:
    headers = {"X_Test_Caller": who} | ({"X_Road_UserId": asker} if asker else {})
    return served.get(f"/v2/findUsage?{urlencode(query)}", **headers)


def usages(reply: Reply) -> list[dict[str, str]]:
    assert reply.status == 200, reply.body
    said = json.loads(reply.body)
    assert set(said) == {"totalUsages", "usages"}
    return said["usages"]


def readings(instance: Instance) -> int:
    with instance.db.read() as connection:
        return len(connection.execute(select(store.readings.c.number)).all())


def test_a_citizen_reads_what_the_protocol_names(served, office):
    found = usages(find(served, "ann"))
    assert len(found) == 7
    for use in found:
        assert set(use) == {"logtime", "action", "receiverCode", "receiverName", "receiverSystem"}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", use["logtime"])
        assert use["action"] == "Care"
        assert use["receiverCode"] == "services"
        assert use["receiverSystem"] == "publica.test/office"
    organisation = office.instance.book().get("organisation", "services")
    assert {use["receiverName"] for use in found} == {organisation.spec.name}


def test_the_same_as_on_the_command_line(served, office):
    listed = office.instance.uses("P-1", Actor("operator", "operator", "tester"))
    assert [use["logtime"] for use in usages(find(served, "ann"))] == [use["at"] for use in listed]


def test_newest_first_and_paged(served):
    every = usages(find(served, "ann"))
    times = [use["logtime"] for use in every]
    assert times == sorted(times, reverse=True)
    assert len(set(times)) == 7
    for offset in range(9):
        for limit in (0, 1, 3, 1000):
            reply = find(served, "ann", offset=offset, limit=limit)
            assert usages(reply) == every[offset : offset + limit]
            assert json.loads(reply.body)["totalUsages"] == 7


def test_a_period(served):
    every = usages(find(served, "ann"))
    third = every[2]["logtime"]
    assert usages(find(served, "ann", periodStart=third)) == every[:3]
    assert usages(find(served, "ann", periodEnd=third)) == every[2:]
    assert usages(find(served, "ann", periodStart=third, periodEnd=third)) == [every[2]]
    at = datetime.fromisoformat(third)
    elsewhere = at.astimezone(tz=None).isoformat()
    assert usages(find(served, "ann", periodStart=elsewhere)) == every[:3]
    unzoned = (at - timedelta(days=1)).replace(tzinfo=None).isoformat(timespec="seconds")
    reply = find(served, "ann", periodStart=unzoned, limit=2)
    assert usages(reply) == every[:2]
    assert json.loads(reply.body)["totalUsages"] == 7
    assert (
        usages(find(served, "ann", periodStart="2001-01-31T10:20:30", periodEnd="2001-01-31T10:20:31")) == []
    )


def test_a_portal_asks_for_the_citizen_who_asks_it(served):
    assert usages(find(served, "portal", "P-1", userCode="P-1")) == usages(find(served, "ann"))


def test_a_portal_may_ask_for_somebody_represented(served):
    assert usages(find(served, "portal", "P-2", userCode="P-1")) == usages(find(served, "ann"))


def test_a_person_whom_nothing_concerned_and_one_not_known_are_told_the_same(served):
    known, unknown = find(served, "dan"), find(served, "unknown")
    assert known.body == unknown.body == b'{"totalUsages":0,"usages":[]}'
    portal = find(served, "portal", "P-99", userCode="P-99")
    assert (portal.status, portal.body) == (known.status, known.body)


def test_looking_is_entered_before_it_is_answered(served, office):
    """As on the command line: who looked at whose uses, and for whom a portal did, all of it hidden."""
    instance = office.instance
    before = readings(instance)
    find(served, "portal", "P-2", userCode="P-1")
    assert readings(instance) == before + 1
    with instance.db.read() as connection:
        row = connection.execute(select(store.readings).order_by(store.readings.c.number.desc())).first()
        body = connection.execute(select(entries.c.body).where(entries.c.leaf == row.entry)).scalar_one()
    entry = json.loads(body)
    assert entry["what"] == "uses-of-subject"
    assert b"P-1" not in body and b"P-2" not in body and b"rob" not in body
    opened = json.loads(instance.keys.unseal(row.sealed, b"reading" + row.token))
    held = {name: unb64(value) for name, (_, value) in opened.items()}
    assert held["actor"] == PORTAL.actor.canonical
    assert int.from_bytes(held["subject"], "big") == instance.position("P-1")
    assert held["behalf"] == b"P-2"
    assert entry["behalf"] == commit(unb64(opened["behalf"][0]), b"P-2")
    find(served, "ann")
    assert readings(instance) == before + 2
    assert instance.verify_ledger()["problems"] == []


@pytest.mark.parametrize(
    ("who", "asker", "query", "status"),
    [
        ("", None, {}, 401),
        ("", "P-1", {"userCode": "P-1"}, 401),
        ("ann", None, {"userCode": "P-2"}, 403),
        ("ann", "P-2", {"userCode": "P-1"}, 403),
        ("ann", "P-2", {}, 403),
        ("ann", None, {"userCode": "P-99"}, 403),
        ("official", "P-1", {"userCode": "P-1"}, 403),
        ("metrics", "P-1", {"userCode": "P-1"}, 403),
        ("portal", None, {}, 400),
        ("portal", None, {"userCode": "P-1"}, 400),
        ("portal", "P-1", {}, 400),
        ("portal", "P-1", {"userCode": ""}, 400),
    ],
)
def test_who_may_not_ask(served, office, who, asker, query, status):
    before = readings(office.instance)
    reply = find(served, who, asker, **query)
    assert reply.status == status
    assert json.loads(reply.body)["status"] == status
    assert readings(office.instance) == before
    assert b"P-" not in reply.body


@pytest.mark.parametrize(
    "query",
    [
        "offset=-1", "offset=x", "offset=2147483648", "limit=-1", "limit=10001", "limit=1.5", "limit=",
        "periodStart=5", "periodStart=yesterday", "periodStart=2026-13-01T00:00:00Z",
        "periodStart=2026-01-01", "periodEnd=2026-01-01T00:00:00%2B25:00", "periodEnd=NaN",
        "periodStart=0001-01-01T00:00:00%2B01:00",
        "periodEnd=9999-12-31T23:59:59-01:00",
        "userCode=" + "x" * 501,
    ],
)  # fmt: skip
def test_what_does_not_fit_is_400(served, query):
    reply = served.get(f"/v2/findUsage?{query}", X_Test_Caller="ann")
    assert reply.status == 400
    assert json.loads(reply.body)["type"] == "urn:publica:problem:malformed"


def test_the_period(served, office):
    found = json.loads(served.get("/v2/usagePeriod").body)
    assert set(found) == {"periodStart"}
    assert found["periodStart"] <= min(use["logtime"] for use in usages(find(served, "ann")))


def test_the_heartbeat(served, office, monkeypatch):
    assert json.loads(served.get("/v2/heartbeat").body) == {"status": "OK", "message": "API is ready"}

    def down():
        raise PublicaError("down")

    monkeypatch.setattr(office.instance.db, "read", down)
    reply = served.get("/v2/heartbeat")
    assert (reply.status, json.loads(reply.body)["status"]) == (200, "FAIL")


def test_the_names_a_country_uses(served, office, monkeypatch):
    """Codes with the country before them, the registry code of an organisation, the system's own name."""
    tracker_settings = office.instance.settings.tracker.model_copy(
        update={"prefix": "EE", "system": "Office"}
    )
    settings = office.instance.settings.model_copy(update={"tracker": tracker_settings})
    monkeypatch.setattr(office.instance, "settings", settings)
    organisation = {"name": "Social services", "type": "public body", "code": "70000562"}
    office.apply({("organisation", "services"): organisation})
    found = usages(find(served, "portal", "EEP-1", userCode="EEP-1"))
    assert len(found) == 7
    assert {(use["receiverCode"], use["receiverSystem"]) for use in found} == {("70000562", "Office")}
    assert usages(find(served, "portal", "P-1", userCode="P-1")) == []
    assert len(usages(find(served, "ann", "EEP-1", userCode="EEP-1"))) == 7
    assert len(usages(find(served, "ann", "P-1", userCode="P-1"))) == 7
