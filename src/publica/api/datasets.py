"""Datasets: what data there is, what its columns mean, which versions there are, and who answers for it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field

from publica.api.common import Opened, problem_answers
from publica.api.paging import NOT_MODIFIED, USUAL, After, Limit, Matches, paged, tagged
from publica.api.strict import StrictRoute
from publica.data import versions
from publica.data.model import Version
from publica.governance.leadership import accountable
from publica.http.problems import HttpProblem
from publica.http.who import Who
from publica.kernel import clock
from publica.kernel.records import Book, Record

router = APIRouter(prefix="/datasets", tags=["datasets"], route_class=StrictRoute)


class Summary(BaseModel):
    """A dataset in a list."""

    id: str
    title: str
    holder: str
    access: str = Field(description="`open`, `restricted` or `personal`.")
    rows: int | None = Field(description="Rows of the newest version; null when nothing was loaded.")


class Summaries(BaseModel):
    """Datasets, by id."""

    items: list[Summary]
    next: str | None


class Column(BaseModel):
    """One column, and what its values mean."""

    name: str
    title: str | None
    type: str
    role: str
    concept: str | None
    unit: str | None
    code_list: str | None
    code_list_version: str | None
    sensitivity: str | None
    required: bool


class Loaded(BaseModel):
    """One version: an immutable load."""

    number: int
    rows: int
    recorded_at: str
    digest: str = Field(description="SHA-256 of its file, hex.")


class Steward(BaseModel):
    """Who answers for the dataset today."""

    role: str = Field(description="Id of the role record.")
    official: str = Field(description="Their id.")


class Shown(BaseModel):
    """A dataset."""

    id: str
    title: str
    description: str
    holder: str
    access: str
    special_category: bool
    licence: str | None
    source: str | None
    columns: list[Column]
    versions: list[Loaded] = Field(description="Newest first.")
    steward: Steward | None = Field(description="Null when nobody answers for it: then nobody may use it.")


@router.get("", responses=NOT_MODIFIED, response_model=Summaries)
def datasets(
    request: Request,
    caller: Who,
    instance: Opened,
    after: After = None,
    limit: Limit = USUAL,
    if_none_match: Matches = None,
) -> Response:
    """The datasets that are described here."""
    found = [record for record in instance.book().all("dataset") if after is None or record.id > after]
    some = found[: limit + 1]
    with instance.db.read() as connection:
        newest = {record.id: versions.current(connection, instance.data, record.id) for record in some}
    items = [_summary(record, newest[record.id]).model_dump() for record in some]
    page = paged(request, items, limit, some[limit - 1].id if len(some) > limit else None)
    return tagged(page, if_none_match, shared=not caller.signed_in)


@router.get("/{id}", responses={**NOT_MODIFIED, **problem_answers(404)}, response_model=Shown)
def dataset(
    caller: Who,
    instance: Opened,
    id: Annotated[str, Path(max_length=100, description="Id of the dataset.")],
    if_none_match: Matches = None,
) -> Response:
    """One dataset: its columns, its versions, and who answers for it."""
    book = instance.book()
    found = book.get("dataset", id)
    if found is None:
        raise HttpProblem("not-found", "There is no such dataset.", do="See GET /api/v1/datasets.")
    with instance.db.read() as connection:
        loaded = versions.all_of(connection, instance.data, id)
    shown = _shown(found, loaded, _steward(book, id))
    return tagged(shown.model_dump(), if_none_match, shared=not caller.signed_in)


def _summary(found: Record[Any], newest: Version | None) -> Summary:
    return Summary(
        id=found.id,
        title=found.spec.title,
        holder=found.spec.holder,
        access=str(found.spec.access),
        rows=None if newest is None else newest.rows,
    )


def _shown(found: Record[Any], loaded: list[Version], steward: Steward | None) -> Shown:
    spec = found.spec.model_dump(mode="json")
    names = ("title", "description", "holder", "access", "special_category", "licence", "source")
    return Shown(
        id=found.id,
        **{name: spec[name] for name in names},
        columns=[Column.model_validate(column) for column in spec["columns"]],
        versions=[
            Loaded(number=v.number, rows=v.rows, recorded_at=clock.text(v.recorded_at), digest=v.digest)
            for v in loaded
        ],
        steward=steward,
    )


def _steward(book: Book, name: str) -> Steward | None:
    found = accountable(book, name, clock.now().date())
    if found is None:
        return None
    return Steward(role=found.role.id, official=found.official.id)
