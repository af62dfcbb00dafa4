"""Signing in and out in a browser, and who the caller is.

`pages` lies at the root (`/sign-in/…`, `/sign-out`), `router` with the rest of the API (`/session`).
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from publica.api.common import problem_answers
from publica.api.strict import StrictRoute
from publica.http import csrf, signing_in
from publica.http.limits import UNKNOWN
from publica.http.sessions import SESSION, SIGN_IN
from publica.http.who import Identity, Who

pages = APIRouter(tags=["sign-in"])
"""Not strict: providers send the browser back with parameters of their own."""
router = APIRouter(tags=["sign-in"], route_class=StrictRoute)

SEE_OTHER = 303
LONGEST = 4096


async def _identity(request: Request) -> Identity:
    found: Identity = request.app.state.identity
    return found


async def _within_rate(request: Request, identity: Annotated[Identity, Depends(_identity)]) -> Identity:
    """Who tries to sign in again and again is made to wait."""
    came_from = getattr(request.state, "address", UNKNOWN)
    most = identity.instance.settings.rates.sign_in_per_minute
    identity.limiter.require(("sign-in", came_from), most)
    return identity


Doorway = Annotated[Identity, Depends(_within_rate)]
Name = Annotated[str, Path(description="`official` or `citizen`.", max_length=32, examples=["official"])]
Text = Annotated[str | None, Query(max_length=LONGEST)]


class SessionOut(BaseModel):
    """Who calls, as the server sees them."""

    signed_in: bool
    kind: str = Field(description="anonymous, official, citizen or machine.")
    actor: str | None = Field(description="An official's id.")
    subject: str | None = Field(description="A citizen's own key.")
    organisation: str | None
    roles: list[str] = Field(description="Roles held today, as far as the credential carries them.")
    activities: list[str] | None = Field(description="Those that the credential may cite; null for all.")
    scopes: list[str]
    csrf: str | None = Field(description="What unsafe requests with the session's cookie must carry.")
    sign_in: dict[str, str] = Field(description="Where people sign in.")

    model_config = {
        "json_schema_extra": {
            "examples": [
                {
                    "signed_in": True,
                    "kind": "official",
                    "actor": "ana",
                    "subject": None,
                    "organisation": "social_services",
                    "roles": ["analyst"],
                    "activities": None,
                    "scopes": [],
                    "csrf": "u3hXQ0mC1ZtqkQ5cQW6y8t8rjw0k3fS0o0ZyZbq5l9c",
                    "sign_in": {"official": "/sign-in/official", "citizen": "/sign-in/citizen"},
                }
            ]
        }
    }


@router.get("/session", summary="Who am I?", responses=problem_answers(401, 408, 413, 429, 503))
def session(request: Request, caller: Who, identity: Annotated[Identity, Depends(_identity)]) -> SessionOut:
    """Who the caller is, what they may cite, and where to sign in."""
    held = identity.cookies.read(request, SESSION) if caller.session is not None else None
    return SessionOut(
        signed_in=caller.signed_in,
        kind=caller.kind,
        actor=caller.actor.id if caller.organisation is not None else None,
        subject=caller.subject,
        organisation=caller.organisation,
        roles=sorted(caller.roles),
        activities=None if caller.activities is None else sorted(caller.activities),
        scopes=sorted(caller.scopes),
        csrf=None if held is None else csrf.token(held),
        sign_in={name: f"/sign-in/{name}" for name in identity.providers},
    )


@pages.get(
    "/sign-in/{provider}",
    summary="Sign in",
    status_code=SEE_OTHER,
    response_class=RedirectResponse,
    responses=problem_answers(400, 404, 408, 413, 422, 429, 503),
)
def sign_in(
    identity: Doorway,
    provider: Name,
    return_to: Annotated[str, Query(max_length=LONGEST, description="Where to go on.")] = signing_in.HOME,
) -> Response:
    """Send the browser to the provider of officials or of citizens."""
    begun = signing_in.begin(identity, provider, return_to)
    answer = RedirectResponse(begun.address, SEE_OTHER)
    identity.cookies.give(answer, SIGN_IN, begun.browser)
    return answer


@pages.get(
    "/sign-in/{provider}/callback",
    summary="Come back from the provider",
    status_code=SEE_OTHER,
    response_class=RedirectResponse,
    responses=problem_answers(400, 403, 404, 408, 413, 422, 429, 503),
)
def signed_in(
    request: Request,
    identity: Doorway,
    provider: Name,
    state: Text = None,
    code: Text = None,
    iss: Text = None,
    error: Text = None,
) -> Response:
    """Where the provider sends the browser back to. A sign-in can be finished once, where it was begun."""
    given = {"state": state, "code": code, "iss": iss, "error": error}
    done = signing_in.finish(
        identity,
        provider,
        {name: value for name, value in given.items() if value is not None},
        identity.cookies.read(request, SIGN_IN),
        identity.cookies.read(request, SESSION),
    )
    answer = RedirectResponse(done.return_to, SEE_OTHER)
    identity.cookies.give(answer, SESSION, done.session_id)
    identity.cookies.take_back(answer, SIGN_IN)
    return answer


@pages.post(
    "/sign-out",
    summary="Sign out",
    status_code=204,
    responses={
        SEE_OTHER: {"description": "Signed out; on to the first page."},
        **problem_answers(400, 401, 403, 408, 413, 422, 429, 503),
    },
)
async def sign_out(
    request: Request,
    caller: Who,
    identity: Annotated[Identity, Depends(_identity)],
    everywhere: Annotated[bool, Query(description="End all of the person's sessions.")] = False,
) -> Response:
    """End the session. A form is answered by the first page, anything else by 204."""
    held = identity.cookies.read(request, SESSION)
    csrf.require_our_page(request, identity.origin)  # also where no session is left: a cookie is taken back
    if held is not None and caller.session is not None:
        await run_in_threadpool(signing_in.sign_out, identity, held, everywhere=everywhere)
    form = csrf.is_form(request)
    answer: Response = RedirectResponse(signing_in.HOME, SEE_OTHER) if form else Response(status_code=204)
    identity.cookies.take_back(answer, SESSION)
    return answer
