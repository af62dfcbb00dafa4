"""Pages for everybody: the first page, signing in, the register of data uses, the ledger."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import Path, Query, Request
from starlette.responses import Response

from publica.governance.activities.model import BUILT_IN
from publica.http import signing_in
from publica.http.problems import HttpProblem
from publica.instance.figures import figures, flows, head, newest
from publica.kernel import clock
from publica.kernel.ledger.note import parse_checkpoint
from publica.trust.transparency.flows import Sums
from publica.web import public_register as register
from publica.web import vocabulary, words
from publica.web.cast import Member
from publica.web.drawing import picture
from publica.web.site import Opened, book_of, render
from publica.web.site import router as pages

router = pages()

NEWEST = 12
"""Entries of the ledger that its page lists."""
LONGEST = 4096
Name = Annotated[str, Path(max_length=128)]


@router.get("/")
def home(request: Request, instance: Opened) -> Response:
    """What this is, in plain words, with live figures; in the demo, whom one can be."""
    cast: tuple[Member, ...] = getattr(request.app.state, "cast", None) or ()
    return render(request, "public/home.html", figures=figures(instance), cast=cast)


@router.get("/sign-in")
def sign_in(
    request: Request, return_to: Annotated[str, Query(max_length=LONGEST)] = signing_in.HOME
) -> Response:
    """Where to sign in, and as whom."""
    place = signing_in.local(return_to)
    cast: tuple[Member, ...] = getattr(request.app.state, "cast", None) or ()
    providers = tuple(request.app.state.identity.providers)
    return render(request, "public/sign_in.html", cast=cast, providers=providers, return_to=place)


@router.get("/register")
def data_uses(request: Request, instance: Opened) -> Response:
    """Who uses which data, for what, how often: a picture, a table, every activity and agreement."""
    book, found = book_of(request, instance), flows(instance)
    language = words.language_of(request)
    built_in = {name: vocabulary.plain(language, name) for name in BUILT_IN}
    rows = register.rows(book, found, built_in)
    return render(
        request,
        "public/register.html",
        book=book,
        flows=found,
        rows=rows,
        picture=picture([row.link for row in rows]),
        today=clock.now().date(),
        register=register,
    )


@router.get("/register/activities/{name}")
def activity(request: Request, instance: Opened, name: Name) -> Response:
    """One activity: who, why, on what law or consent, which columns, with which protection, how often."""
    book, found = book_of(request, instance), flows(instance)
    record = book.get("activity", name)
    if record is None:
        raise HttpProblem("not-found", "There is no such activity.", do="See /register.")
    law = None if record.spec.basis.law is None else book.get("law", record.spec.basis.law)
    return render(
        request,
        "public/activity.html",
        record=record,
        organisation=register.name_of(book, "organisation", record.spec.organisation),
        law=law,
        book=book,
        register=register,
        parts=register.parts(book, record, found),
        sums=found.activities.get(name, Sums()),
        size=found.size,
        in_force=register.in_force(record, clock.now().date()),
    )


@router.get("/register/agreements/{name}")
def agreement(request: Request, instance: Opened, name: Name) -> Response:
    """One agreement: between whom, what of which data, in what form, for how long, how often used."""
    book, found = book_of(request, instance), flows(instance)
    record = book.get("agreement", name)
    if record is None:
        raise HttpProblem("not-found", "There is no such agreement.", do="See /register.")
    return render(
        request,
        "public/agreement.html",
        record=record,
        book=book,
        register=register,
        activities=register.activities_under(book, record),
        sums=found.agreements.get(name, Sums()),
        size=found.size,
        in_force=register.in_force(record, clock.now().date()),
    )


@router.get("/ledger")
def ledger(request: Request, instance: Opened) -> Response:
    """The ledger: its signed state, its key, how to check it, and what was entered last."""
    signed = head(instance)
    stated = parse_checkpoint(signed.note.rpartition("\n\n")[0] + "\n")
    return render(
        request,
        "public/ledger.html",
        signed=signed,
        stated=stated,
        keys=instance.verifier_keys,
        entries=newest(instance, NEWEST),
        named=partial(register.name_of, book_of(request, instance)),
    )


@router.get("/ledger/verify")
def check_a_proof(request: Request, instance: Opened) -> Response:
    """Check a proof file in the browser: it is sent nowhere."""
    return render(request, "public/verify.html", keys=instance.verifier_keys)


@router.get("/accessibility")
def accessibility(request: Request) -> Response:
    """What we do so that everybody can use these pages."""
    return render(request, "public/accessibility.html")
