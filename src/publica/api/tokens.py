"""API tokens over HTTP: one makes and revokes one's own; a chief data officer revokes their officials'.

Only somebody who signed in makes tokens: no token, and no machine, makes itself another one. A token carries
all that its official may, and outlives the session: so none is made in a session that the provider narrowed,
or in the demo. Scopes are the operator's to give, on the command line.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from publica.api.common import Opened, problem_answers
from publica.api.repeated import Key, once
from publica.api.strict import StrictRoute
from publica.governance.identity import RoleName
from publica.governance.identity.credentials import LONGEST_DAYS, USUAL_DAYS
from publica.http.problems import HttpProblem
from publica.http.who import Caller, Known
from publica.instance import credentials

router = APIRouter(prefix="/tokens", tags=["tokens"], route_class=StrictRoute)

MOST, USUAL = 500, 100
DEMO = "demo"
"""How the personas of the demo are authenticated."""
KEPT: dict[str, Any] = {
    "id": "tok_7k3mq0v2h8xw5c1d9e4f",
    "holder": "ana",
    "name": "nightly report",
    "activities": ["heating_aid"],
    "scopes": [],
    "created_at": "2026-11-23T12:00:00.000Z",
    "expires_at": "2027-02-21T12:00:00.000Z",
    "last_used": None,
    "revoked_at": None,
}


class TokenIn(BaseModel):
    """A token to make."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"name": "nightly report", "activities": ["heating_aid"], "days": 30}]
        },
    )
    name: str = Field(min_length=1, max_length=200, description="What it is for.")
    activities: list[Annotated[str, Field(max_length=100)]] | None = Field(
        default=[], max_length=1000, description="Activities that it may cite; null for all."
    )
    days: int = Field(default=USUAL_DAYS, ge=1, le=LONGEST_DAYS, description="How long it is good.")


class TokenOut(BaseModel):
    """A token as it is kept: not its text."""

    model_config = ConfigDict(json_schema_extra={"examples": [KEPT]})
    id: str
    holder: str
    name: str
    activities: list[str] | None = Field(description="Those that it may cite; null for all.")
    scopes: list[str] = Field(description="What it may do besides, given by the operator.")
    created_at: str
    expires_at: str
    last_used: str | None = Field(description="The hour in which it was used last.")
    revoked_at: str | None


class TokenMade(TokenOut):
    """A token just made, with its text."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**KEPT, "token": "publica_" + "a" * 52 + "234567"}]}
    )
    token: str = Field(description="What `Authorization: Bearer` takes. It is shown this once.")


class TokenList(BaseModel):
    """Tokens, the newest first."""

    tokens: list[TokenOut]
    next: str | None = Field(description="Where the list goes on.")


async def _signed_in(caller: Known) -> Caller:
    """Raises HttpProblem (403) unless an official came with a session."""
    if caller.kind != "official" or caller.session is None:
        raise HttpProblem("forbidden", "Tokens are for officials who signed in.", do="Sign in; see /sign-in.")
    return caller


Official = Annotated[Caller, Depends(_signed_in)]


async def _maker(caller: Official) -> Caller:
    """Raises HttpProblem (403) in a session that may do less, or ends earlier, than a token made in it."""
    if caller.only is not None:
        raise HttpProblem(
            "forbidden",
            "The provider of this sign-in narrows roles, and a token would not be narrowed.",
            do="Ask the operator for one: publica token create.",
        )
    if caller.actor.authenticated == DEMO:
        raise HttpProblem(
            "forbidden",
            "In the demo anybody may be anybody, and a token would outlive it.",
            do="Use the session, or publica token create.",
        )
    return caller


Maker = Annotated[Caller, Depends(_maker)]


def _own(caller: Caller) -> bool:
    """Whether they see their own tokens alone."""
    return not caller.holds(RoleName.CHIEF_DATA_OFFICER)


@router.get("", summary="List tokens", responses=problem_answers(400, 401, 403, 408, 413, 422, 429, 503))
def list_tokens(
    instance: Opened,
    caller: Official,
    after: Annotated[str | None, Query(max_length=40, description="The last token that was seen.")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = USUAL,
) -> TokenList:
    """One's own tokens; a chief data officer's list has those of their organisation."""
    found = credentials.listing(instance, caller.actor, own=_own(caller))
    if after is not None:
        ids = [token.id for token in found]
        if after not in ids:
            raise HttpProblem("bad-input", "`after` names no token of the list.", do="Begin without it.")
        found = found[ids.index(after) + 1 :]
    shown = found[:limit]
    more = f"/api/v1/tokens?after={shown[-1].id}&limit={limit}" if len(found) > limit else None
    return TokenList(tokens=[TokenOut(**token.as_json()) for token in shown], next=more)


@router.post(
    "",
    summary="Make a token",
    status_code=201,
    response_model=TokenMade,
    responses=problem_answers(400, 401, 403, 408, 409, 413, 415, 422, 429, 503),
)
def make_token(
    request: Request, instance: Opened, caller: Maker, given: TokenIn, key: Key = None
) -> Response:
    """Make a token of one's own, and show its text: this once, or again for the same `Idempotency-Key`."""

    def work() -> TokenMade:
        made, text = credentials.create(
            instance,
            caller.actor.id,
            given.name,
            caller.actor,
            activities=given.activities,
            days=given.days,
        )
        return TokenMade(**made.as_json(), token=text)

    return once(request, instance, caller, key, given.model_dump_json().encode(), work, 201)


@router.delete(
    "/{token_id}",
    summary="Revoke a token",
    status_code=204,
    responses=problem_answers(400, 401, 403, 404, 408, 413, 422, 429, 503),
)
def revoke_token(
    instance: Opened,
    caller: Official,
    token_id: Annotated[str, Path(max_length=40, examples=["tok_7k3mq0v2h8xw5c1d9e4f"])],
) -> Response:
    """Let nobody in with it any more. Doing so again changes nothing."""
    own = _own(caller)
    if all(token.id != token_id for token in credentials.listing(instance, caller.actor, own=own)):
        raise HttpProblem("not-found", "There is no such token.", do="See GET /api/v1/tokens.")
    credentials.revoke(instance, token_id, caller.actor, own=own)
    return Response(status_code=204)
