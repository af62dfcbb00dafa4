"""Uses: put a question to data, see what would be decided, and look at what was asked before."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from publica.api.common import Opened, problem_answers
from publica.api.serving import Made, Served, Serving
from publica.api.streaming import Streamed, gone
from publica.api.strict import StrictRoute
from publica.gateway.door import Answer
from publica.http import forms
from publica.http.accept import negotiate
from publica.http.problems import clause_json
from publica.http.who import Known

router = APIRouter(prefix="/uses", tags=["uses"], route_class=StrictRoute)

RECEIPT, PROTECTION = "Publica-Receipt", "Publica-Protection"
SAFE, MOST = 2**63, 100

Number = Annotated[StrictInt, Field(ge=-SAFE, lt=SAFE)]
Fraction = Annotated[StrictFloat, Field(allow_inf_nan=False)]
Value = StrictBool | Number | Fraction | StrictStr | None


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
    parameters: dict[str, Value] = Field(
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


@router.post("", response_class=Response, responses={**ANSWERED, **problem_answers(403, 503)})
async def ask(request: Request, question: Asked, caller: Known, serving: Served) -> Response:
    """Put a question to data. The answer comes with a receipt; so does a refusal, which says what is missing.

    Each request is a use of its own and charged to its agreements, a repeated one too. If the answer was lost
    on the way, the use still stands in the ledger (`GET /api/v1/uses`).
    """
    form = negotiate(request.headers.get("accept"), forms.FORMS)
    asked = caller.request(question.activity, question.sql, question.parameters)
    made = await serving.use(asked, form, lambda: gone(request.receive))
    return _response(serving, made, form)


@router.post("/explain", responses=problem_answers(403, 503))
def explain(question: Asked, caller: Known, instance: Opened) -> Explained:
    """Say what would be decided about a question, and what would run. Nothing is run or recorded."""
    found = instance.explain(caller.request(question.activity, question.sql, question.parameters))
    return Explained(
        allowed=found.decision.allowed,
        clauses=[Clause.model_validate(clause_json(clause)) for clause in found.decision.clauses],
        sql=found.sql,
        protection=found.protection,
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
