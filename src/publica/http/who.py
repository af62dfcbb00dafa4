"""Who calls: the one place where a request becomes a `Caller`.

Handlers take `Who` (anybody, known or not) or `Known` (401 otherwise) as a parameter:

    @router.get("/me/choices")
    def choices(caller: Known) -> …
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from publica.governance.identity import credentials, in_service, roles_at_home
from publica.governance.identity import sessions as kept
from publica.governance.identity.sessions import Session
from publica.http import csrf
from publica.http.caller import ANONYMOUS, Caller, Kind
from publica.http.issuers import NotGenuine
from publica.http.limits import UNKNOWN, Limiter, too_many
from publica.http.machines import Machines
from publica.http.oidc import OpenIdConnect, Secrets
from publica.http.problems import HttpProblem
from publica.http.providers import Provider
from publica.http.sessions import SESSION, Cookies
from publica.instance import Instance
from publica.kernel import clock
from publica.kernel.actor import Actor
from publica.kernel.records import Book

__all__ = ["ANONYMOUS", "Caller", "Identity", "Kind", "Known", "Who", "caller", "configured", "known"]

BEARER = "bearer"


class Identity:
    """What tells who calls: `app.state.identity`.

    `origin`: how browsers reach the server. `secrets` reads a variable of the environment. `providers`: where
    people sign in, by name; those of the settings when left out. A session of any other provider is not one.
    """

    def __init__(
        self,
        instance: Instance,
        *,
        origin: str | None = None,
        secrets: Secrets = lambda _: None,
        providers: Mapping[str, Provider] | None = None,
    ) -> None:
        self.instance = instance
        self.origin = origin or instance.settings.serve.public
        self.cookies = Cookies(secure=self.origin.startswith("https://"))
        self.limiter = Limiter()
        self.providers = configured(instance, self.origin, secrets) if providers is None else dict(providers)
        self.machines = Machines(instance.settings.machines)

    def caller(self, request: Request) -> Caller:
        """Who calls; ANONYMOUS without any credential, or with a session that has ended.

        Raises HttpProblem: 401 for a token that is not good (any more), 403 for an unsafe request from a page
        that is not ours, 429 when a caller asks too often.
        """
        authorization = request.headers.get("authorization")
        found = self._session(request) if authorization is None else self._bearer(request, authorization)
        if found.signed_in:
            most = self.instance.settings.rates.actor_per_minute
            self.limiter.require(("actor", found.actor.id), most)
        return found

    def session(self, session_id: str) -> Session | None:
        """The session of that id, if it holds still, and was begun at one of our providers."""
        with self.instance.db.read() as connection:
            found = kept.find(connection, self.instance.keys, credentials.digest(session_id))
        if found is None:
            return None
        provider = self.providers.get(found.provider)
        if provider is None or found.actor.authenticated != provider.authenticated:
            return None
        return found if found.good(clock.now(), provider.idle) else None

    def _session(self, request: Request) -> Caller:
        session_id = self.cookies.read(request, SESSION)
        found = None if session_id is None else self.session(session_id)
        if session_id is None or found is None:
            return ANONYMOUS
        csrf.require(request, session_id, self.origin)
        found = kept.note_use(self.instance.db, found, clock.now())
        if found.subject is not None:
            return Caller(found.actor, "citizen", subject=found.subject, session=found.digest)
        caller = official(self.instance.book(), found.actor, "official")
        if caller is None:
            return ANONYMOUS
        caller = replace(caller, session=found.digest)
        return caller if found.roles is None else narrowed(caller, found.roles)

    def _bearer(self, request: Request, authorization: str) -> Caller:
        scheme, _, text = authorization.partition(" ")
        token = text.strip()
        found = None
        if scheme.lower() == BEARER and token:
            found = self._token(token) if token.startswith(credentials.PREFIX) else self._machine(token)
        if found is None:
            raise self._not_good(request)
        return found

    def _token(self, text: str) -> Caller | None:
        now = clock.now()
        with self.instance.db.read() as connection:
            token = credentials.find(connection, text)
            records = self.instance.book(connection)
        if token is None or not token.good(now):
            return None
        caller = official(records, Actor(token.holder, "token"), "official")
        if caller is None:
            return None
        credentials.note_use(self.instance.db, token, now)
        return scoped(caller, token.activities, token.scopes)

    def _machine(self, text: str) -> Caller | None:
        try:
            machine = self.machines.identify(text)
        except NotGenuine:
            return None
        caller = official(self.instance.book(), Actor(machine.official, "client"), "machine")
        return None if caller is None else scoped(caller, machine.activities, frozenset())

    def _not_good(self, request: Request) -> HttpProblem:
        """What to say of a token that is not good: never why. Who tries many is made to wait."""
        came_from = getattr(request.state, "address", UNKNOWN)
        after = self.limiter.take(("failed", came_from), self.instance.settings.rates.failed_per_minute)
        if after is not None:
            return too_many(after)
        return HttpProblem(
            "sign-in-needed",
            "The token is not valid.",
            do="It may have expired, or was revoked: make a new one.",
        )


def configured(instance: Instance, origin: str, secrets: Secrets) -> dict[str, Provider]:
    """The providers that the settings name."""
    given = instance.settings.sign_in
    found: dict[str, Provider] = {}
    if given.officials.issuer is not None:
        found["official"] = OpenIdConnect("official", given.officials, callback(origin, "official"), secrets)
    if given.citizens.issuer is not None:
        found["citizen"] = OpenIdConnect("citizen", given.citizens, callback(origin, "citizen"), secrets)
    return found


def callback(origin: str, provider: str) -> str:
    """Where a provider sends the browser back to: to be registered there, to the letter."""
    return f"{origin}/sign-in/{provider}/callback"


def official(book: Book, actor: Actor, kind: Kind) -> Caller | None:
    """Somebody with an official's record who is in service today; None for anybody else."""
    today = clock.now().date()
    record = in_service(book, actor.id, today)
    if record is None:
        return None
    roles = roles_at_home(book, actor.id, today)
    return Caller(actor, kind, held=roles, roles=roles, organisation=record.spec.organisation)


def narrowed(caller: Caller, roles: frozenset[str]) -> Caller:
    """The caller with those of their roles that are among these."""
    actor = replace(caller.actor, roles=roles)
    return replace(caller, actor=actor, roles=caller.roles & roles, only=roles)


def scoped(caller: Caller, activities: frozenset[str] | None, scopes: frozenset[str]) -> Caller:
    """The caller as far as a credential goes: one for certain activities carries roles at the door alone."""
    roles = caller.roles if activities is None else frozenset()
    return replace(caller, activities=activities, scopes=scopes, roles=roles)


async def caller(request: Request) -> Caller:
    """The caller of a request, looked up once."""
    found: Caller | None = getattr(request.state, "caller", None)
    if found is None:
        identity: Identity = request.app.state.identity
        await csrf.read_form(request)
        found = request.state.caller = await run_in_threadpool(identity.caller, request)
    return found


async def known(caller: Annotated[Caller, Depends(caller)]) -> Caller:
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
