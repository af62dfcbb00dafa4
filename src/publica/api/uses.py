"""Uses: put a question to data, see what would be decided, and look at what was asked before."""

from __future__ import annotations

from math import isfinite
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictStr, WithJsonSchema
from pydantic_core import PydanticCustomError

from publica.api import access
from publica.api.common import Opened, problem_answers
from publica.api.instants import Instant
from publica.api.paging import USUAL, After, Limit, paged
from publica.api.serving import Made, Served, Serving
from publica.api.strict import StrictRoute
from publica.gateway.door import Answer
from publica.governance.identity import RoleName
from publica.http import forms
from publica.http.accept import negotiate
from publica.http.problems import HttpProblem, clause_json
from publica.http.streaming import Streamed, gone
from publica.http.who import Caller, Known
from publica.kernel.actor import CITIZEN
from publica.trust.transparency import Original, asked, open_original, open_originals
from publica.trust.transparency.asked import Filter

router = APIRouter(prefix="/uses", tags=["uses"], route_class=StrictRoute)

RECEIPT, PROTECTION = "Publica-Receipt", "Publica-Protection"
AUDIT, OWN = "read by an auditor", "read by who asked"
"""Why an original is opened."""
SOMEBODY = "(a citizen)"
SAFE, MOST = 2**63, 100


def _value(given: Any) -> Any:
    """A value that SQL has: text, a whole number of 64 bits, a finite fraction, true, false or nothing."""
    whole = isinstance(given, int) and -SAFE <= given < SAFE
    if given is None or whole or isinstance(given, str) or (isinstance(given, float) and isfinite(given)):
        return given
    raise PydanticCustomError("value", "it is no text, number of 64 bits, true, false or null")


def _few(given: Any) -> Any:
    """Looked at before the values are: each that does not fit would be told of."""
    if isinstance(given, dict) and len(given) > MOST:
        raise PydanticCustomError("too_many", "there are more than {most} parameters", {"most": MOST})
    return given


SCHEMA = {"type": ["string", "number", "boolean", "null"]}
Value = Annotated[Any, BeforeValidator(_value), WithJsonSchema(SCHEMA)]


class Asked(BaseModel):
    """A question: SQL, the activity it is part of, and the values of `$names` in it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "activity": "open-access",
                    "sql": "SELECT name, inhabitants FROM municipalities WHERE region = $region",
                    "parameters": {"region": "Coast"},
                }
            ]
        },
    )

    sql: StrictStr = Field(description="One SELECT-like statement; what is taken: docs/surface.md.")
    activity: StrictStr = Field(description="Id of the registered activity that this use is part of.")
    parameters: Annotated[dict[str, Value], BeforeValidator(_few)] = Field(
        default={},
        max_length=MOST,
        description="Values of the `$names` in the statement: texts, whole numbers of 64 bits, fractions, "
        "true, false or null.",
    )


class Clause(BaseModel):
    """One condition of a decision."""

    reason: str = Field(description="Stable code; all of them: docs/reference/reasons.md.")
    holds: bool
    sentence: str
    record: str | None = Field(
        description="The record that decides it, as `agreement:civil-registry-social`."
    )
    params: dict[str, str]


class Explained(BaseModel):
    """What would be decided and run. Nothing was run, and there is no receipt."""

    allowed: bool
    clauses: list[Clause]
    sql: str | None = Field(description="The statement as it would run, over the governed relations.")
    protection: str | None = Field(description="What may come out.")


class Shown(BaseModel):
    """One use, as its receipt in the ledger says; who asked, and in which words, for those who may know."""

    receipt: str
    at: str
    outcome: Literal["released", "refused", "failed"]
    activity: str
    organisation: str
    purpose: str
    basis: str | None
    authenticated: str = Field(description="How who asked was known: `oidc`, `token`, `client`, `operator` …")
    agreements: list[str]
    datasets: list[str] = Field(description="Versions, as `population@3`.")
    columns: dict[str, list[str]]
    protection: str | None
    rows: int | None = Field(description="How many came out; null of one's own data, which nobody is told.")
    bytes: int | None = Field(description="How large the answer was; null as `rows` is.")
    clauses: list[dict[str, str | None]] = Field(description="Of a refusal, what was missing.")
    actor: str | None = Field(
        description="Who asked; `(a citizen)` for people about themselves. Auditors only."
    )
    sql: str | None = Field(
        description="The statement. In a list for auditors only; of one's own use, alone."
    )
    parameters: dict[str, Any] | None = None


class Uses(BaseModel):
    """Uses, newest first."""

    items: list[Shown]
    next: str | None = Field(description="Where the next page is; null on the last one.")


ANSWERED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The answer, in the form that `Accept` names; JSON when it names none.",
        "headers": {
            RECEIPT: {
                "description": "Id of the use's receipt in the ledger. Not there under open-access.",
                "schema": {"type": "string"},
            },
            PROTECTION: {
                "description": "How what came out is protected.",
                "schema": {"type": "string"},
            },
        },
        "content": {
            forms.JSON: {
                "schema": {"$ref": "#/components/schemas/Answered"},
                "example": {
                    "receipt": "use_7k3mq0v5t1hx2n8wbd4c",
                    "columns": [{"name": "year", "type": "int64"}, {"name": "people", "type": "int64"}],
                    "protection": {
                        "k": 10,
                        "dominance": 0.5,
                        "noise": 5.0,
                        "left_out": "Left out are cells …",
                    },
                    "uncertainty": [{"people": 9.8}],
                    "rows": [{"year": 2025, "people": 41250}],
                },
            },
            forms.ARROW: {"schema": {"type": "string", "format": "binary"}},
            forms.CSV: {"schema": {"type": "string"}, "example": "year,people\n2025,41250\n"},
            forms.PARQUET: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


async def _asker(caller: Known) -> Caller:
    """A token for certain activities carries no role: it may ask where its official may, by the same table.

    Raises HttpProblem (403) otherwise.
    """
    if caller.activities is not None and access.ASKERS.isdisjoint(caller.held):
        raise HttpProblem("forbidden", "Your roles do not allow this.", do="See GET /api/v1/session.")
    return caller


Asker = Annotated[Caller, Depends(_asker)]


@router.post("", response_class=Response, responses={**ANSWERED, **problem_answers(403, 503)})
async def ask(request: Request, question: Asked, caller: Asker, serving: Served) -> Response:
    """Put a question to data. The answer comes with a receipt; so does a refusal, which says what is missing.

    Each request is a use of its own and charged to its agreements, a repeated one too. If the answer was lost
    on the way, the use still stands in the ledger (`GET /api/v1/uses`).
    """
    form = negotiate(request.headers.get("accept"), forms.FORMS)
    asked = caller.request(question.activity, question.sql, question.parameters)
    made = await serving.use(asked, form, lambda: gone(request.receive))
    return _response(serving, made, form)


@router.post("/explain", responses=problem_answers(403, 503))
async def explain(request: Request, question: Asked, caller: Asker, serving: Served) -> Explained:
    """Say what would be decided about a question, and what would run. Nothing is run or recorded."""
    asked = caller.request(question.activity, question.sql, question.parameters)
    found = await serving.explain(asked, lambda: gone(request.receive))
    return Explained(
        allowed=found.decision.allowed,
        clauses=[Clause.model_validate(clause_json(clause)) for clause in found.decision.clauses],
        sql=found.sql,
        protection=found.protection,
    )


Since = Annotated[Instant | None, Query(alias="from", description="Uses from then on (RFC 3339, or a day).")]
Until = Annotated[Instant | None, Query(alias="to", description="Uses before then.")]


@router.get("", responses=problem_answers(422, 503))
def uses(
    request: Request,
    caller: Known,
    instance: Opened,
    activity: Annotated[str | None, Query(max_length=128, description="Only under this activity.")] = None,
    outcome: Annotated[
        Literal["released", "refused", "failed"] | None, Query(description="Only these.")
    ] = None,
    since: Since = None,
    until: Until = None,
    actor: Annotated[str | None, Query(max_length=100, description="An official's. For auditors.")] = None,
    after: After = None,
    limit: Limit = USUAL,
) -> Uses:
    """One's own uses, newest first. For an auditor everybody's, with who asked and the statement.

    An auditor's look at a page is entered in the ledger.
    """
    audits = caller.holds(RoleName.AUDITOR)
    if actor is not None and not audits and actor != caller.actor.id:
        raise HttpProblem("forbidden", "Others' uses are for auditors.", do="Leave `actor` out.")
    if audits and actor is not None and actor.startswith(CITIZEN):  # who they are is not shown, nor tried out
        raise HttpProblem("forbidden", "Which citizen asked is told to nobody.", do="Name an official.")
    wanted = Filter(
        actor=actor if audits else caller.actor.id,
        activity=activity,
        outcome=outcome,
        since=since,
        until=until,
        after=after,
    )
    with instance.db.read() as connection:
        found = asked.page(connection, instance.keys, wanted, limit + 1)
    ids = [entry["id"] for entry in found[:limit]]
    opened = open_originals(instance.db, instance.keys, ids, caller.actor, AUDIT) if audits else {}
    items = [_shown(entry, opened.get(entry["id"])) for entry in found]
    return Uses.model_validate(paged(request, items, limit, ids[-1] if ids else None))


@router.get("/{receipt}", responses=problem_answers(404, 503))
def use(
    caller: Known,
    instance: Opened,
    receipt: Annotated[str, Path(max_length=40, description="Id of the receipt.")],
) -> Shown:
    """One use: one's own; for an auditor anybody's. Opening the statement is entered in the ledger."""
    audits = caller.holds(RoleName.AUDITOR)
    with instance.db.read() as connection:
        entry = asked.entry(connection, receipt)
        mine = asked.is_of(connection, instance.keys, receipt, caller.actor.id)
    if entry is None or not (audits or mine):
        raise HttpProblem("not-found", "There is no such use of yours.", do="See GET /api/v1/uses.")
    why = AUDIT if audits else OWN
    original = open_original(instance.db, instance.keys, receipt, caller.actor, why)
    return _shown(entry, original, named=audits)


def _shown(entry: asked.Entry, original: Original | None, *, named: bool = True) -> Shown:
    private = None if original is None else original.private
    names = ("at", "outcome", "activity", "organisation", "purpose", "basis", "authenticated", "agreements")
    more = ("datasets", "columns", "protection", "rows", "bytes", "clauses")
    who = None if private is None or not named else private.actor
    return Shown(
        receipt=entry["id"],
        **{name: entry[name] for name in (*names, *more)},
        actor=SOMEBODY if who is not None and who.startswith(CITIZEN) else who,
        sql=None if private is None else private.sql,
        parameters=None if private is None else dict(private.params),
    )


def _response(serving: Serving, made: Made, form: str) -> Response:
    answer = made.answer
    headers = {"Vary": "Accept", PROTECTION: protection(answer)}
    if answer.receipt is not None:
        headers[RECEIPT] = answer.receipt
    media = f"{form}; charset=utf-8" if form == forms.CSV else form
    if made.body is not None:
        return Response(made.body, 200, headers, media)
    return Streamed(serving.pieces(answer, form), media, headers, serving.reader_seconds)


def protection(answer: Answer) -> str:
    """How what came out is protected, in words that fit a header."""
    if answer.protected is not None:
        return f"aggregates; {answer.protected}"
    if any(clause.reason == "own-person" for clause in answer.decision.clauses):
        return "rows"
    asked = (c.params["protection"] for c in answer.decision.clauses if c.reason == "protection-available")
    return next(asked, "open")
