"""Requests after refusals: what one lacked and whom to ask for it, asking, answering; and one's own queue."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StrictStr

from publica.api.common import Opened, problem_answers
from publica.api.paging import USUAL, After, Limit, paged
from publica.api.repeated import Key, once
from publica.api.strict import StrictRoute
from publica.governance.capacity import AccessRequest, listing
from publica.governance.capacity.actions import WORDS_LIMIT
from publica.http.caller import Caller
from publica.http.problems import HttpProblem
from publica.http.who import Known
from publica.instance import Instance, duties, requests
from publica.kernel import clock
from publica.kernel.errors import BadInput

router = APIRouter(tags=["requests"], route_class=StrictRoute)

Id = Annotated[str, Path(max_length=40, description="Id of the request.")]
Receipt = Annotated[str, Path(max_length=40, description="Id of the refusal's receipt.")]


class Lacked(BaseModel):
    """One thing that a refusal lacked."""

    reason: str = Field(description="Stable code; all of them: docs/reference/reasons.md.")
    about: str = Field(description="The record that it is about, as `dataset:population`; may be empty.")
    organisation: str | None = Field(
        description="Whose it is to supply it; null: another question is needed."
    )
    official: str | None = Field(description="Whom to ask; null: nobody can be asked.")
    request: str | None = Field(description="Id of the latest request for it.")


class Refusal(BaseModel):
    """What a refusal of one's own lacked."""

    receipt: str
    items: list[Lacked]


class Asked(BaseModel):
    """A request for one thing that a refusal lacked."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "reason": "agreement-exists",
                    "about": "dataset:population",
                    "words": "To test the software.",
                }
            ]
        },
    )
    reason: StrictStr = Field(max_length=64, description="What was missing.")
    about: StrictStr = Field(max_length=200, description="Of which record.")
    words: StrictStr = Field(max_length=WORDS_LIMIT, description="Why it is needed; for who is asked.")


class Reply(BaseModel):
    """An answer to a request."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"agreed": False, "why": "Totals are enough."}]}
    )
    agreed: bool
    why: StrictStr = Field(max_length=WORDS_LIMIT, description="The reason; for who asked.")


class Shown(BaseModel):
    """A request, and what became of it."""

    id: str
    state: Literal["open", "agreed", "declined", "withdrawn"]
    receipt: str
    reason: str
    about: str
    asker: str
    organisation: str
    words: str
    addressee: str
    asked_at: str
    due_at: str = Field(description="Then it goes on to a chief data officer.")
    overdue: bool
    escalated_at: str | None
    escalated_to: str | None
    decided_at: str | None
    decided_by: str | None
    why: str | None


class Listed(BaseModel):
    """Requests, newest first."""

    items: list[Shown]
    next: str | None


class Duty(BaseModel):
    """One thing that waits for somebody."""

    kind: Literal["request", "correction", "complaint", "proposal"]
    id: str
    about: str
    what: str = Field(description="Reason code of a request, title of a proposal.")
    asked_at: str
    due_at: str
    overdue: bool


class Queue(BaseModel):
    """What waits, most urgent first."""

    items: list[Duty]


class Statistics(BaseModel):
    """How requests are answered."""

    asked: int
    open: int
    overdue: int
    agreed: int
    declined: int
    withdrawn: int
    late: int = Field(description="Answered after their last day.")
    median_days: float | None = Field(description="Until an answer; null before the first one.")


@router.get("/uses/{receipt}/lacked", responses=problem_answers(404))
def lacked(caller: Known, instance: Opened, receipt: Receipt) -> Refusal:
    """What a refusal of one's own lacked, and whom to ask for each thing."""
    found = _refusal(instance, receipt, caller)
    items = []
    for gap in found.gaps:
        made = found.request(gap)
        items.append(
            Lacked(
                reason=gap.reason,
                about=gap.about,
                organisation=gap.answering,
                official=gap.official,
                request=None if made is None else made.id,
            )
        )
    return Refusal(receipt=receipt, items=items)


@router.post(
    "/uses/{receipt}/requests",
    status_code=201,
    responses=problem_answers(404, 409, 422),
    response_model=Shown,
)
def ask(
    request: Request, given: Asked, caller: Known, instance: Opened, receipt: Receipt, key: Key = None
) -> Response:
    """Ask whoever can supply what was missing. They have 28 days; then it goes on by itself."""

    def work() -> Shown:
        _refusal(instance, receipt, caller)
        made = requests.ask(instance, receipt, given.reason, given.about, given.words, caller.actor)
        return _shown(made)

    return once(request, instance, caller, key, given.model_dump_json().encode(), work, 201)


@router.get("/requests", responses=problem_answers(422))
def listed(
    request: Request,
    caller: Known,
    instance: Opened,
    state: Annotated[
        Literal["open", "agreed", "declined", "withdrawn"] | None, Query(description="Only these.")
    ] = None,
    after: After = None,
    limit: Limit = USUAL,
) -> Listed:
    """Requests that one made or was asked; for a chief data officer and an auditor everybody's."""
    party = None if requests.oversees(instance, caller.actor) else caller.actor.id
    with instance.db.read() as connection:
        found = listing.listed(connection, state=state, party=party, after=after, limit=limit + 1)
    last = found[limit - 1].id if len(found) > limit else None
    return Listed.model_validate(paged(request, [_shown(each).model_dump() for each in found], limit, last))


@router.get("/requests/statistics")
def statistics(instance: Opened) -> Statistics:
    """How requests are answered: public."""
    with instance.db.read() as connection:
        return Statistics.model_validate(listing.statistics(connection, clock.now()))


@router.get("/requests/{id}", responses=problem_answers(404))
def request_(caller: Known, instance: Opened, id: Id) -> Shown:
    """One request: for who asked, who is asked, chief data officers and auditors."""
    return _shown(_get(instance, id, caller))


@router.post("/requests/{id}/answer", responses=problem_answers(403, 404, 409, 422), response_model=Shown)
def answer(
    request: Request, given: Reply, caller: Known, instance: Opened, id: Id, key: Key = None
) -> Response:
    """Agree or decline, with a reason. It changes no record: propose, sign or load what was agreed."""

    def work() -> Shown:
        _require_open(_get(instance, id, caller))
        return _shown(requests.answer(instance, id, agreed=given.agreed, why=given.why, actor=caller.actor))

    return once(request, instance, caller, key, given.model_dump_json().encode(), work)


@router.post("/requests/{id}/withdraw", responses=problem_answers(403, 404, 409, 422), response_model=Shown)
def withdraw(request: Request, caller: Known, instance: Opened, id: Id, key: Key = None) -> Response:
    """Take one's own request back."""

    def work() -> Shown:
        _require_open(_get(instance, id, caller))
        return _shown(requests.withdraw(instance, id, caller.actor))

    return once(request, instance, caller, key, b"", work)


@router.get("/queue")
def queue(caller: Known, instance: Opened) -> Queue:
    """What waits for oneself, most urgent first."""
    now = clock.now()
    items = [duty.as_json(now) for duty in duties.queue(instance, caller.actor)]
    return Queue.model_validate({"items": items})


def _refusal(instance: Instance, receipt: str, caller: Caller) -> requests.Refusal:
    try:
        return requests.refusal(instance, receipt, caller.actor)
    except BadInput:
        raise HttpProblem(
            "not-found", "There is no such refusal of yours.", do="See GET /api/v1/uses."
        ) from None


def _get(instance: Instance, name: str, caller: Caller) -> AccessRequest:
    """The request, if the caller may know of it."""
    nothing = HttpProblem("not-found", "There is no such request of yours.", do="See GET /api/v1/requests.")
    try:
        found = requests.get(instance, name)
    except BadInput:
        raise nothing from None
    if not (requests.oversees(instance, caller.actor) or requests.concerns(instance, found, caller.actor)):
        raise nothing
    return found


def _require_open(found: AccessRequest) -> None:
    if found.state != "open":
        raise HttpProblem("conflict", f"The request is {found.state} already.", do="Ask anew, if needed.")


def _shown(found: AccessRequest) -> Shown:
    def text(at: Any) -> str | None:
        return None if at is None else clock.text(at)

    names = (
        "id",
        "reason",
        "about",
        "organisation",
        "words",
        "addressee",
        "escalated_to",
        "decided_by",
        "why",
    )
    return Shown(
        **{name: getattr(found, name) for name in names},
        state=found.state.value,
        receipt=found.use,
        asker=found.by.id,
        asked_at=clock.text(found.asked_at),
        due_at=clock.text(found.due_at),
        overdue=found.overdue(clock.now()),
        escalated_at=text(found.escalated_at),
        decided_at=text(found.decided_at),
    )
