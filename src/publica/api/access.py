"""Who may call which route: one table, total over every route, looked up before any handler runs.

A route that is not here is refused to everybody, and a test fails. What a caller may do with what a route is
about (their own uses, another's proposal) is the handler's to say; this table says who gets that far.
"""

from __future__ import annotations

from publica.api.classes import (
    ANONYMOUS,
    ASKERS,
    AUDITOR,
    CDO,
    CITIZEN,
    CITIZENS,
    CLASSES,
    DECIDERS,
    EVERYBODY,
    KNOWN,
    OFFICE,
    OFFICIAL,
    OFFICIALS,
    PROPOSERS,
    READERS,
    REFUSED,
    ROLES,
    SCOPED,
    STEWARD,
    Classes,
    Route,
)
from publica.api.pages import PAGES, UNASKED_PAGES
from publica.http.problems import HttpProblem
from publica.http.who import Caller

__all__ = [
    "ACCESS",
    "ANONYMOUS",
    "ASKERS",
    "AUDITOR",
    "CDO",
    "CITIZEN",
    "CLASSES",
    "EVERYBODY",
    "OFFICIAL",
    "ROLES",
    "SCOPED",
    "STEWARD",
    "TABLE",
    "UNASKED",
    "V1",
    "Classes",
    "Route",
    "classes",
    "may",
    "require",
]

V1 = "/api/v1"

ACCESS: dict[Route, Classes] = {
    # asking
    ("POST", f"{V1}/uses"): ASKERS,
    ("POST", f"{V1}/uses/explain"): ASKERS,
    ("GET", f"{V1}/uses"): OFFICIALS | {CITIZEN, SCOPED},
    ("GET", f"{V1}/uses/{{receipt}}"): OFFICIALS | {CITIZEN, SCOPED},
    # requests after refusals, and one's own queue
    ("GET", f"{V1}/uses/{{receipt}}/lacked"): REFUSED,
    ("POST", f"{V1}/uses/{{receipt}}/requests"): REFUSED,
    ("GET", f"{V1}/requests"): OFFICIALS,
    ("GET", f"{V1}/requests/statistics"): EVERYBODY,
    ("GET", f"{V1}/requests/{{id}}"): OFFICIALS,
    ("POST", f"{V1}/requests/{{id}}/answer"): OFFICIALS,
    ("POST", f"{V1}/requests/{{id}}/withdraw"): OFFICIALS,
    ("GET", f"{V1}/queue"): OFFICIALS,
    # oversight
    ("GET", f"{V1}/oversight/holes"): OFFICE,
    ("GET", f"{V1}/oversight/endings"): OFFICE,
    ("GET", f"{V1}/oversight/refusals"): EVERYBODY,
    ("GET", f"{V1}/oversight/clocks"): OFFICE,
    ("GET", f"{V1}/oversight/ledger"): OFFICE,
    ("GET", f"{V1}/oversight/breaches"): OFFICE,
    ("POST", f"{V1}/oversight/breaches"): OFFICE,
    ("GET", f"{V1}/oversight/breaches/{{id}}"): OFFICE,
    # records
    ("GET", f"{V1}/records"): EVERYBODY,
    ("GET", f"{V1}/records/{{kind}}/{{id}}"): EVERYBODY,
    ("GET", f"{V1}/records/{{kind}}/{{id}}/history"): EVERYBODY,
    ("POST", f"{V1}/records/diff"): OFFICIALS,
    ("POST", f"{V1}/records/proposals"): PROPOSERS,
    ("GET", f"{V1}/records/proposals"): READERS,
    ("GET", f"{V1}/records/proposals/{{id}}"): READERS,
    ("POST", f"{V1}/records/proposals/{{id}}/accept"): DECIDERS,
    ("POST", f"{V1}/records/proposals/{{id}}/decline"): PROPOSERS,
    # datasets
    ("GET", f"{V1}/datasets"): EVERYBODY,
    ("GET", f"{V1}/datasets/{{id}}"): EVERYBODY,
    # citizens, about themselves
    ("GET", f"{V1}/me/choices"): CITIZENS,
    ("GET", f"{V1}/me/choices/{{activity}}"): CITIZENS,
    ("POST", f"{V1}/me/choices/{{activity}}"): CITIZENS,
    ("GET", f"{V1}/me/choices/{{activity}}/receipt"): CITIZENS,
    ("GET", f"{V1}/me/data"): CITIZENS,
    ("GET", f"{V1}/me/requests"): CITIZENS,
    ("POST", f"{V1}/me/requests"): CITIZENS,
    ("POST", f"{V1}/me/requests/{{id}}/withdraw"): CITIZENS,
    ("GET", f"{V1}/notices/{{activity}}"): EVERYBODY,
    # who answers what citizens ask
    ("GET", f"{V1}/corrections"): OFFICIALS - {AUDITOR},
    ("GET", f"{V1}/corrections/{{id}}"): OFFICIALS - {AUDITOR},
    ("POST", f"{V1}/corrections/{{id}}/answer"): OFFICIALS - {AUDITOR},
    ("GET", f"{V1}/me/uses"): CITIZENS,
    ("GET", f"{V1}/me/uses/{{receipt}}/proof"): CITIZENS,
    # the ledger
    ("GET", f"{V1}/ledger/checkpoint"): EVERYBODY,
    ("GET", f"{V1}/ledger/key"): EVERYBODY,
    ("GET", f"{V1}/ledger/tile/entries/{{index:path}}"): EVERYBODY,
    ("GET", f"{V1}/ledger/tile/{{level}}/{{index:path}}"): EVERYBODY,
    ("GET", f"{V1}/ledger/entries/{{position}}"): EVERYBODY,
    ("GET", f"{V1}/ledger/consistency"): EVERYBODY,
    # Estonia's Data Tracker
    (
        "GET",
        "/v2/findUsage",
    ): KNOWN,  # a citizen; or whoever's token has the scope, which is the handler's to see
    ("GET", "/v2/usagePeriod"): EVERYBODY,
    ("GET", "/v2/heartbeat"): EVERYBODY,
    # who one is
    ("GET", f"{V1}/session"): EVERYBODY,
    ("GET", "/sign-in/{provider}"): EVERYBODY,
    ("GET", "/sign-in/{provider}/callback"): EVERYBODY,
    ("POST", "/sign-out"): EVERYBODY,
    ("GET", f"{V1}/tokens"): OFFICIALS,
    ("POST", f"{V1}/tokens"): OFFICIALS,
    ("DELETE", f"{V1}/tokens/{{token_id}}"): OFFICIALS,
    # operations and reference
    ("GET", "/health"): EVERYBODY,
    ("GET", "/ready"): EVERYBODY,
    ("GET", "/metrics"): EVERYBODY,
    ("GET", "/openapi.json"): EVERYBODY,
    ("GET", "/docs"): EVERYBODY,
}
"""Method and pattern of every route of the API → the classes of callers that may call it."""

TABLE: dict[Route, Classes] = {**ACCESS, **PAGES}
"""The API's routes and the pages'."""

UNASKED = UNASKED_PAGES | {("GET", "/health"), ("GET", "/ready"), ("GET", "/openapi.json"), ("GET", "/docs")}
"""Routes that do not look who calls: they must answer when the state database does not."""


def classes(who: Caller) -> Classes:
    """The classes that a caller belongs to."""
    if who.kind in (ANONYMOUS, CITIZEN):
        return frozenset({who.kind})
    if who.activities is not None:
        return frozenset({SCOPED})
    return who.roles or frozenset({OFFICIAL})


def may(who: Caller, route: Route) -> bool:
    """Whether a caller gets as far as the handler of a route. Nobody does where the table says nothing."""
    return not TABLE.get(route, frozenset()).isdisjoint(classes(who))


def require(who: Caller, route: Route) -> None:
    """Raises HttpProblem: 401 when nobody is known and somebody must be, 403 when it is not theirs to do."""
    if may(who, route):
        return
    if not who.signed_in:
        raise HttpProblem(
            "sign-in-needed",
            "Nobody is signed in.",
            do="Sign in, or send an API token (Authorization: Bearer …).",
        )
    allowed = ", ".join(name for name in CLASSES if name in TABLE.get(route, frozenset()))
    raise HttpProblem("forbidden", "Your roles do not allow this.", do=f"It is for: {allowed or 'nobody'}.")
