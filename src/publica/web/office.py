"""Pages of the asker: office. What chief data officers and auditors must see before somebody else does."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any

from fastapi import Form, Query, Request
from starlette.responses import Response

from publica.governance.capacity import listing as requests
from publica.governance.identity import RoleName
from publica.http.caller import Caller
from publica.http.problems import HttpProblem
from publica.http.who import Known
from publica.instance import Instance, breach, duties
from publica.kernel import clock
from publica.kernel.errors import BadInput
from publica.trust.transparency import refusals as refused
from publica.trust.transparency.breach import Report
from publica.web import duties as waiting
from publica.web import holes as worded
from publica.web import named, words
from publica.web.lacking import lacking
from publica.web.site import Opened, book_of, render, see
from publica.web.site import router as pages

router = pages()

DAYS = (30, 90, 365, 3650)
"""How far one can look ahead, or back."""
SHOWN = 200
"""People that a page names; the file has all."""
FEW = 5
Days = Annotated[int, Query(ge=1, le=3650)]


@router.get("/office")
def office(request: Request, instance: Opened) -> Response:
    """The most important of everything."""
    clocks = _clocks(request, instance)
    return render(
        request,
        "office/office.html",
        holes=_holes(request, instance),
        endings=_endings(request, instance, 90),
        next_end=next(iter(_endings(request, instance, None)), None),
        refusals=_ranked(request, instance, 90),
        clocks=clocks,
        overdue=sum(each.overdue for each in clocks),
        health=duties.ledger_health(instance),
        few=FEW,
    )


@router.get("/office/accountability")
def accountability(request: Request, instance: Opened, days: Days = 90) -> Response:
    """The holes in accountability, and what is about to end."""
    return render(
        request,
        "office/accountability.html",
        holes=_holes(request, instance),
        endings=_endings(request, instance, days),
        next_end=next(iter(_endings(request, instance, None)), None),
        days=days,
        choices=DAYS,
    )


@router.get("/office/refusals")
def refusals(request: Request, instance: Opened, days: Days = 90) -> Response:
    """Refusals, ranked by what was missing."""
    return render(
        request, "office/refusals.html", refusals=_ranked(request, instance, days), days=days, choices=DAYS
    )


@router.get("/refusals")
def for_everybody(request: Request, instance: Opened, days: Days = 90) -> Response:
    """What is refused most, and how requests are answered: for everybody."""
    with instance.db.read() as connection:
        statistics = requests.statistics(connection, clock.now())
    return render(
        request,
        "office/for_everybody.html",
        refusals=_ranked(request, instance, days),
        statistics=statistics,
        days=days,
        choices=DAYS,
    )


@router.get("/office/clocks")
def clocks(request: Request, instance: Opened) -> Response:
    """Everything that waits for anybody, and how requests are answered."""
    with instance.db.read() as connection:
        statistics = requests.statistics(connection, clock.now())
    return render(request, "office/clocks.html", clocks=_clocks(request, instance), statistics=statistics)


@router.get("/office/ledger")
def ledger(request: Request, instance: Opened) -> Response:
    """How the ledger is."""
    return render(request, "office/ledger.html", health=duties.ledger_health(instance), report=None)


@router.post("/office/ledger")
def verify(request: Request, instance: Opened) -> Response:
    """Check the whole ledger now. Nothing changes, so the answer is the page itself."""
    report = instance.verify_ledger()
    return render(request, "office/ledger.html", health=duties.ledger_health(instance), report=report)


@router.get("/office/breach")
def breaches(request: Request, instance: Opened) -> Response:
    """Find everyone whom somebody's uses touched; and the reports that were made."""
    return _breaches(request, instance)


@router.post("/office/breach")
def report(
    request: Request,
    caller: Known,
    instance: Opened,
    official: Annotated[str, Form(max_length=100)] = "",
    since: Annotated[str, Form(max_length=10)] = "",
    until: Annotated[str, Form(max_length=10)] = "",
    why: Annotated[str, Form(max_length=20_000)] = "",
) -> Response:
    """Make a report."""
    wrote = {"official": official, "since": since, "until": until, "why": why}
    first, last = _day(since), _day(until)
    wrong = [
        name
        for name, bad in (
            ("official", instance.book().get("official", official) is None),
            ("since", first is None),
            ("until", last is None or last == date.max or (first is not None and last < first)),
            ("why", not why.strip()),
        )
        if bad
    ]
    if wrong or first is None or last is None:
        return _breaches(request, instance, wrong=wrong, wrote=wrote)
    try:
        period = _begin(first), _begin(last + timedelta(days=1))
        made = breach.report(instance, official, *period, why, caller.actor)
    except BadInput:
        return _breaches(request, instance, wrong=["why"], wrote=wrote)
    return see(request, f"/office/breach/{made.id}", told="report-made")


@router.get("/office/breach/{name}")
def look(request: Request, caller: Known, instance: Opened, name: str) -> Response:
    """One report. The look is entered in the ledger."""
    found, book = _look(instance, caller, name), book_of(request, instance)
    people = breach.persons(instance, found) if _names(caller) else None
    return render(
        request,
        "office/report.html",
        report=found,
        by=named.official(book, found.by.id),
        about=named.official(book, found.about),
        last=found.until - timedelta(days=1),
        touched=len(found.touched | found.left),
        left=len(found.left),
        people=None if people is None else people[:SHOWN],
        shown=SHOWN,
    )


@router.get("/office/breach/{name}/people.csv")
def people(caller: Known, instance: Opened, name: str) -> Response:
    """The keys of everyone touched, as a file. The look is entered in the ledger."""
    found = _look(instance, caller, name)
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("person", "row_left"))
    rows.writerows((key, "yes" if left else "no") for key, left in breach.persons(instance, found))
    headers = {"Content-Disposition": f'attachment; filename="{found.id}.csv"', "Cache-Control": "no-store"}
    return Response(text.getvalue(), 200, headers, "text/csv; charset=utf-8")


def _holes(request: Request, instance: Instance) -> list[worded.Shown]:
    book, language = book_of(request, instance), words.language_of(request)
    made = [worded.shown(book, hole, language) for hole in duties.found_holes(instance)[1]]
    return sorted(made, key=lambda hole: not hole.stops)


def _endings(request: Request, instance: Instance, days: int | None) -> list[dict[str, Any]]:
    book, today = book_of(request, instance), clock.now().date()
    return [
        {
            "kind": worded.KINDS[end.record.kind],
            "title": named.title(book, end.record.name),
            "place": named.place(book, end.record.name),
            "last": end.last,
            "days": (end.last - today).days,
            "carries": [named.title(book, f"activity:{each}") for each in end.carries],
        }
        for end in duties.found_endings(instance, days)
    ]


def _ranked(request: Request, instance: Instance, days: int) -> list[dict[str, Any]]:
    book, language, now = book_of(request, instance), words.language_of(request), clock.now()
    with instance.db.read() as connection:
        found = refused.ranked(connection, now - timedelta(days=days), now + timedelta(seconds=1))
    most = max((each.times for each in found), default=1)
    return [
        {
            "what": lacking(each.reason, language),
            "reason": each.reason,
            "times": each.times,
            "share": round(100 * each.times / most),
            "latest": each.latest,
            "activities": [
                (named.title(book, f"activity:{name}"), times)
                for name, times in each.activities.most_common(FEW)
            ],
        }
        for each in found
    ]


def _clocks(request: Request, instance: Instance) -> list[waiting.Shown]:
    return waiting.shown(request, book_of(request, instance), duties.everything(instance))


def _look(instance: Instance, caller: Caller, name: str) -> Report:
    try:
        return breach.look(instance, name, caller.actor)
    except BadInput:
        raise HttpProblem("not-found", "There is no such report.") from None


def _names(caller: Caller) -> bool:
    """Whether somebody may know the people themselves: the auditor reads nothing of data."""
    return caller.holds(RoleName.CHIEF_DATA_OFFICER)


def _breaches(
    request: Request, instance: Instance, wrong: list[str] | None = None, wrote: dict[str, str] | None = None
) -> Response:
    book = book_of(request, instance)
    return render(
        request,
        "office/breach.html",
        422 if wrong else 200,
        officials=[(each.id, each.spec.name) for each in book.all("official")],
        reports=breach.listed(instance),
        wrong=wrong or [],
        wrote=wrote or {"official": "", "since": "", "until": "", "why": ""},
        today=clock.now().date(),
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
