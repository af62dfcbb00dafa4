"""A citizen's rights: all that is held about them, notices, receipts, corrections; and who answers those."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StrictStr

from publica.api.common import Opened, problem_answers
from publica.api.me import Me, Name, _activity, _known, _position
from publica.api.repeated import Key, once
from publica.api.serving import Served
from publica.api.strict import StrictRoute
from publica.http.problems import HttpProblem
from publica.http.streaming import gone
from publica.http.who import Known
from publica.instance import Instance, citizens
from publica.kernel import clock
from publica.kernel.errors import BadInput
from publica.trust.rights.actions import WORDS_LIMIT
from publica.trust.rights.model import State, Waiting
from publica.wording import notice as wording

router = APIRouter(tags=["rights"], route_class=StrictRoute)

Id = Annotated[str, Path(max_length=40, description="Id of the request.")]
Language = Annotated[Literal["en", "fr"], Query(description="In which language.")]
MINE = "See GET /api/v1/me/requests."


class Held(BaseModel):
    """A person's rows of one dataset."""

    dataset: str
    title: str
    organisation: str
    organisation_name: str
    source: str | None
    loaded_at: str
    last_used: str | None = Field(
        description="When somebody else used it about the person; null: nobody has yet."
    )
    receipt: str | None = Field(description="Of the use by which they were read.")
    columns: list[str]
    rows: list[list[str | int | float | bool | None]]


class Bundle(BaseModel):
    """All that is held about a person."""

    person: str
    at: str
    data: list[Held]
    choices: list[dict[str, Any]]
    requests: list[dict[str, Any]]


class Section(BaseModel):
    """One part of a notice."""

    name: str
    heading: str
    sentences: list[str]
    items: list[str]


class Answers(BaseModel):
    """How the question about one version was answered."""

    version: int
    asked: int
    passed: int


class Notice(BaseModel):
    """What an activity asks consent for, compiled from its record."""

    activity: str
    version: int
    terms: str = Field(description="Hash of the terms; a consent names it. Other terms end it.")
    language: str
    text: str = Field(description="Hash of the text in this language.")
    since: str
    lapsed: int = Field(description="How many consents to the version before ended with this one.")
    ease: float = Field(description="Reading ease: Flesch (English), Kandel and Moles (French).")
    sections: list[Section]
    understood: list[Answers]


class Wrong(BaseModel):
    """What is wrong: a dataset's data about oneself, or a use of it."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"dataset": "population", "words": "I moved."}]}
    )
    dataset: StrictStr | None = Field(default=None, max_length=100, description="Whose data is wrong.")
    column: StrictStr = Field(default="", max_length=100, description="Which of its columns, if one knows.")
    use: StrictStr | None = Field(default=None, max_length=40, description="Which use is complained of.")
    words: StrictStr = Field(max_length=WORDS_LIMIT)


class Asked(BaseModel):
    """A request, without what it says."""

    id: str
    what: Literal["correction", "complaint"]
    state: Literal["open", "done", "declined", "withdrawn"]
    organisation: str
    dataset: str | None
    asked_at: str
    due_at: str
    decided_at: str | None


class Said(Asked):
    """A request, with what it says."""

    about: str
    words: str
    answer: str | None


class Revealed(Said):
    """A request as who answers it reads it."""

    person: str


class Mine(BaseModel):
    """What one asked, newest first."""

    items: list[Said]


class Waits(BaseModel):
    """Requests that wait for oneself, most urgent first."""

    items: list[Asked]


class Reply(BaseModel):
    """An answer to a person."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"done": True, "words": "It is corrected."}]}
    )
    done: bool
    words: StrictStr = Field(max_length=WORDS_LIMIT, description="The person reads them.")


@router.get("/me/data", responses=problem_answers(404, 503))
async def data(request: Request, caller: Known, me: Me, instance: Opened, serving: Served) -> Bundle:
    """All that is held about one, as one's own uses (under `own-data`), each with its receipt.

    Each request is a use of each dataset anew; they wait in the queue of uses as one.
    """

    def work() -> Bundle:
        _position(instance, me)
        return Bundle.model_validate(citizens.bundle(instance, me, caller.actor))

    return await serving.in_turn(caller.actor.id, lambda: gone(request.receive), work)


@router.get(
    "/me/choices/{activity}/receipt",
    responses={
        200: {
            "description": "A signed consent receipt after ISO/IEC TS 27560.",
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
        **problem_answers(404),
    },
)
def receipt(me: Me, instance: Opened, activity: Name) -> dict[str, Any]:
    """The signed receipt of one's last choice about an activity."""
    _activity(_known(instance, me), activity)
    try:
        return citizens.receipt(instance, me, activity)
    except BadInput as error:
        raise HttpProblem("not-found", error.what, do=error.do) from None


@router.get("/me/requests", responses=problem_answers(404))
def mine(me: Me, instance: Opened) -> Mine:
    """What one asked about one's own data, and the answers."""
    _position(instance, me)
    return Mine.model_validate(
        {"items": [citizens.request_as_json(each) for each in citizens.mine(instance, me)]}
    )


@router.post("/me/requests", status_code=201, responses=problem_answers(404, 409, 422), response_model=Asked)
def ask(request: Request, given: Wrong, caller: Known, me: Me, instance: Opened, key: Key = None) -> Response:
    """Say that data about oneself is wrong, or complain of a use. Four weeks are there to answer."""
    _position(instance, me)

    def work() -> Asked:
        if (given.dataset is None) == (given.use is None):
            raise BadInput("Name the dataset that is wrong, or the use.", do="Name one of the two.")
        if given.use is not None:
            return _asked(citizens.complain(instance, me, given.use, given.words, caller.actor))
        dataset = str(given.dataset)
        return _asked(citizens.ask_correction(instance, me, dataset, given.column, given.words, caller.actor))

    return once(request, instance, caller, key, given.model_dump_json().encode(), work, 201)


@router.post("/me/requests/{id}/withdraw", responses=problem_answers(404, 409, 422), response_model=Mine)
def withdraw(request: Request, caller: Known, me: Me, instance: Opened, id: Id, key: Key = None) -> Response:
    """Take back what one asked."""
    _position(instance, me)

    def work() -> Mine:
        found = citizens.one_of_mine(instance, me, id)
        if found is None:
            raise HttpProblem("not-found", "There is no such request of yours.", do=MINE)
        _require_open(found)
        citizens.take_back(instance, me, id, caller.actor)
        return mine(me, instance)

    return once(request, instance, caller, key, b"", work)


@router.get("/notices/{activity}", responses=problem_answers(404, 422))
def notice(instance: Opened, activity: Name, language: Language = "en") -> Notice:
    """What an activity asks consent for. Where a law is the basis nobody is asked, and there is no notice."""
    book = instance.book()
    record = book.get("activity", activity)
    version = None if record is None else citizens.notice(instance, record, book)
    if record is None or version is None:
        raise HttpProblem(
            "not-found", "No consent is asked for that.", do="See GET /api/v1/records?kind=activity."
        )
    made = wording.compiled(version.terms, wording.names_of(book, language), language, version.question)
    return Notice.model_validate(
        {
            "activity": activity,
            "version": version.version,
            "terms": version.hash,
            "language": language,
            "text": made.hash,
            "since": clock.text(version.since),
            "lapsed": version.lapsed,
            "ease": made.ease,
            "sections": [vars(section) for section in made.sections],
            "understood": [vars(each) for each in citizens.understood(instance, activity)],
        }
    )


@router.get("/corrections")
def waiting(caller: Known, instance: Opened) -> Waits:
    """Requests about people's own data that are one's to answer. What they say is sealed."""
    return Waits(items=[_asked(each) for each in citizens.to_answer(instance, caller.actor)])


@router.get("/corrections/{id}", responses=problem_answers(403, 404))
def opened(caller: Known, instance: Opened, id: Id) -> Revealed:
    """What a person asks. That it was opened is entered in the ledger."""
    _there(instance, id)
    found = citizens.open_request(instance, id, caller.actor)
    return Revealed.model_validate({**citizens.request_as_json(found), "person": found.content.person})


@router.post("/corrections/{id}/answer", responses=problem_answers(403, 404, 409, 422), response_model=Asked)
def answer(
    request: Request, given: Reply, caller: Known, instance: Opened, id: Id, key: Key = None
) -> Response:
    """Say that it is done, or why not. It changes no data: correct it where it is kept, and load it."""

    def work() -> Asked:
        _require_open(_there(instance, id))
        return _asked(citizens.answer(instance, id, done=given.done, words=given.words, actor=caller.actor))

    return once(request, instance, caller, key, given.model_dump_json().encode(), work)


def _there(instance: Instance, name: str) -> Waiting:
    try:
        return citizens.waiting(instance, name)
    except BadInput as error:
        raise HttpProblem("not-found", error.what, do="See GET /api/v1/corrections.") from None


def _require_open(found: Waiting) -> None:
    if found.state is not State.OPEN:
        raise HttpProblem("conflict", "It is answered already.", do="A new request can be made.")


def _asked(found: Waiting) -> Asked:
    return Asked.model_validate(
        {
            "id": found.id,
            "what": str(found.what),
            "state": str(found.state),
            "organisation": found.organisation,
            "dataset": found.dataset,
            "asked_at": clock.text(found.asked_at),
            "due_at": clock.text(found.due_at),
            "decided_at": None if found.decided_at is None else clock.text(found.decided_at),
        }
    )
