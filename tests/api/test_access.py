"""The table of access is total, and every cell of it is really tried."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import APIRouter

from publica.api import access
from publica.api.access import ACCESS, ANONYMOUS, AUDITOR, CITIZEN, CLASSES, OFFICIAL, SCOPED, V1, Route
from publica.api.app import create_app
from publica.instance import credentials

from .city import OPERATOR, City, slug

LAW = {"kind": "law", "id": "new-act", "spec": {"title": "New", "eli": "eli/x/1", "valid_from": "2026-01-01"}}
QUESTION = {"sql": "SELECT count(*) AS n FROM population", "activity": "care"}

Sample = tuple[str, Any, dict[str, int]]
"""A path, a body, and by class of caller what the handler answers; `*` for the others."""

OK, MADE, SEEN, NONE, REFUSED, WRONG = 200, 201, 303, 404, 403, 422
SAMPLES: dict[Route, Sample] = {
    ("POST", f"{V1}/uses"): (f"{V1}/uses", QUESTION, {"*": REFUSED, "analyst": OK, SCOPED: OK}),
    ("POST", f"{V1}/uses/explain"): (f"{V1}/uses/explain", QUESTION, {"*": OK}),
    ("GET", f"{V1}/uses"): (f"{V1}/uses", None, {"*": OK}),
    ("GET", f"{V1}/uses/{{receipt}}"): (f"{V1}/uses/use_nothing", None, {"*": NONE}),
    ("GET", f"{V1}/uses/{{receipt}}/lacked"): (f"{V1}/uses/use_nothing/lacked", None, {"*": NONE}),
    ("POST", f"{V1}/uses/{{receipt}}/requests"): (
        f"{V1}/uses/use_nothing/requests",
        {"reason": "agreement-exists", "about": "dataset:population", "words": "Please."},
        {"*": NONE},
    ),
    ("GET", f"{V1}/requests"): (f"{V1}/requests", None, {"*": OK}),
    ("GET", f"{V1}/requests/statistics"): (f"{V1}/requests/statistics", None, {"*": OK}),
    ("GET", f"{V1}/requests/{{id}}"): (f"{V1}/requests/req_none", None, {"*": NONE}),
    ("POST", f"{V1}/requests/{{id}}/answer"): (
        f"{V1}/requests/req_none/answer",
        {"agreed": True, "why": "Yes."},
        {"*": NONE},
    ),
    ("POST", f"{V1}/requests/{{id}}/withdraw"): (f"{V1}/requests/req_none/withdraw", None, {"*": NONE}),
    ("GET", f"{V1}/me/choices/{{activity}}/receipt"): (
        f"{V1}/me/choices/nothing/receipt",
        None,
        {"*": NONE},
    ),
    ("GET", f"{V1}/me/data"): (f"{V1}/me/data", None, {"*": OK}),
    ("GET", f"{V1}/me/requests"): (f"{V1}/me/requests", None, {"*": OK}),
    ("POST", f"{V1}/me/requests"): (
        f"{V1}/me/requests",
        {"dataset": "population", "words": "I moved."},
        {"*": MADE},
    ),
    ("POST", f"{V1}/me/requests/{{id}}/withdraw"): (
        f"{V1}/me/requests/rrq_none/withdraw",
        None,
        {"*": NONE},
    ),
    ("GET", f"{V1}/notices/{{activity}}"): (f"{V1}/notices/study", None, {"*": OK}),
    ("GET", f"{V1}/corrections"): (f"{V1}/corrections", None, {"*": OK}),
    ("GET", f"{V1}/corrections/{{id}}"): (f"{V1}/corrections/rrq_none", None, {"*": NONE}),
    ("POST", f"{V1}/corrections/{{id}}/answer"): (
        f"{V1}/corrections/rrq_none/answer",
        {"done": True, "words": "Done."},
        {"*": NONE},
    ),
    ("GET", f"{V1}/queue"): (f"{V1}/queue", None, {"*": OK}),
    ("GET", f"{V1}/oversight/holes"): (f"{V1}/oversight/holes", None, {"*": OK}),
    ("GET", f"{V1}/oversight/endings"): (f"{V1}/oversight/endings", None, {"*": OK}),
    ("GET", f"{V1}/oversight/refusals"): (f"{V1}/oversight/refusals", None, {"*": OK}),
    ("GET", f"{V1}/oversight/clocks"): (f"{V1}/oversight/clocks", None, {"*": OK}),
    ("GET", f"{V1}/oversight/ledger"): (f"{V1}/oversight/ledger", None, {"*": OK}),
    ("GET", f"{V1}/oversight/breaches"): (f"{V1}/oversight/breaches", None, {"*": OK}),
    ("POST", f"{V1}/oversight/breaches"): (
        f"{V1}/oversight/breaches",
        {"actor": "ana", "since": "2026-01-01", "until": "2026-02-01", "why": "A stolen laptop."},
        {"*": MADE},
    ),
    ("GET", f"{V1}/oversight/breaches/{{id}}"): (f"{V1}/oversight/breaches/rep_none", None, {"*": NONE}),
    ("GET", f"{V1}/records"): (f"{V1}/records", None, {"*": OK}),
    ("GET", f"{V1}/records/{{kind}}/{{id}}"): (f"{V1}/records/law/act", None, {"*": OK}),
    ("GET", f"{V1}/records/{{kind}}/{{id}}/history"): (f"{V1}/records/law/act/history", None, {"*": OK}),
    ("POST", f"{V1}/records/diff"): (f"{V1}/records/diff", {"documents": [LAW]}, {"*": OK}),
    ("POST", f"{V1}/records/proposals"): (
        f"{V1}/records/proposals",
        {"documents": [LAW], "title": "New"},
        {"*": MADE},
    ),
    ("GET", f"{V1}/records/proposals"): (f"{V1}/records/proposals", None, {"*": OK}),
    ("GET", f"{V1}/records/proposals/{{id}}"): (f"{V1}/records/proposals/prp_none", None, {"*": NONE}),
    ("POST", f"{V1}/records/proposals/{{id}}/accept"): (
        f"{V1}/records/proposals/prp_none/accept",
        {},
        {"*": NONE},
    ),
    ("POST", f"{V1}/records/proposals/{{id}}/decline"): (
        f"{V1}/records/proposals/prp_none/decline",
        {},
        {"*": NONE},
    ),
    ("GET", f"{V1}/datasets"): (f"{V1}/datasets", None, {"*": OK}),
    ("GET", f"{V1}/datasets/{{id}}"): (f"{V1}/datasets/population", None, {"*": OK}),
    ("GET", f"{V1}/me/choices"): (f"{V1}/me/choices", None, {"*": OK}),
    ("GET", f"{V1}/me/choices/{{activity}}"): (f"{V1}/me/choices/care", None, {"*": OK}),
    ("POST", f"{V1}/me/choices/{{activity}}"): (f"{V1}/me/choices/care", {"action": "withdraw"}, {"*": OK}),
    ("GET", f"{V1}/me/uses"): (f"{V1}/me/uses", None, {"*": OK}),
    ("GET", f"{V1}/me/uses/{{receipt}}/proof"): (f"{V1}/me/uses/use_none/proof", None, {"*": NONE}),
    ("GET", f"{V1}/ledger/checkpoint"): (f"{V1}/ledger/checkpoint", None, {"*": OK}),
    ("GET", f"{V1}/ledger/key"): (f"{V1}/ledger/key", None, {"*": OK}),
    ("GET", f"{V1}/ledger/tile/entries/{{index:path}}"): (
        f"{V1}/ledger/tile/entries/x999/000",
        None,
        {"*": NONE},
    ),
    ("GET", f"{V1}/ledger/tile/{{level}}/{{index:path}}"): (
        f"{V1}/ledger/tile/0/x999/000",
        None,
        {"*": NONE},
    ),
    ("GET", f"{V1}/ledger/entries/{{position}}"): (f"{V1}/ledger/entries/999999999", None, {"*": NONE}),
    ("GET", f"{V1}/ledger/consistency"): (f"{V1}/ledger/consistency?old=999999999", None, {"*": WRONG}),
    ("GET", f"{V1}/session"): (f"{V1}/session", None, {"*": OK}),
    ("GET", "/sign-in/{provider}"): ("/sign-in/nowhere", None, {"*": NONE}),
    ("GET", "/sign-in/{provider}/callback"): ("/sign-in/nowhere/callback", None, {"*": NONE}),
    ("POST", "/sign-out"): ("/sign-out", None, {"*": 204}),
    ("GET", f"{V1}/tokens"): (f"{V1}/tokens", None, {"*": REFUSED}),  # tokens are for who has a session
    ("POST", f"{V1}/tokens"): (f"{V1}/tokens", {"name": "n"}, {"*": REFUSED}),
    ("DELETE", f"{V1}/tokens/{{token_id}}"): (f"{V1}/tokens/tok_none", None, {"*": REFUSED}),
    ("GET", "/v2/findUsage"): ("/v2/findUsage", None, {"*": REFUSED, CITIZEN: OK}),
    ("GET", "/v2/usagePeriod"): ("/v2/usagePeriod", None, {"*": OK}),
    ("GET", "/v2/heartbeat"): ("/v2/heartbeat", None, {"*": OK}),
    ("GET", "/health"): ("/health", None, {"*": OK}),
    ("GET", "/ready"): ("/ready", None, {"*": OK}),
    ("GET", "/metrics"): ("/metrics", None, {"*": REFUSED, ANONYMOUS: 401}),
    ("GET", "/openapi.json"): ("/openapi.json", None, {"*": OK}),
    ("GET", "/docs"): ("/docs", None, {"*": OK}),
}
OVERSIGHT = (f"{V1}/requests", f"{V1}/oversight", f"{V1}/queue")
CELLS = [(route, who) for route in ACCESS for who in CLASSES]


def test_the_table_has_every_route_and_no_other(city: City) -> None:
    assert city.app.state.routes.all == set(ACCESS)
    assert set(SAMPLES) == set(ACCESS)
    assert {who for classes in ACCESS.values() for who in classes} <= set(CLASSES)


def test_an_application_with_a_route_beside_the_table_is_not_made(city: City) -> None:
    router = APIRouter()
    router.add_api_route("/beside", lambda: None)
    with pytest.raises(RuntimeError, match="beside"):
        create_app(city.instance, identity=city.identity, routers=[router])


@pytest.mark.parametrize(
    ("route", "who"), CELLS, ids=lambda part: " ".join(part) if isinstance(part, tuple) else part
)
def test_every_cell(city: City, route: Route, who: str) -> None:
    """Who may not, gets 401 or 403 before anything of the body is read; who may, what the handler says."""
    path, body, answers = SAMPLES[route]
    given = {} if body is None else {"json": body}
    answer = city.ask(who, route[0], path, **given)
    if path == "/sign-out":
        city.forget(who)
    if who in ACCESS[route]:
        assert answer.status_code == answers.get(who, answers["*"]), answer.text
        return
    expected = (401, "sign-in-needed") if who == ANONYMOUS else (403, "forbidden")
    assert (answer.status_code, slug(answer)) == expected
    unreadable = city.ask(who, route[0], path, content=b"{", headers={"Content-Type": "application/json"})
    assert unreadable.status_code == answer.status_code


def test_the_auditor_reads_everything_about_uses_and_nothing_of_data(city: City) -> None:
    theirs = {route for route, classes in ACCESS.items() if AUDITOR in classes}
    everybodys = {route for route, classes in ACCESS.items() if classes >= set(CLASSES) - {ANONYMOUS}}
    assert ("POST", f"{V1}/uses") not in theirs
    assert (
        theirs - everybodys
        == {
            ("POST", f"{V1}/records/diff"),
            ("GET", f"{V1}/records/proposals"),
            ("GET", f"{V1}/records/proposals/{{id}}"),
            ("GET", f"{V1}/tokens"),
            ("POST", f"{V1}/tokens"),
            ("DELETE", f"{V1}/tokens/{{token_id}}"),
            *(
                route
                for route in ACCESS
                if route[1].startswith((f"{V1}/requests", f"{V1}/oversight", f"{V1}/queue"))
            ),
        }
        - everybodys
    )
    for who in ("audra", "olaf"):
        made = credentials.create(city.instance, who, "scoped", OPERATOR, activities=["open-access", "care"])
        scoped = {"Authorization": f"Bearer {made[1]}"}
        question = {"sql": "SELECT count(*) AS n FROM municipalities", "activity": "open-access"}
        for path in ("/uses", "/uses/explain"):
            assert city.post(who, path, question).status_code == 403
            assert city.post("anonymous", path, question, headers=scoped).status_code == 403


def test_a_caller_has_the_classes_of_their_roles(city: City) -> None:
    for who in CLASSES:
        shown = city.get(who, "/session").json()
        if who not in (ANONYMOUS, CITIZEN, SCOPED, OFFICIAL):
            assert shown["roles"] == [who]
    assert access.ROLES


def test_nobody_takes_a_route_that_is_not_in_the_table() -> None:
    from publica.http.who import ANONYMOUS as nobody

    assert not access.may(nobody, ("GET", "/not/there"))
    assert not access.may(nobody, ("PUT", "/health"))
