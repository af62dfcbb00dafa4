"""Proposals: stewards and chief data officers propose changes of records; another official decides."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from publica.api.common import Opened, problem_answers
from publica.api.documents import TITLE_LIMIT, Document, GivenToPropose, Proposed, body_of
from publica.api.paging import USUAL, After, Limit, paged
from publica.api.records import Differs, differs
from publica.api.repeated import Key, once
from publica.api.strict import StrictRoute
from publica.governance.leadership import actions, listing
from publica.governance.leadership.model import Proposal
from publica.http.problems import HttpProblem
from publica.http.who import Known
from publica.instance import Instance
from publica.kernel import clock
from publica.kernel.errors import BadInput

router = APIRouter(prefix="/records/proposals", tags=["records"], route_class=StrictRoute)

Id = Annotated[str, Path(max_length=40, description="Id of the proposal.")]


class Decision(BaseModel):
    """A decision about a proposal."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"why": "Agreed on Monday."}]})
    why: str = Field(default="", max_length=actions.WHY_LIMIT, description="Why; kept with the proposal.")


class Shown(BaseModel):
    """A proposal, and what became of it."""

    id: str
    state: Literal["open", "accepted", "declined"]
    title: str
    proposer: str
    proposed_at: str
    decided_by: str | None
    decided_at: str | None
    why: str | None


class WithDocuments(Shown):
    """A proposal with its documents."""

    documents: list[Document]


class Made(WithDocuments):
    """A proposal just made or accepted, and what it changes."""

    differences: list[Differs]


class Listed(BaseModel):
    """Proposals, newest first."""

    items: list[Shown]
    next: str | None


@router.post(
    "",
    status_code=201,
    responses=problem_answers(409, 422),
    response_model=Made,
    openapi_extra=body_of(Proposed, title="Take up the Heating Act"),
)
def propose(
    request: Request,
    given: GivenToPropose,
    caller: Known,
    instance: Opened,
    title: Annotated[
        str | None, Query(min_length=1, max_length=TITLE_LIMIT, description="What it is about, for YAML.")
    ] = None,
    key: Key = None,
) -> Response:
    """Propose changes of records. Nothing changes until another official, a chief data officer, accepts."""
    label = given.title or title
    if label is None:
        raise HttpProblem("bad-input", "The proposal has no title.", do="Add it to the address: ?title=…")

    def work() -> Made:
        made, found = actions.propose(instance.db, instance.kinds, given.reading, label, caller.actor)
        return Made(
            **_fields(made), documents=_documents(made), differences=[differs(each) for each in found]
        )

    return once(request, instance, caller, key, label.encode() + given.body, work, 201)


@router.get("", responses=problem_answers(422))
def proposals(
    request: Request,
    instance: Opened,
    state: Annotated[Literal["open", "accepted", "declined"] | None, Query(description="Only these.")] = None,
    after: After = None,
    limit: Limit = USUAL,
) -> Listed:
    """Proposals, newest first."""
    with instance.db.read() as connection:
        found = listing.listed(connection, state=state, after=after, limit=limit + 1)
    last = found[limit - 1].id if len(found) > limit else None
    return Listed.model_validate(paged(request, [_fields(each) for each in found], limit, last))


@router.get("/{id}", responses=problem_answers(404))
def proposal(instance: Opened, id: Id) -> WithDocuments:
    """One proposal, with its documents."""
    found = _get(instance, id)
    return WithDocuments(**_fields(found), documents=_documents(found))


@router.post("/{id}/accept", responses=problem_answers(403, 404, 409, 422), response_model=Made)
def accept(
    request: Request, given: Decision, caller: Known, instance: Opened, id: Id, key: Key = None
) -> Response:
    """Accept a proposal: its documents are applied as the proposer's, and the ledger says who accepted."""

    def work() -> Made:
        _require_open(instance, id)
        found = actions.accept(instance.db, instance.kinds, id, caller.actor, given.why)
        done = listing.get(instance.db, id)
        return Made(
            **_fields(done), documents=_documents(done), differences=[differs(each) for each in found]
        )

    return once(request, instance, caller, key, given.model_dump_json().encode(), work)


@router.post("/{id}/decline", responses=problem_answers(403, 404, 409, 422), response_model=Shown)
def decline(
    request: Request, given: Decision, caller: Known, instance: Opened, id: Id, key: Key = None
) -> Response:
    """Decline a proposal; one's own is taken back so."""

    def work() -> Shown:
        _require_open(instance, id)
        actions.decline(instance.db, instance.kinds, id, caller.actor, given.why)
        return Shown(**_fields(listing.get(instance.db, id)))

    return once(request, instance, caller, key, given.model_dump_json().encode(), work)


def _get(instance: Instance, name: str) -> Proposal:
    try:
        return listing.get(instance.db, name)
    except BadInput:
        raise HttpProblem(
            "not-found", "There is no such proposal.", do="See GET /api/v1/records/proposals."
        ) from None


def _require_open(instance: Instance, name: str) -> None:
    found = _get(instance, name)
    if found.state != "open":
        raise HttpProblem("conflict", f"The proposal is {found.state} already.", do="Propose it anew.")


def _documents(found: Proposal) -> list[Document]:
    return [Document.model_validate(each) for each in found.documents]


def _fields(found: Proposal) -> dict[str, Any]:
    return {
        "id": found.id,
        "state": str(found.state),
        "title": found.title,
        "proposer": found.by.id,
        "proposed_at": clock.text(found.proposed_at),
        "decided_by": found.decided_by,
        "decided_at": None if found.decided_at is None else clock.text(found.decided_at),
        "why": found.why,
    }
