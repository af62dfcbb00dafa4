"""Who calls: the one place where a request becomes a `Caller`.

Handlers take `Who` (anybody, known or not) or `Known` (401 otherwise) as a parameter:

    @router.get("/me/choices")
    def choices(caller: Known) -> …
"""

from __future__ import annotations

from typing import Annotated, Protocol

from fastapi import Depends, Request

from publica.http.caller import ANONYMOUS, Caller, Kind
from publica.http.problems import HttpProblem

__all__ = ["ANONYMOUS", "Caller", "Identity", "Kind", "Known", "Who", "caller", "known"]


class Identity(Protocol):
    """What tells who calls: `app.state.identity`."""

    def caller(self, request: Request) -> Caller:
        """Who calls; ANONYMOUS without any credential.

        Raises HttpProblem: 401 for a credential that is not good (any more), 403 for an unsafe request from a
        page that is not ours, 429 when a caller asks too often.
        """


def caller(request: Request) -> Caller:
    """The caller of a request, looked up once."""
    found: Caller | None = getattr(request.state, "caller", None)
    if found is None:
        identity: Identity = request.app.state.identity
        found = request.state.caller = identity.caller(request)
    return found


def known(caller: Annotated[Caller, Depends(caller)]) -> Caller:
    """The caller, who must have signed in or shown a token. Raises HttpProblem (401) otherwise."""
    if not caller.signed_in:
        raise HttpProblem(
            "sign-in-needed",
            "Nobody is signed in.",
            do="Sign in, or send an API token (Authorization: Bearer …).",
        )
    return caller


Who = Annotated[Caller, Depends(caller)]
Known = Annotated[Caller, Depends(known)]
