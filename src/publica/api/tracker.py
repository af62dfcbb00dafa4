"""Estonia's Data Tracker protocol, version 2: what a portal asks to show a citizen who used their data.

The protocol: https://github.com/e-gov/AJ, `doc/spetsifikatsioonid/dumonitor-openapi-v2.yaml`; it comes over
X-Road there, whose headers it takes. Who may ask: a citizen who signed in, about themselves; or a portal, by
a token with the scope `tracker`, which names the citizen who asks it in `X-Road-UserId`. Each look is entered
in the ledger, as it is from the command line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError
from sqlalchemy import select

from publica.api.common import Opened, problem_answers
from publica.data import subjects
from publica.governance.activities import ACTIVITY
from publica.http.problems import HttpProblem
from publica.http.who import Caller, Known
from publica.kernel import clock
from publica.kernel.errors import PublicaError
from publica.kernel.ledger.store import checkpoints
from publica.kernel.records import Book
from publica.trust import transparency
from publica.trust.transparency import UseOfMe

SCOPE = "tracker"
MOST, USUAL = 10_000, 1000
"""Uses of one answer: version 3 of the protocol names the most, version 2 the usual."""
LATEST = 2**31 - 1
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?")


class TrackerRoute(APIRoute):
    """A route that says 400 to whatever does not fit its schema, as the protocol has it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def strict(request: Request) -> Response:
            try:
                return await handler(request)
            except RequestValidationError as error:
                first = error.errors()[0]
                where = ".".join(str(part) for part in first["loc"])
                raise HttpProblem("malformed", f"{where}: {first['msg']}.") from None

        return strict


router = APIRouter(prefix="/v2", tags=["tracker"], route_class=TrackerRoute)


def _instant(text: str) -> datetime:
    """An instant of RFC 3339; without an offset, as the protocol's examples have it, it is UTC's."""
    try:
        if _INSTANT.fullmatch(text):
            return clock.parse(text)
    except (ValueError, OverflowError):  # such as the year 1, an hour east of us
        pass
    raise PydanticCustomError("instant", "It must be an instant, like 2026-11-23T12:00:00Z")


Instant = Annotated[datetime, BeforeValidator(_instant)]


class Usage(BaseModel):
    """One use of a person's data."""

    logtime: str = Field(description="When, UTC.", examples=["2026-11-23T12:00:00.000Z"])
    action: str = Field(description="What for: the activity's title.", examples=["Heating aid"])
    receiverCode: str = Field(
        description="The organisation's registry code, or its id.", examples=["70000562"]
    )
    receiverName: str = Field(
        description="The organisation that used the data.", examples=["Social services"]
    )
    receiverSystem: str = Field(description="The system it was used with.", examples=["data.example.gov"])


class FindUsageResponse(BaseModel):
    """Uses of a person's data, the latest first, and how many there are without `limit` and `offset`."""

    totalUsages: int
    usages: list[Usage]


class UsagePeriodResponse(BaseModel):
    """Since when uses are kept. They are until now: there is no end."""

    periodStart: str = Field(examples=["2026-01-01T00:00:00.000Z"])


class HeartbeatResponse(BaseModel):
    """Whether the service works."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "OK", "message": "API is ready"}]})
    status: Literal["OK", "FAIL"]
    message: str


@router.get("/findUsage", operation_id="findUsage", responses=problem_answers(400, 401, 403, 429, 503))
def find_usage(
    instance: Opened,
    caller: Known,
    user_code: Annotated[
        str | None,
        Query(alias="userCode", max_length=500, description="The person whom the uses concerned."),
    ] = None,
    user_id: Annotated[
        str | None,
        Header(alias="X-Road-UserId", max_length=500, description="The person who asks the portal."),
    ] = None,
    since: Annotated[Instant | None, Query(alias="periodStart", description="Uses from then on.")] = None,
    until: Annotated[Instant | None, Query(alias="periodEnd", description="Uses up to then.")] = None,
    offset: Annotated[int, Query(ge=0, le=LATEST, description="How many to leave out.")] = 0,
    limit: Annotated[int, Query(ge=0, le=MOST, description="How many to answer with at most.")] = USUAL,
) -> FindUsageResponse:
    """The uses of a person's data, the latest first.

    A citizen who signed in may leave out both names, and may name nobody else; a portal names both.
    """
    key, behalf = _whom(caller, instance.settings.tracker.prefix, user_code, user_id)
    with instance.db.read() as connection:
        position = subjects.position(connection, instance.data, key)
    if position is None:  # nothing is held about them: what they are told is as if nobody had used it
        return FindUsageResponse(totalUsages=0, usages=[])
    page = transparency.page_of_uses(
        instance.db,
        instance.keys,
        position,
        caller.actor,
        limit=limit,
        offset=offset,
        since=since,
        until=until,
        behalf=behalf,
    )
    book, system = instance.book(), instance.settings.tracker.system or instance.settings.ledger.origin
    return FindUsageResponse(totalUsages=page.total, usages=[_usage(book, system, use) for use in page.uses])


@router.get("/usagePeriod", operation_id="usagePeriod", responses=problem_answers(503))
def usage_period(instance: Opened) -> UsagePeriodResponse:
    """Since when uses can be asked for: the instance was made, or lost the key to whom they concerned."""
    with instance.db.read() as connection:
        first = connection.execute(select(checkpoints.c.at).order_by(checkpoints.c.size).limit(1)).scalar()
    began = first or clock.text(clock.now())
    return UsagePeriodResponse(periodStart=max(began, instance.keys.sealing_lost or ""))


@router.get("/heartbeat", operation_id="heartbeat")
def heartbeat(instance: Opened) -> HeartbeatResponse:
    """Whether uses could be asked for now."""
    try:
        with instance.db.read() as connection:
            connection.execute(select(checkpoints.c.size).limit(1))
    except PublicaError:
        return HeartbeatResponse(status="FAIL", message="The state database does not answer")
    return HeartbeatResponse(status="OK", message="API is ready")


def _whom(caller: Caller, prefix: str, code: str | None, asker: str | None) -> tuple[str, str | None]:
    """Whose uses are asked for, and who asks a portal. Raises HttpProblem when the caller may not."""
    if caller.kind == "citizen" and caller.subject is not None:
        own = (caller.subject, prefix + caller.subject)
        if {code, asker} - {None, *own}:
            raise HttpProblem("forbidden", "A citizen asks about themselves.", do="Leave the codes out.")
        return caller.subject, None
    if SCOPE not in caller.scopes:
        raise HttpProblem(
            "forbidden",
            "These are a citizen's own.",
            do=f"Sign in as a citizen, or use a token with the scope {SCOPE}.",
        )
    if not code or not asker:
        raise HttpProblem("malformed", "Name userCode, and who asks in X-Road-UserId.")
    return code.removeprefix(prefix) if code.startswith(prefix) else "", asker


def _usage(book: Book, system: str, use: UseOfMe) -> Usage:
    activity, organisation = book.get(ACTIVITY.name, use.activity), book.get("organisation", use.organisation)
    return Usage(
        logtime=clock.text(use.at),
        action=use.activity if activity is None else activity.spec.title,
        receiverCode=use.organisation if organisation is None else organisation.spec.code or use.organisation,
        receiverName=use.organisation if organisation is None else organisation.spec.name,
        receiverSystem=system,
    )
