"""Makes pages: templates in the reader's language, their headers, forms, and what a page says after a form.

@router.get("/my-data")
def my_data(request: Request, instance: Opened) -> Response:
    return render(request, "citizen/my_data.html", held=…)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, partial
from typing import Annotated, Any
from urllib.parse import quote, urlencode, urlsplit

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import ChainableUndefined, ChoiceLoader, Environment, PackageLoader, PrefixLoader
from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from publica.http import csrf
from publica.http.caller import ANONYMOUS, Caller
from publica.http.sessions import SESSION
from publica.http.who import Identity
from publica.instance import Instance
from publica.kernel.records import Book, said_in
from publica.web import shown, static, words
from publica.web.navigation import entries
from publica.web.told import TOLD

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The content security policy of a page: files of this server, nothing inline, nothing from elsewhere."""
HEADERS = {"Content-Security-Policy": POLICY, "Vary": "Accept-Language, Cookie"}
SEE_OTHER = 303
NOTE = "publica-told"
"""The cookie with the code of what the next page says."""
NOTE_SECONDS, YEAR = 60, 31_536_000
_CODE = re.compile(r"[a-z][a-z-]{0,59}\Z")


def router() -> APIRouter:
    """A router of pages: they are no part of the API's description."""
    return APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


async def _opened(request: Request) -> Instance:
    found: Instance = request.app.state.instance
    return found


Opened = Annotated[Instance, Depends(_opened)]
"""The instance that is served."""


def book_of(request: Request, instance: Instance) -> Book:
    """The records as they are called in the reader's language: for showing, not for deciding."""
    return said_in(instance.book(), words.language_of(request))


def render(request: Request, template: str, status: int = 200, **facts: Any) -> Response:
    """A page. Templates get the facts and what `_usual` says."""
    language = words.language_of(request)
    made = environment(language).get_template(template).render({**_usual(request), **facts})
    answer = HTMLResponse(
        made, status, {"Content-Security-Policy": POLICY, "Vary": "Accept-Language, Cookie"}
    )
    _remember(request, answer, language)
    if NOTE in request.cookies:
        answer.delete_cookie(NOTE, path="/")
    return answer


def see(request: Request, place: str, told: str | None = None, **query: str) -> Response:
    """After a form: on to a place of ours (303). `told`: code of what that page says first (`told.TOLD`)."""
    if not place.startswith("/") or place.startswith("//"):
        raise ValueError(place)
    answer = RedirectResponse(place + (f"?{urlencode(query)}" if query else ""), SEE_OTHER)
    if told is not None:
        if told not in TOLD:
            raise KeyError(told)
        answer.set_cookie(
            NOTE, told, NOTE_SECONDS, path="/", httponly=True, samesite="lax", secure=_secure(request)
        )
    return answer


def caller_of(request: Request) -> Caller:
    """Who calls, as the gate found out; nobody where it did not look."""
    found: Caller = getattr(request.state, "caller", None) or ANONYMOUS
    return found


def _usual(request: Request) -> dict[str, Any]:
    """What every template has, besides the names of `environment`."""
    caller, identity, path = caller_of(request), _identity(request), request.url.path
    note = request.cookies.get(NOTE, "")
    return {
        "caller": caller,
        "path": path,
        "query": dict(request.query_params),
        "navigation": entries(caller, path),
        "told": TOLD.get(note) if _CODE.match(note) else None,
        "signs_in": bool(identity.providers),
        "sign_in_place": _sign_in_place(request),
        "csrf": partial(_csrf_field, request, caller),
        "demo": getattr(request.app.state, "cast", None) is not None,
        "who": _named(request, caller),
        "here": here(request),
        "language_links": {name: here(request, lang=name) for name in words.LANGUAGES},
    }


def _csrf_field(request: Request, caller: Caller) -> Markup:
    """The hidden field by which a form shows that it is a page of ours (nothing for nobody)."""
    held = _identity(request).cookies.read(request, SESSION) if caller.session is not None else None
    if held is None:
        return Markup()
    return Markup('<input type="hidden" name="{}" value="{}">').format(csrf.FIELD, csrf.token(held))


def _sign_in_place(request: Request) -> str:
    """The page to sign in on, which leads back here."""
    back = here(request)
    return (
        "/sign-in"
        if back.startswith(("/sign-in", "/sign-out"))
        else f"/sign-in?{urlencode({'return_to': back})}"
    )


def here(request: Request, **changed: str | None) -> str:
    """The present page's address, with some of its query changed, or left out (None)."""
    kept = {name: value for name, value in request.query_params.items() if name != words.PARAMETER}
    query = {name: value for name, value in {**kept, **changed}.items() if value is not None}
    path = request.scope["path"] if request.method in csrf.SAFE else "/"
    path = "/" + quote(path).lstrip("/")  # two slashes, or what browsers take for them, lead to another place
    return path + (f"?{urlencode(query)}" if query else "")


def _named(request: Request, caller: Caller) -> str | None:
    """How a page calls who is signed in: officials by their name, citizens by none."""
    if caller.organisation is None:
        return None
    instance: Instance = request.app.state.instance
    found = instance.book().get("official", caller.actor.id)
    return caller.actor.id if found is None else found.spec.name


def _remember(request: Request, answer: Response, language: str) -> None:
    """Keep the language that an address names."""
    if request.query_params.get(words.PARAMETER) == language:
        answer.set_cookie(
            words.COOKIE,
            language,
            YEAR,
            path="/",
            httponly=True,
            samesite="lax",
            secure=_secure(request),
        )


def _secure(request: Request) -> bool:
    return urlsplit(_identity(request).origin).scheme == "https"


def _identity(request: Request) -> Identity:
    found: Identity = request.app.state.identity
    return found


class Loud(ChainableUndefined):
    """A name that nobody gave: may be asked for, as the design system's macros do, but never shown."""

    def __str__(self) -> str:
        if self._undefined_obj is _MISSING:
            raise LookupError(f"The page has no {self._undefined_name}.")
        return ""

    def __html__(self) -> str:
        return str(self)


_MISSING = Loud()._undefined_obj


@cache
def environment(language: str) -> Environment:
    """The templates in one language."""
    loaders = {"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")}
    made = Environment(
        loader=ChoiceLoader([PackageLoader("publica.web"), PrefixLoader(loaders)]),
        autoescape=True,
        undefined=Loud,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    made.policies["ext.i18n.trimmed"] = True
    translate: Any = made
    translate.install_gettext_callables(
        lambda said: words.text(language, said),
        lambda one, many, number: words.counted(language, one, many, number),
        newstyle=True,
    )
    made.globals |= _globals(language)
    made.filters |= shown.filters(language)
    return made


def _globals(language: str) -> Mapping[str, Any]:
    return {
        "language": language,
        "languages": words.LANGUAGES,
        "design": static.has_design(),
        "static": static.address,
    }
