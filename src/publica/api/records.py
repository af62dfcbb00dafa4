"""Records: read them as they are or were, see what documents would change, propose and decide changes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from publica.api.common import Opened, problem_answers
from publica.api.documents import Documents, Given, body_of
from publica.api.instants import Instant
from publica.api.paging import NOT_MODIFIED, USUAL, After, Limit, Matches, paged, tagged
from publica.api.strict import StrictRoute
from publica.http.problems import HttpProblem
from publica.http.who import Caller, Known, Who
from publica.kernel import clock, records
from publica.kernel.ledger.canonical import b64
from publica.kernel.records import Difference, Record

router = APIRouter(prefix="/records", tags=["records"], route_class=StrictRoute)

HIDDEN = frozenset({"official"})
"""Kinds that only those who are signed in may read: they name people. An official's id in a role or under an
agreement is for everybody: who answers for data, and who signed, is what holds an office to account."""

Kind = Annotated[
    Literal["organisation", "official", "role", "law", "dataset", "activity", "agreement"],
    Path(description="Kind of record."),
]
Id = Annotated[str, Path(max_length=100, description="Id of the record.")]


class Summary(BaseModel):
    """A record in a list."""

    kind: str
    id: str
    revision: int
    recorded_at: str
    title: str | None = Field(description="Its title or name, if it has one.")


class Summaries(BaseModel):
    """Records, by kind and id."""

    items: list[Summary]
    next: str | None


class Shown(BaseModel):
    """One revision of a record."""

    kind: str
    id: str
    revision: int
    recorded_at: str
    spec: dict[str, Any] = Field(description="What it says, as `publica export` writes it.")
    entry: str = Field(description="Base64 of the leaf hash of its ledger entry.")
    actor: str | None = Field(description="Who recorded it; only for those who are signed in.")


class History(BaseModel):
    """Every revision of a record, oldest first."""

    items: list[Shown]
    next: str | None


class Changed(BaseModel):
    """One value that changes; null: there is none."""

    path: str
    before: Any
    after: Any


class Differs(BaseModel):
    """What documents would do to one record."""

    kind: str
    id: str
    what: Literal["added", "changed", "unchanged"]
    changes: list[Changed]


class Differences(BaseModel):
    """What documents would do."""

    differences: list[Differs]


@router.get("", responses={**NOT_MODIFIED, **problem_answers(401)}, response_model=Summaries)
def listing(
    request: Request,
    caller: Who,
    instance: Opened,
    kind: Annotated[Kind | None, Query(description="Only of this kind.")] = None,
    after: After = None,
    limit: Limit = USUAL,
    if_none_match: Matches = None,
) -> Response:
    """The current records. Those of officials are for who is signed in."""
    if kind in HIDDEN and not caller.signed_in:
        raise HttpProblem("sign-in-needed", "Records of officials name people.", do="Sign in to read them.")
    found = sorted(
        (record for key, record in instance.book().records.items() if _visible(caller, key[0], kind)),
        key=lambda record: record.name,
    )
    some = [record for record in found if after is None or record.name > after][: limit + 1]
    last = some[limit - 1].name if len(some) > limit else None
    page = paged(request, [_summary(record).model_dump() for record in some], limit, last)
    return tagged(page, if_none_match, shared=not caller.signed_in)


@router.get("/{kind}/{id}", responses={**NOT_MODIFIED, **problem_answers(404)}, response_model=Shown)
def record(
    caller: Who,
    instance: Opened,
    kind: Kind,
    id: Id,
    at: Annotated[Instant | None, Query(description="As it was recorded then.")] = None,
    if_none_match: Matches = None,
) -> Response:
    """One record, as it is or was."""
    with instance.db.read() as connection:
        book = records.book(connection, tuple(instance.kinds), at)
    found = book.get(kind, id) if _visible(caller, kind, None) else None
    if found is None:
        raise nothing()
    return tagged(_shown(found, caller).model_dump(), if_none_match, shared=not caller.signed_in)


@router.get(
    "/{kind}/{id}/history", responses={**NOT_MODIFIED, **problem_answers(404)}, response_model=History
)
def history(
    request: Request,
    caller: Who,
    instance: Opened,
    kind: Kind,
    id: Id,
    after: Annotated[int, Query(ge=0, le=2**31 - 1, description="Revisions after this one.")] = 0,
    limit: Limit = USUAL,
    if_none_match: Matches = None,
) -> Response:
    """Every revision of a record, oldest first."""
    with instance.db.read() as connection:
        found = records.revisions(connection, tuple(instance.kinds), kind, id)
    if not found or not _visible(caller, kind, None):
        raise nothing()
    some = [each for each in found if each.revision > after][: limit + 1]
    last = str(some[limit - 1].revision) if len(some) > limit else None
    page = paged(request, [_shown(each, caller).model_dump() for each in some], limit, last)
    return tagged(page, if_none_match, shared=not caller.signed_in)


@router.post("/diff", responses=problem_answers(422), openapi_extra=body_of(Documents))
def diff(given: Given, caller: Known, instance: Opened) -> Differences:
    """What documents would change, or everything that is wrong with them. Nothing is changed."""
    found = records.apply_reading(instance.db, instance.kinds, given.reading, caller.actor, dry_run=True)
    return Differences(differences=[differs(each) for each in found])


def differs(found: Difference) -> Differs:
    """A difference as JSON has it."""
    changes = [Changed.model_validate(asdict(change)) for change in found.changes]
    return Differs.model_validate(
        {"kind": found.kind, "id": found.id, "what": found.what, "changes": changes}
    )


def nothing() -> HttpProblem:
    return HttpProblem("not-found", "There is no such record.", do="See GET /api/v1/records.")


def _visible(caller: Caller, kind: str, wanted: str | None) -> bool:
    return (wanted is None or kind == wanted) and (kind not in HIDDEN or caller.signed_in)


def _summary(found: Record[Any]) -> Summary:
    title = getattr(found.spec, "title", None) or getattr(found.spec, "name", None)
    return Summary(
        kind=found.kind,
        id=found.id,
        revision=found.revision,
        recorded_at=clock.text(found.recorded_at),
        title=title,
    )


def _shown(found: Record[Any], caller: Caller) -> Shown:
    return Shown(
        kind=found.kind,
        id=found.id,
        revision=found.revision,
        recorded_at=clock.text(found.recorded_at),
        spec=found.spec.model_dump(mode="json", exclude_none=True),
        entry=b64(found.entry),
        actor=found.actor if caller.signed_in else None,
    )
