"""Pages for a citizen, about themselves alone: their data, its uses, their choices, what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, get_args

from fastapi import Form, Path, Query, Request
from starlette.responses import Response

from publica.data import subjects
from publica.governance.activities import OWN_DATA
from publica.http.caller import Caller
from publica.http.problems import HttpProblem
from publica.http.streaming import gone
from publica.http.who import Known
from publica.instance import Instance, citizens
from publica.kernel.errors import BadInput
from publica.trust.consent import Shown
from publica.trust.consent.model import CHOSEN
from publica.trust.consent.notices import Stale
from publica.trust.rights.actions import TooManyWait
from publica.trust.transparency import actions as transparency
from publica.trust.transparency import asked
from publica.trust.transparency.listing import Only
from publica.trust.transparency.model import How
from publica.web import citizen_forms, understanding, words
from publica.web import citizen_sentences as sentences
from publica.web.answers import Serving
from publica.web.site import Opened, book_of, render, see
from publica.web.site import router as pages
from publica.web.words import mark
from publica.wording import notice as wording

router = pages()

PAGE = 20
"""Uses on one page."""
OTHERS = 20
"""Uses that left one out, and refused questions, that a page lists."""
DECIDED = 50
"""Requests that do not wait any more, on a page."""
DAYS = 28
HOWS: tuple[str, ...] = get_args(How)
Name = Annotated[str, Path(max_length=100)]
Field = Annotated[str, Form(max_length=100)]
Words = Annotated[str, Form(max_length=20_000)]

TOO_MANY = mark("Too many of your requests wait. Wait for an answer, or take one back.")
UNANSWERED = mark("Answer the question before you say yes.")
WRONG = mark("That is not what this page says. Please read it once more.")
CHANGED = mark("These words have just changed. Please read them once more.")
NO_CHOICE = mark("That is no choice that you have here. Please use one of the buttons.")
AFTER = {"grant": "choice-granted", "refuse": "choice-refused", "object": "choice-objected"}


def key_of(instance: Instance, caller: Caller) -> str:
    """The key of the citizen who asks, about whom something is held."""
    return _person(instance, caller)[0]


def _person(instance: Instance, caller: Caller) -> tuple[str, int]:
    """The same, and where they stand."""
    if caller.kind != "citizen" or caller.subject is None:
        raise HttpProblem("forbidden", "These are a citizen's own.", do="Sign in as a citizen.")
    with instance.db.read() as connection:
        position = subjects.position(connection, instance.data, caller.subject)
    if position is None:
        raise HttpProblem("not-found", "Nothing is held about you here.")
    return caller.subject, position


@router.get("/my-data")
def my_data(request: Request, caller: Known, instance: Opened) -> Response:
    """Which offices hold data about one, from where, and when it was last used."""
    key = key_of(instance, caller)
    return render(
        request,
        "citizen/data.html",
        holdings=citizens.holdings(instance),
        used=citizens.last_used(instance, key, caller.actor),
        **_named(request, instance),
    )


@router.get("/my-data/all")
async def all_my_data(request: Request, caller: Known, instance: Opened) -> Response:
    """Everything that is held about one, to read or to print: a use of each dataset."""
    return await _in_turn(request, caller, lambda: _all_page(request, caller, instance))


@router.get("/my-data/download")
async def download_my_data(request: Request, caller: Known, instance: Opened) -> Response:
    """The same as JSON."""

    def work() -> Response:
        made = citizens.bundle(instance, key_of(instance, caller), caller.actor)
        return _file(made, "my-data.json")

    return await _in_turn(request, caller, work)


@router.get("/my-data/{dataset}")
async def one_of_my_data(request: Request, caller: Known, instance: Opened, dataset: Name) -> Response:
    """What one dataset says about one: a use of one's own, with its receipt."""
    return await _in_turn(request, caller, lambda: _dataset_page(request, caller, instance, dataset))


@router.get("/my-uses")
def my_uses(
    request: Request,
    caller: Known,
    instance: Opened,
    organisation: Annotated[str, Query(max_length=100)] = "",
    activity: Annotated[str, Query(max_length=100)] = "",
    how: Annotated[str, Query(max_length=20)] = "",
    since: Annotated[str, Query(max_length=10)] = "",
    until: Annotated[str, Query(max_length=10)] = "",
    after: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Response:
    """Every use that concerned one, newest first, each in a sentence. Looking is entered in the ledger.

    Those that one made oneself, by reading one's own data, are shown when they are asked for.
    """
    _, position = _person(instance, caller)
    own = activity == OWN_DATA
    first, last = _day(since), _day(until)
    page = transparency.page_of_uses(
        instance.db,
        instance.keys,
        position,
        caller.actor,
        limit=PAGE,
        offset=after,
        since=first,
        until=None if last is None else last + timedelta(days=1, microseconds=-1000),
        only=_only(organisation, activity, how),
    )
    book, language = book_of(request, instance), words.language_of(request)
    names = _names(request, instance)
    return render(
        request,
        "citizen/uses.html",
        total=page.total,
        uses=[sentences.told(book, names, use, language) for use in page.uses],
        before=max(0, after - PAGE) if after else None,
        after=after + PAGE if page.total > after + PAGE else None,
        chosen={
            "organisation": organisation,
            "activity": activity,
            "how": how,
            "since": since,
            "until": until,
        },
        own=own,
        filtered=bool(organisation or (activity and not own) or how or first or last),
        organisations=book.all("organisation"),
        activities=book.all("activity"),
        hows=sentences.HOW,
    )


@router.get("/my-uses/others")
def uses_of_others(request: Request, caller: Known, instance: Opened) -> Response:
    """Uses that left one out, each with a proof of that; and questions that were refused."""
    key = key_of(instance, caller)
    return render(
        request,
        "citizen/others.html",
        untouched=citizens.untouched(instance, key, caller.actor, OTHERS),
        refused=citizens.refused(instance, OTHERS),
        **_named(request, instance),
        sentences=sentences,
    )


@router.get("/my-uses/{receipt}")
def one_use(request: Request, caller: Known, instance: Opened, receipt: Name) -> Response:
    """One use: what its receipt says in public, and what it says about one."""
    key, book = key_of(instance, caller), book_of(request, instance)
    entry = _entry(instance, receipt)
    proof = instance.prove(key, receipt, caller.actor)
    mine = next((each for each in _mine(instance, key, caller, entry) if each.use == receipt), None)
    language, names = words.language_of(request), _names(request, instance)
    return render(
        request,
        "citizen/use.html",
        entry=entry,
        says=proof["says"],
        told=None,
        complains=citizens.has_maker(book, entry),
        use=None if mine is None else sentences.told(book, names, mine, language),
        book=book,
        names=names,
        sentences=sentences,
    )


@router.get("/my-uses/{receipt}/proof")
def proof(caller: Known, instance: Opened, receipt: Name) -> Response:
    """A file that proves what a use's receipt commits to about one: in, or out."""
    key = key_of(instance, caller)
    _entry(instance, receipt)
    return _file(instance.prove(key, receipt, caller.actor), f"proof-{receipt}.json")


@router.get("/my-choices")
def my_choices(request: Request, caller: Known, instance: Opened) -> Response:
    """Where one stands with every reason for which data about people may be used."""
    key = key_of(instance, caller)
    found = citizens.standings(instance, key)
    return render(request, "citizen/choices.html", standings=found, **_named(request, instance))


@router.get("/my-choices/{activity}")
def my_choice(request: Request, caller: Known, instance: Opened, activity: Name) -> Response:
    """One of them: the notice, compiled from the activity, and what one may do."""
    return _choice_page(request, instance, key_of(instance, caller), activity)


@router.post("/my-choices/{activity}")
def choose(
    request: Request,
    caller: Known,
    instance: Opened,
    activity: Name,
    action: Field = "",
    terms: Field = "",
    text: Field = "",
    language: Field = "",
    understood: Field = "",
) -> Response:
    """Say yes, no, take it back, or object. A yes needs that the notice was read, as it is now."""
    key = key_of(instance, caller)
    found = _standing(instance, key, activity)
    if action not in CHOSEN:
        return _choice_page(request, instance, key, activity, NO_CHOICE, of="main-content")
    shown = None
    notice = _notice(request, instance, found)
    if notice is not None:
        shown = understanding.saw(found, notice, terms, language, text)
        answered = shown is not None and understood in understanding.offered(notice)
        if answered:
            understanding.count(instance, key, found, understood, language)
        problem = _unread(action, shown, understood if answered else "")
        if problem is not None:
            return _choice_page(request, instance, key, activity, problem)
    try:
        made = instance.choose(key, activity, action, caller.actor, shown=shown)
    except Stale:
        return _choice_page(request, instance, key, activity, CHANGED)
    if action == "grant":
        understanding.count(instance, key, found, understood, language, agreed=True)
    return see(request, f"/my-choices/{activity}", _after(action, found.said, changed=made["changed"]))


@router.get("/my-choices/{activity}/receipt")
def choice_receipt(caller: Known, instance: Opened, activity: Name) -> Response:
    """The signed receipt of one's last choice."""
    key = key_of(instance, caller)
    _standing(instance, key, activity)
    try:
        made = citizens.receipt(instance, key, activity)
    except BadInput as error:
        raise HttpProblem("not-found", error.what, do=error.do) from None
    return _file(made, f"receipt-{activity}.json")


@router.get("/my-corrections")
def my_corrections(
    request: Request,
    caller: Known,
    instance: Opened,
    dataset: Annotated[str, Query(max_length=100)] = "",
    use: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """What one asked, how it stands, and a form to say that something is wrong."""
    given = {"what": "complaint" if use else "", "dataset": dataset, "use": use, "column": "", "said": ""}
    return _corrections_page(request, instance, key_of(instance, caller), given)


@router.post("/my-corrections")
def correct(
    request: Request,
    caller: Known,
    instance: Opened,
    what: Field = "",
    dataset: Field = "",
    column: Field = "",
    use: Field = "",
    said: Words = "",
) -> Response:
    """Ask that data be corrected, or complain of a use."""
    key = key_of(instance, caller)
    given = {"what": what, "dataset": dataset, "column": column, "use": use.strip(), "said": said}
    wrong = citizen_forms.wrong(instance, given)
    if wrong:
        return _corrections_page(request, instance, key, given, wrong)
    try:
        if what == "complaint":
            citizens.complain(instance, key, use.strip(), said, caller.actor)
        else:
            citizens.ask_correction(instance, key, dataset, column, said, caller.actor)
    except TooManyWait:
        return _corrections_page(request, instance, key, given, [("said", TOO_MANY)])
    return see(request, "/my-corrections", "correction-asked")


@router.post("/my-corrections/{name}/withdraw")
def take_back(request: Request, caller: Known, instance: Opened, name: Name) -> Response:
    """Take back what one asked."""
    key = key_of(instance, caller)
    if citizens.one_of_mine(instance, key, name) is None:
        raise HttpProblem("not-found", "There is no such request of yours.", do="See /my-corrections.")
    citizens.take_back(instance, key, name, caller.actor)
    return see(request, "/my-corrections", "correction-withdrawn")


# what these need


def _only(organisation: str, activity: str, how: str) -> Only:
    """Which uses are asked for; one's own readings only where they are named."""
    only = Only(organisation or None, activity or None, how if how in HOWS else None)  # type: ignore[arg-type]
    return only if activity else replace(only, but=OWN_DATA)


def _named(request: Request, instance: Instance) -> dict[str, Any]:
    """The records in the reader's language, and how each is called."""
    return {"book": book_of(request, instance), "names": _names(request, instance)}


def _names(request: Request, instance: Instance) -> wording.Names:
    return wording.names_of(instance.book(), words.language_of(request))


async def _in_turn(request: Request, caller: Caller, work: Callable[[], Response]) -> Response:
    """A page that makes uses: it waits in the queue as every use does."""
    serving: Serving = request.app.state.serving
    return await serving.in_turn(caller.actor.id, lambda: gone(request.receive), work)


def _all_page(request: Request, caller: Caller, instance: Instance) -> Response:
    key = key_of(instance, caller)
    used = citizens.last_used(instance, key, caller.actor)
    return render(
        request,
        "citizen/all.html",
        found=[citizens.own(instance, each.dataset.id, caller.actor) for each in citizens.holdings(instance)],
        used=used,
        **_named(request, instance),
        standings=citizens.standings(instance, key),
    )


def _dataset_page(request: Request, caller: Caller, instance: Instance, dataset: str) -> Response:
    key_of(instance, caller)
    try:
        found = citizens.own(instance, dataset, caller.actor)
    except BadInput:
        raise HttpProblem("not-found", "There is no such data.", do="See /my-data.") from None
    return render(request, "citizen/dataset.html", found=found, **_named(request, instance))


def _choice_page(
    request: Request,
    instance: Instance,
    key: str,
    activity: str,
    problem: str | None = None,
    *,
    of: str = "understood",
) -> Response:
    """A choice. `of`: the part of the page that a problem is of."""
    found = _standing(instance, key, activity)
    return render(
        request,
        "citizen/choice.html",
        422 if problem else 200,
        standing=found,
        notice=_notice(request, instance, found),
        asked=citizens.understood(instance, activity),
        problem=problem,
        of=of,
        **_named(request, instance),
    )


def _notice(request: Request, instance: Instance, found: citizens.Standing) -> wording.Notice | None:
    """The notice as it is shown now; None where nobody is asked for consent."""
    if found.version is None:
        return None
    language = words.language_of(request)
    return wording.compiled(found.terms, _names(request, instance), language, found.version.question)


def _unread(action: str, shown: Shown | None, understood: str) -> str | None:
    """Why a yes does not count yet; None when it does, or when it is none."""
    if action != "grant":
        return None
    if shown is None:
        return CHANGED
    if not understood:
        return UNANSWERED
    return None if understood == wording.RIGHT_OPTION else WRONG


def _after(action: str, before: str | None, *, changed: bool) -> str:
    """What is said once a choice was made, where `before` was in effect."""
    if changed:
        took_back = "choice-objection-withdrawn" if before == "object" else "choice-withdrawn"
        return {"withdraw": took_back, **AFTER}[action]
    if before == "object" and action != "object":
        return "choice-objection-stands"
    return "choice-nothing" if action == "withdraw" else "choice-stands"


def _standing(instance: Instance, key: str, activity: str) -> citizens.Standing:
    try:
        return citizens.standing(instance, key, activity)
    except BadInput:
        raise HttpProblem("not-found", "There is no such activity.", do="See /my-choices.") from None


def _corrections_page(
    request: Request,
    instance: Instance,
    key: str,
    given: dict[str, str],
    wrong: list[tuple[str, str]] | None = None,
) -> Response:
    language = words.language_of(request)
    asked_for, left_out = citizens.foremost(instance, key, DECIDED)
    return render(
        request,
        "citizen/corrections.html",
        422 if wrong else 200,
        given=given,
        wrong=wrong or [],
        listed=[{"href": f"#{field}", "text": words.text(language, said)} for field, said in wrong or []],
        requests=asked_for,
        left_out=left_out,
        holdings=citizens.holdings(instance),
        **_named(request, instance),
        days=DAYS,
    )


def _entry(instance: Instance, receipt: str) -> asked.Entry:
    with instance.db.read() as connection:
        entry = asked.entry(connection, receipt)
    if entry is None:
        raise HttpProblem("not-found", "There is no such use.", do="See /my-uses.")
    return entry


def _mine(instance: Instance, key: str, caller: Caller, entry: asked.Entry) -> list[Any]:
    at = datetime.fromisoformat(entry["at"])
    page = transparency.page_of_uses(
        instance.db, instance.keys, instance.position(key), caller.actor, limit=100, since=at, until=at
    )
    return page.uses


def _day(given: str) -> datetime | None:
    """The beginning of a day (UTC); None for what is no day."""
    try:
        return datetime.combine(date.fromisoformat(given), time(), UTC)
    except ValueError:
        return None


def _file(made: Any, name: str) -> Response:
    text = json.dumps(made, ensure_ascii=False, indent=1) + "\n"
    return Response(
        text.encode(),
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
        media_type="application/json",
    )
