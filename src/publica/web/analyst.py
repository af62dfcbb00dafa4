"""Pages of the asker: analyst. The workbench: ask, see what is allowed and why, look at what one asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from fastapi import Form, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from publica.governance.activities.model import OPEN_ACCESS
from publica.http import forms
from publica.http.caller import Caller
from publica.http.problems import HttpProblem, of
from publica.http.streaming import Streamed, gone
from publica.http.who import Known
from publica.instance import Instance, requests
from publica.kernel import clock
from publica.kernel.decision import Clause
from publica.kernel.errors import BadInput, PublicaError, Refused
from publica.kernel.records import Book
from publica.trust.transparency import asked, open_original
from publica.trust.transparency.asked import Filter
from publica.web import allowed, named, words
from publica.web.answers import Serving, Shown, shown
from publica.web.lacking import lacking
from publica.web.site import Opened, book_of, here, render, see
from publica.web.site import router as pages

router = pages()

PAGE, LONGEST = 25, 200_000
OWN = "read by who asked"
FILES = {"csv": (forms.CSV, "text/csv; charset=utf-8"), "parquet": (forms.PARQUET, forms.PARQUET)}
Sql = Annotated[str, Form(max_length=LONGEST)]
Name = Annotated[str, Form(max_length=128)]
Values = Annotated[str, Form(max_length=LONGEST)]


@dataclass(frozen=True)
class Missing:
    """One thing that is missing: its sentence, the record that it is about, and whom to ask for it."""

    text: str
    reason: str
    about: str = ""
    title: str = ""
    place: str | None = None
    official: str | None = None
    organisation: str = ""
    request: Any = None


@dataclass(frozen=True)
class Outcome:
    """What came of a question: one of an answer, a refusal, an explanation, or an error's own words."""

    answer: Shown | None = None
    refused: tuple[Missing, ...] = ()
    receipt: str | None = None
    explanation: Any = None
    clauses: tuple[dict[str, Any], ...] = ()
    error: str = ""
    status: int = 200


@dataclass(frozen=True)
class Draft:
    """What stands in the form."""

    activity: str
    sql: str = ""
    values: str = ""
    params: dict[str, str] = field(default_factory=dict)


@router.get("/workbench")
def workbench(
    request: Request,
    caller: Known,
    instance: Opened,
    activity: Annotated[str | None, Query(max_length=128)] = None,
    again: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """The workbench, with nothing asked yet; or with the words of an earlier use of one's own."""
    if again is not None:
        return _page(request, caller, instance, _earlier(instance, caller, again))
    book = book_of(request, instance)
    mine = [name for name, _ in allowed.choices(book, caller, clock.now().date())]
    chosen = activity if activity in mine else mine[0]
    question = allowed.starter(allowed.allowed(book, chosen, clock.now().date()))
    return _page(request, caller, instance, Draft(chosen, question))


@router.post("/workbench")
async def ask(
    request: Request,
    caller: Known,
    instance: Opened,
    activity: Name,
    do: Annotated[Literal["run", "explain", "choose"], Form()],
    sql: Sql = "",
    values: Values = "",
) -> Response:
    """Put the question, explain it, or only show what another activity allows.

    The answer is the page itself: it is kept nowhere, so no redirection could lead to it.
    """
    draft = Draft(activity, sql.replace("\r\n", "\n"), values, _params(values))
    outcome = Outcome()
    if do != "choose":
        act = _run if do == "run" else _explain
        try:
            outcome = await act(request, caller, instance, draft)
        except PublicaError as error:
            outcome = await run_in_threadpool(_failed, request, caller, instance, error)
    return await run_in_threadpool(_page, request, caller, instance, draft, outcome)


@router.post("/workbench/download")
async def download(
    request: Request,
    caller: Known,
    instance: Opened,
    activity: Name,
    sql: Sql,
    form: Annotated[Literal["csv", "parquet"], Form()],
    values: Values = "",
) -> Response:
    """The whole answer as a file: a use of its own, with its own receipt."""
    serving: Serving = request.app.state.serving
    kind, media = FILES[form]
    draft = Draft(activity, sql.replace("\r\n", "\n"), values, _params(values))

    try:
        question = caller.request(draft.activity, draft.sql, draft.params)
        found = await serving.use(question, kind, lambda: gone(request.receive))
    except PublicaError as error:
        outcome = await run_in_threadpool(_failed, request, caller, instance, error)
        return await run_in_threadpool(_page, request, caller, instance, draft, outcome)
    name = f"publica-{found.answer.receipt or 'open'}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    if found.body is not None:
        return Response(found.body, 200, headers, media)
    return Streamed(serving.pieces(found.answer, kind), media, headers, serving.reader_seconds)


@router.get("/workbench/uses")
def uses(
    request: Request,
    caller: Known,
    instance: Opened,
    outcome: Annotated[Literal["released", "refused", "failed", ""], Query()] = "",
    after: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """One's own uses, newest first."""
    wanted = Filter(actor=caller.actor.id, outcome=outcome or None, after=after)
    with instance.db.read() as connection:
        found = asked.page(connection, instance.keys, wanted, PAGE + 1)
    more = here(request, after=found[PAGE - 1]["id"]) if len(found) > PAGE else None
    book = book_of(request, instance)
    return render(
        request,
        "analyst/uses.html",
        uses=[(entry, named.title(book, f"activity:{entry['activity']}")) for entry in found[:PAGE]],
        outcome=outcome,
        more=more,
    )


@router.get("/workbench/uses/{receipt}")
def use(request: Request, caller: Known, instance: Opened, receipt: str) -> Response:
    """One use of one's own; of a refusal, what it lacked and whom to ask. Reading the words is entered."""
    return _use(request, caller, instance, receipt)


@router.post("/workbench/uses/{receipt}/requests")
def request_missing(
    request: Request,
    caller: Known,
    instance: Opened,
    receipt: str,
    reason: Annotated[str, Form(max_length=64)],
    about: Annotated[str, Form(max_length=200)],
    text: Annotated[str, Form(max_length=20_000)] = "",
) -> Response:
    """Ask whoever can supply what was missing."""
    try:
        made = requests.ask(instance, receipt, reason, about, text, caller.actor)
    except BadInput as error:
        return _use(request, caller, instance, receipt, error=str(error), wrote=text, asking=(reason, about))
    return see(request, f"/requests/{made.id}", told="request-made")


@router.get("/datasets/{dataset}")
def dataset(request: Request, caller: Known, instance: Opened, dataset: str) -> Response:
    """What a dataset is, and what one's activities let through of it."""
    book, today = book_of(request, instance), clock.now().date()
    record = book.get("dataset", dataset)
    if record is None:
        raise HttpProblem("not-found", "There is no such dataset.")
    views = []
    for name, title in allowed.choices(book, caller, today):
        seen = allowed.allowed(book, name, today).datasets
        found = next((each for each in seen if each.id == dataset), None)
        if found is not None:
            views.append((name, title, {column.name: column for column in found.columns}))
    return render(
        request,
        "analyst/dataset.html",
        dataset=record,
        holder=named.title(book, f"organisation:{record.spec.holder}"),
        views=views,
        sensitivity=allowed.SENSITIVITY,
        types=allowed.TYPES,
        forms=allowed.FORMS,
    )


def _failed(request: Request, caller: Caller, instance: Instance, error: PublicaError) -> Outcome:
    """What came of a question that got no answer."""
    if isinstance(error, Refused):
        return _refusal(request, caller, instance, error)
    problem = of(error)
    return Outcome(error=problem.detail, status=problem.kind.status)


async def _run(request: Request, caller: Caller, _instance: Instance, draft: Draft) -> Outcome:
    serving: Serving = request.app.state.serving
    question = caller.request(draft.activity, draft.sql, draft.params)
    made = await serving.use(question, forms.JSON, lambda: gone(request.receive))
    return Outcome(answer=await run_in_threadpool(shown, made), receipt=made.answer.receipt)


async def _explain(request: Request, caller: Caller, instance: Instance, draft: Draft) -> Outcome:
    serving: Serving = request.app.state.serving
    question = caller.request(draft.activity, draft.sql, draft.params)
    found = await serving.explain(question, lambda: gone(request.receive))
    language, book = words.language_of(request), await run_in_threadpool(book_of, request, instance)
    clauses = tuple(
        {
            "holds": clause.holds,
            "sentence": named.clause(book, clause, language),
            "place": named.place(book, clause.cites),
            "title": named.title(book, clause.cites) if clause.cites else "",
        }
        for clause in found.decision.clauses
    )
    return Outcome(explanation=found, clauses=clauses)


def _refusal(request: Request, caller: Caller, instance: Instance, refusal: Refused) -> Outcome:
    """Each missing condition in words, with whom to ask for it."""
    book, language = book_of(request, instance), words.language_of(request)
    gaps: tuple[Any, ...] = ()
    if refusal.receipt is not None and caller.kind != "citizen":
        gaps = requests.refusal(instance, refusal.receipt, caller.actor).gaps
    missing = []
    for clause in refusal.decision.missing:
        same = (each for each in gaps if each.reason == clause.reason and _is_of(clause, each.about))
        gap = next(same, None)
        missing.append(_missing(book, named.clause(book, clause, language), clause.reason, gap))
    return Outcome(refused=tuple(missing), receipt=refusal.receipt, status=403)


def _is_of(clause: Clause, about: str) -> bool:
    if clause.cites is not None:
        return clause.cites == about
    return about.partition(":")[2] in (clause.params.get("dataset"), clause.params.get("activity"), "")


def _missing(book: Book, text: str, reason: str, gap: Any, made: Any = None) -> Missing:
    if gap is None:
        return Missing(text, reason)
    return Missing(
        text=text,
        reason=reason,
        about=gap.about,
        title=named.title(book, gap.about) if gap.about else "",
        place=named.place(book, gap.about),
        official=named.official(book, gap.official) if gap.official else None,
        organisation=named.title(book, f"organisation:{gap.answering}") if gap.answering else "",
        request=made,
    )


def _use(
    request: Request,
    caller: Caller,
    instance: Instance,
    receipt: str,
    *,
    error: str = "",
    wrote: str = "",
    asking: tuple[str, str] | None = None,
) -> Response:
    entry = _own(instance, caller, receipt)
    original = open_original(instance.db, instance.keys, receipt, caller.actor, OWN)
    book, language = book_of(request, instance), words.language_of(request)
    missing: list[Missing] = []
    if entry["outcome"] == "refused":
        found = requests.refusal(instance, receipt, caller.actor)
        missing = [
            _missing(book, lacking(gap.reason, language), gap.reason, gap, found.request(gap))
            for gap in found.gaps
        ]
    return render(
        request,
        "analyst/use.html",
        422 if error else 200,
        entry=entry,
        activity=named.title(book, f"activity:{entry['activity']}"),
        sql=original.private.sql,
        params=original.private.params,
        missing=missing,
        error=error,
        wrote=wrote,
        asking=asking,
    )


def _own(instance: Instance, caller: Caller, receipt: str) -> asked.Entry:
    """A use of one's own. Raises HttpProblem (404) for any other."""
    with instance.db.read() as connection:
        entry = asked.entry(connection, receipt)
        mine = asked.is_of(connection, instance.keys, receipt, caller.actor.id)
    if entry is None or not mine:
        raise HttpProblem("not-found", "There is no such use of yours.")
    return entry


def _earlier(instance: Instance, caller: Caller, receipt: str) -> Draft:
    """The words of an earlier use. Reading them is entered in the ledger."""
    entry = _own(instance, caller, receipt)
    original = open_original(instance.db, instance.keys, receipt, caller.actor, OWN)
    params = {name: str(value) for name, value in original.private.params.items()}
    lines = "\n".join(f"{name} = {value}" for name, value in params.items())
    return Draft(entry["activity"], original.private.sql, lines, params)


def _params(text: str) -> dict[str, str]:
    """Values of `$names`, one `name = value` a line."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {name.strip().lstrip("$"): value.strip() for name, _, value in pairs if name.strip()}


def _page(
    request: Request, caller: Caller, instance: Instance, draft: Draft, outcome: Outcome | None = None
) -> Response:
    book, today = book_of(request, instance), clock.now().date()
    choices = allowed.choices(book, caller, today)
    known = dict(choices)
    if draft.activity not in known:  # cited all the same, by hand or in an earlier use: the door says why not
        choices = ((draft.activity, named.title(book, f"activity:{draft.activity}")), *choices)
    outcome = outcome or Outcome()
    found = allowed.allowed(book, draft.activity, today)
    return render(
        request,
        "analyst/workbench.html",
        outcome.status,
        draft=draft,
        choices=choices,
        open_access=OPEN_ACCESS,
        allowed=found,
        others=_others(book, found),
        forms=allowed.FORMS,
        protections=allowed.PROTECTIONS,
        outcome=outcome,
        left_out=outcome.answer and outcome.answer.left_out(words.language_of(request)),
    )


def _others(book: Book, found: allowed.Allowed) -> list[tuple[str, str]]:
    """The datasets that the activity does not see: by id and title."""
    seen = {dataset.id for dataset in found.datasets}
    return [(record.id, record.spec.title) for record in book.all("dataset") if record.id not in seen]
