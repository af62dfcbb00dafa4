"""A citizen's own: their choices, the uses of their data, and proofs. About themselves, and nobody else."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from publica.api.common import Opened, problem_answers
from publica.api.paging import MOST, USUAL, After, Limit, paged
from publica.api.repeated import Key, once
from publica.api.strict import StrictRoute
from publica.data import subjects
from publica.governance.activities import Activity
from publica.http.problems import HttpProblem
from publica.http.who import Known
from publica.instance import Instance
from publica.kernel.records import Book, Record
from publica.trust.consent import Shown
from publica.trust.consent.notices import Stale
from publica.trust.consent.rules import NONE, right
from publica.trust.transparency import asked, page_of_uses

router = APIRouter(prefix="/me", tags=["me"], route_class=StrictRoute)

PAGES = 10_000
Name = Annotated[str, Path(max_length=100, description="Id of the activity.")]


class Step(BaseModel):
    """One choice that was made."""

    at: str
    action: str


class Choice(BaseModel):
    """Where one stands with an activity."""

    activity: str
    title: str
    organisation: str
    purpose: str
    right: Literal["consent", "objection", "none"] = Field(description="What one may do about it.")
    allowed: bool = Field(description="Whether one's data may be used.")
    history: list[Step] = Field(description="One's choices, oldest first.")


class Choices(BaseModel):
    """Where one stands with every activity that gives a choice, by id."""

    items: list[Choice]
    next: str | None


class Chosen(BaseModel):
    """A choice. A consent names the terms it is given to."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"action": "withdraw"},
                {"action": "grant", "terms": "q1Vfg0x0oJc3m8mS2k5dYw7nB4eUuT9rHhLzPpKaEXo="},
            ]
        },
    )
    action: Literal["grant", "refuse", "withdraw", "object"] = Field(
        description="`grant` a consent or `refuse` it, `object`, or `withdraw` a consent or an objection. An "
        "objection stands while consent is asked for, until it is granted."
    )
    terms: str | None = Field(
        default=None,
        max_length=44,
        description="Hash of the terms that were read (`GET /api/v1/notices/{activity}`). `grant` needs it "
        "(else 422): a consent to others than those that hold is not taken (409). `refuse` keeps it "
        "where they ever held.",
    )

    @model_validator(mode="after")
    def _to_something(self) -> Chosen:
        if self.action == "grant" and self.terms is None:
            raise PydanticCustomError("terms", "A consent names the terms that were read, as `terms`.")
        return self


class Made(BaseModel):
    """What a choice led to. It is effective at the next use."""

    activity: str
    allowed: bool
    changed: bool = Field(description="False when it stood so already.")


class Use(BaseModel):
    """One use of data that concerned the person."""

    use: str = Field(description="Id of its receipt.")
    at: str
    organisation: str
    activity: str
    purpose: str
    basis: str | None
    agreements: list[str]
    datasets: list[str]
    columns: dict[str, list[str]]
    protection: str | None
    outcome: str
    how: Literal["left", "total", "looked through"] = Field(
        description="The person's row left, was counted in a total, or was looked through."
    )
    exact: bool = Field(description="False when the row left at most.")


class Uses(BaseModel):
    """Uses of the person's data, newest first."""

    items: list[Use]
    total: int
    next: str | None


async def _person(caller: Known) -> str:
    """The key of the citizen who asks."""
    if caller.kind != "citizen" or caller.subject is None:
        raise HttpProblem("forbidden", "These are a citizen's own.", do="Sign in as a citizen.")
    return caller.subject


Me = Annotated[str, Depends(_person)]


@router.get("/choices", responses=problem_answers(404))
def choices(request: Request, me: Me, instance: Opened, after: After = None, limit: Limit = USUAL) -> Choices:
    """Where one stands with each activity that rests on consent, or leaves a right to object."""
    book = _known(instance, me)
    giving = [found for found in book.all("activity") if right(found.spec.basis) != NONE]
    some = [found for found in giving if after is None or found.id > after][: limit + 1]
    items = [_choice(instance, me, found) for found in some]
    last = some[limit - 1].id if len(some) > limit else None
    return Choices.model_validate(paged(request, items, limit, last))


@router.get("/choices/{activity}", responses=problem_answers(404))
def choice(me: Me, instance: Opened, activity: Name) -> Choice:
    """Where one stands with one activity."""
    return _choice(instance, me, _activity(_known(instance, me), activity))


@router.post("/choices/{activity}", responses=problem_answers(403, 404, 409), response_model=Made)
def choose(
    request: Request, given: Chosen, caller: Known, me: Me, instance: Opened, activity: Name, key: Key = None
) -> Response:
    """Consent, say no, object, or take back what was chosen. Without such a right in law it is refused."""
    _activity(_known(instance, me), activity)

    def work() -> Made:
        shown = None if given.terms is None else Shown(given.terms)
        try:
            made = instance.choose(me, activity, given.action, caller.actor, shown=shown)
        except Stale as error:
            raise HttpProblem("conflict", error.what, do=error.do) from None
        return Made(activity=activity, allowed=made["allowed"], changed=made["changed"])

    return once(request, instance, caller, key, given.model_dump_json().encode(), work)


@router.get("/uses", responses=problem_answers(404))
def uses(
    request: Request,
    caller: Known,
    me: Me,
    instance: Opened,
    after: Annotated[int, Query(ge=0, le=PAGES * MOST, description="How many to leave out.")] = 0,
    limit: Limit = USUAL,
) -> Uses:
    """Every use that concerned one's data, newest first. That one looked is entered in the ledger, too."""
    position = _position(instance, me)
    found = page_of_uses(instance.db, instance.keys, position, caller.actor, limit=limit + 1, offset=after)
    items = [Use.model_validate(use.as_json()) for use in found.uses]
    page = paged(request, items, limit, str(after + limit))
    return Uses(total=found.total, **page)


@router.get(
    "/uses/{receipt}/proof",
    responses={
        200: {
            "description": "A proof file; `publica verify` checks it with the ledger's public key alone.",
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
        **problem_answers(404),
    },
)
def proof(
    caller: Known,
    me: Me,
    instance: Opened,
    receipt: Annotated[str, Path(max_length=40, description="Id of the use's receipt.")],
) -> dict[str, Any]:
    """The proof of what a use's receipt commits to about one: in, or out."""
    _position(instance, me)
    with instance.db.read() as connection:
        if asked.entry(connection, receipt) is None:
            raise HttpProblem("not-found", "There is no such use.", do="See GET /api/v1/me/uses.")
    return instance.prove(me, receipt, caller.actor)


def _position(instance: Instance, me: str) -> int:
    with instance.db.read() as connection:
        found = subjects.position(connection, instance.data, me)
    if found is None:
        raise HttpProblem("not-found", "Nothing is held about you here.")
    return found


def _known(instance: Instance, me: str) -> Book:
    """The records, once it is known that something is held about the person."""
    _position(instance, me)
    return instance.book()


def _activity(book: Book, name: str) -> Record[Activity]:
    found = book.get("activity", name)
    if found is None:
        raise HttpProblem("not-found", "There is no such activity.", do="See GET /api/v1/me/choices.")
    return found


def _choice(instance: Instance, me: str, found: Record[Activity]) -> Choice:
    status = instance.choice_status(me, found.id)
    return Choice.model_validate(
        {
            "activity": found.id,
            "title": found.spec.title,
            "organisation": found.spec.organisation,
            "purpose": found.spec.purpose,
            "right": right(found.spec.basis),
            "allowed": status["allowed"],
            "history": status["history"],
        }
    )
