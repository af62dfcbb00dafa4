"""Oversight: for chief data officers and auditors, what is missing, ends, is refused, is late, or leaked."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, StrictStr

from publica.api.common import Opened, problem_answers
from publica.api.instants import Instant
from publica.api.requests import Queue
from publica.api.strict import StrictRoute
from publica.governance.identity import RoleName
from publica.http.caller import Caller
from publica.http.problems import HttpProblem
from publica.http.who import Known
from publica.instance import Instance, breach, duties
from publica.kernel import clock
from publica.kernel.errors import BadInput
from publica.trust.transparency import refusals
from publica.trust.transparency.breach import WHY_LIMIT, Report

router = APIRouter(prefix="/oversight", tags=["oversight"], route_class=StrictRoute)

DAYS = 3660
SHOWN = 5


class Hole(BaseModel):
    """A hole in accountability."""

    kind: str
    record: str = Field(description="Where it is, as `dataset:population`.")
    concerns: str
    detail: str
    stops: bool = Field(description="Whether no data can be used through it.")


class Holes(BaseModel):
    """All of them, today."""

    items: list[Hole]


class End(BaseModel):
    """A record that ends."""

    record: str
    last_day: str
    activities: list[str] = Field(description="Those that rest on it.")


class Ends(BaseModel):
    """The first to end first."""

    items: list[End]


class Lacked(BaseModel):
    """How often one thing was missing."""

    reason: str
    times: int
    latest: str
    activities: dict[str, int] = Field(description="Those where it was missing most.")


class Refusals(BaseModel):
    """Refusals by what was missing, the most frequent first."""

    items: list[Lacked]


class Health(BaseModel):
    """How the ledger is. Whether it holds: `publica ledger verify`."""

    size: int
    waiting: int = Field(description="Entries without a position yet.")
    signed: int = Field(description="Entries under the latest checkpoint.")
    signed_at: str | None
    sealing_lost: str | None
    directory_lost: str | None


class Wanted(BaseModel):
    """Whose uses, from when (included) to when (not), and why it must be known."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "actor": "ana",
                    "since": "2026-11-01",
                    "until": "2026-12-01",
                    "why": "A stolen laptop.",
                }
            ]
        },
    )
    actor: StrictStr = Field(max_length=100)
    since: Instant
    until: Instant
    why: StrictStr = Field(max_length=WHY_LIMIT)


class Person(BaseModel):
    """Somebody whose data was touched."""

    key: str
    left: bool = Field(description="Whether their row left; otherwise it was counted or looked through.")


class Reported(BaseModel):
    """A report: everyone whom an actor's uses touched. Each look at it is entered in the ledger."""

    id: str
    at: str
    by: str
    actor: str
    since: str
    until: str
    why: str
    uses: list[str]
    touched: int
    left: int
    exact: bool = Field(description="Whether `left` is exact, or at most.")
    people: list[Person] | None = Field(description="For chief data officers; auditors get the numbers.")


class Made(BaseModel):
    """A report in the list."""

    id: str
    at: str


class Reports(BaseModel):
    """The reports that were made, newest first."""

    items: list[Made]


Days = Annotated[int, Query(ge=1, le=DAYS, description="How many days to look at.")]


@router.get("/holes")
def holes(instance: Opened) -> Holes:
    """What has nobody who answers for it, or cannot be used for want of something."""
    _, found = duties.found_holes(instance)
    names = ("record", "concerns", "detail", "stops")
    items = [{"kind": str(hole.kind), **{name: getattr(hole, name) for name in names}} for hole in found]
    return Holes.model_validate({"items": items})


@router.get("/endings", responses=problem_answers(422))
def endings(instance: Opened, days: Days = 90) -> Ends:
    """Agreements, activities, laws and roles that end soon."""
    found = duties.found_endings(instance, days)
    return Ends(
        items=[
            End(record=each.record.name, last_day=str(each.last), activities=list(each.carries))
            for each in found
        ]
    )


@router.get("/refusals", responses=problem_answers(422))
def refused(instance: Opened, days: Days = 90) -> Refusals:
    """Refusals of the last days by what was missing; everybody may know."""
    now = clock.now()
    with instance.db.read() as connection:
        found = refusals.ranked(connection, now - timedelta(days=days), now + timedelta(seconds=1))
    items = [
        Lacked(
            reason=each.reason,
            times=each.times,
            latest=each.latest,
            activities=dict(each.activities.most_common(SHOWN)),
        )
        for each in found
    ]
    return Refusals(items=items)


@router.get("/clocks", responses=problem_answers(422))
def clocks(
    instance: Opened,
    state: Annotated[Literal["overdue"] | None, Query(description="Only what is overdue.")] = None,
) -> Queue:
    """Everything that waits for anybody, most urgent first."""
    now = clock.now()
    found = [each for each in duties.everything(instance) if state is None or each.overdue(now)]
    return Queue.model_validate({"items": [each.as_json(now) for each in found]})


@router.get("/ledger")
def ledger(instance: Opened) -> Health:
    """How the ledger is just now."""
    found = duties.ledger_health(instance)
    at = None if found.signed_at is None else clock.text(found.signed_at)
    names = ("size", "waiting", "signed", "sealing_lost", "directory_lost")
    return Health(**{name: getattr(found, name) for name in names}, signed_at=at)


@router.get("/breaches")
def reports(instance: Opened) -> Reports:
    """The reports that were made."""
    return Reports(items=[Made(id=name, at=clock.text(at)) for name, at in breach.listed(instance)])


@router.post("/breaches", status_code=201, responses=problem_answers(403, 422))
def report(given: Wanted, caller: Known, instance: Opened) -> Reported:
    """Find everyone whom an official's uses touched; the report is sealed, and entered in the ledger."""
    made = breach.report(instance, given.actor, given.since, given.until, given.why, caller.actor)
    return _reported(instance, made, caller)


@router.get("/breaches/{id}", responses=problem_answers(403, 404))
def look(
    caller: Known,
    instance: Opened,
    id: Annotated[str, Path(max_length=40, description="Id of the report.")],
) -> Reported:
    """One report. The look is entered in the ledger first."""
    try:
        found = breach.look(instance, id, caller.actor)
    except BadInput:
        raise HttpProblem(
            "not-found", "There is no such report.", do="See GET /api/v1/oversight/breaches."
        ) from None
    return _reported(instance, found, caller)


def _reported(instance: Instance, found: Report, caller: Caller) -> Reported:
    named = caller.holds(RoleName.CHIEF_DATA_OFFICER)
    people = [Person(key=key, left=left) for key, left in breach.persons(instance, found)] if named else None
    return Reported(
        id=found.id,
        at=clock.text(found.at),
        by=found.by.id,
        actor=found.about,
        since=clock.text(found.since),
        until=clock.text(found.until),
        why=found.why,
        uses=list(found.uses),
        touched=len(found.touched | found.left),
        left=len(found.left),
        exact=found.exact,
        people=people,
    )
