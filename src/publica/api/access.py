"""Who may call which route: one table, total over every route, looked up before any handler runs.

A route that is not here is refused to everybody, and a test fails. What a caller may do with what a route is
about (their own uses, another's proposal) is the handler's to say; this table says who gets that far.
"""

from __future__ import annotations

from publica.governance.identity import RoleName
from publica.http.problems import HttpProblem
from publica.http.who import Caller

ANONYMOUS, CITIZEN, SCOPED, OFFICIAL = "anonymous", "citizen", "scoped", "official"
"""Nobody known; a citizen; a token for certain activities, which carries no role here; an official without
any role."""
ROLES = tuple(str(role) for role in RoleName)
CLASSES = (ANONYMOUS, CITIZEN, SCOPED, OFFICIAL, *ROLES)
"""Every class of caller. An official has one for each role; a machine counts as the official it acts as."""

Classes = frozenset[str]
CDO, AUDITOR = str(RoleName.CHIEF_DATA_OFFICER), str(RoleName.AUDITOR)
STEWARD = str(RoleName.STEWARD)
EVERYBODY: Classes = frozenset(CLASSES)
KNOWN: Classes = EVERYBODY - {ANONYMOUS}
CITIZENS: Classes = frozenset({CITIZEN})
OFFICIALS: Classes = frozenset({OFFICIAL, *ROLES})
ASKERS: Classes = frozenset({CITIZEN, SCOPED, *ROLES}) - {AUDITOR}
"""Who may put a question to data at all; the door decides about each. The auditor reads nothing of data."""
PROPOSERS: Classes = frozenset({CDO, STEWARD})
DECIDERS: Classes = frozenset({CDO})
READERS: Classes = frozenset({CDO, STEWARD, AUDITOR})

V1 = "/api/v1"
Route = tuple[str, str]

ACCESS: dict[Route, Classes] = {
    # asking
    ("POST", f"{V1}/uses"): ASKERS,
    ("POST", f"{V1}/uses/explain"): ASKERS,
    ("GET", f"{V1}/uses"): OFFICIALS | {CITIZEN, SCOPED},
    ("GET", f"{V1}/uses/{{receipt}}"): OFFICIALS | {CITIZEN, SCOPED},
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
"""Method and pattern of every route → the classes of callers that may call it."""

UNASKED = frozenset({("GET", "/health"), ("GET", "/ready"), ("GET", "/openapi.json"), ("GET", "/docs")})
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
    return not ACCESS.get(route, frozenset()).isdisjoint(classes(who))


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
    allowed = ", ".join(name for name in CLASSES if name in ACCESS.get(route, frozenset()))
    raise HttpProblem("forbidden", "Your roles do not allow this.", do=f"It is for: {allowed or 'nobody'}.")
