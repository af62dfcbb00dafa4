"""Signing in and out, whatever the provider: the steps between a browser, a provider and a session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from publica.governance.identity import actions, in_service
from publica.governance.identity import sessions as kept
from publica.governance.identity.credentials import digest
from publica.governance.identity.sessions import Session
from publica.http.issuers import NotGenuine
from publica.http.problems import HttpProblem
from publica.http.providers import Provider, SignedIn
from publica.http.sessions import draw
from publica.http.who import Identity
from publica.kernel import clock
from publica.kernel.actor import CITIZEN, Actor

HOME = "/"
NOBODY = "(nobody)"
"""Who was refused, where nobody knows."""


@dataclass(frozen=True)
class Begun:
    """A sign-in under way: where the browser goes, and what its cookie holds."""

    address: str
    browser: str


@dataclass(frozen=True)
class Done:
    """A sign-in that succeeded: the new session's id, for its cookie, and where the browser goes on."""

    session_id: str
    return_to: str


def begin(identity: Identity, name: str, return_to: str) -> Begun:
    """Begin a sign-in. Raises HttpProblem for a place that is not ours, Unavailable without the provider."""
    provider, place = _provider(identity, name), local(return_to)
    state, browser = draw(), draw()
    begun = provider.begin(state)
    held = {**begun.held, "return_to": place}
    instance = identity.instance
    kept.attempt(instance.db, instance.keys, state, browser, name, held, clock.now())
    return Begun(begun.address, browser)


def finish(
    identity: Identity,
    name: str,
    answer: Mapping[str, str],
    browser: str | None,
    before: str | None = None,
) -> Done:
    """Finish a sign-in with what the provider answered, in the browser that began it.

    `before`: the id of the session that the browser had, which ends. Raises HttpProblem when the sign-in is
    not under way in this browser, or not accepted (the ledger says so, too); Unavailable without provider.
    """
    provider, instance = _provider(identity, name), identity.instance
    state = answer.get("state", "")
    under_way = kept.take(instance.db, instance.keys, state, browser or "", clock.now())
    if under_way is None or under_way.provider != name:
        raise HttpProblem(
            "malformed", "This sign-in is not under way in this browser.", do="Begin again, in one window."
        )
    try:
        person = provider.finish(under_way.held, answer)
    except NotGenuine as error:
        raise _refused(identity, provider, error.why, NOBODY) from None
    return Done(admit(identity, provider, person, before), under_way.held["return_to"])


def admit(identity: Identity, provider: Provider, person: SignedIn, before: str | None = None) -> str:
    """Begin a session of somebody whom a provider vouches for; returns its id, which is always a new one.

    Raises HttpProblem, and enters it in the ledger, when they are nobody here.
    """
    why = _stranger(identity, person)
    if why is not None:
        raise _refused(identity, provider, why, _id(person))
    session_id, now = draw(), clock.now()
    session = Session(
        digest=digest(session_id),
        actor=Actor(_id(person), provider.authenticated),
        provider=provider.name,
        subject=person.id if person.person == "citizen" else None,
        roles=person.roles,
        signed_in_at=now,
        used_at=now,
        expires_at=now + provider.absolute,
    )
    instance = identity.instance
    actions.sign_in(instance.db, instance.keys, session, None if before is None else digest(before))
    return session_id


def sign_out(identity: Identity, session_id: str, *, everywhere: bool = False) -> None:
    """End a session, or all of the same person."""
    found = identity.session(session_id)
    if found is not None:
        actions.sign_out(identity.instance.db, identity.instance.keys, found, everywhere=everywhere)


def local(place: str) -> str:
    """A place of ours to go on to. Raises HttpProblem for anything that could lead elsewhere."""
    try:
        parts = urlsplit(place) if place.isprintable() and place.isascii() else None
    except ValueError:  # such as //[
        parts = None
    ours = parts is not None and not parts.scheme and not parts.netloc
    if not ours or not place.startswith("/") or place.startswith("//") or "\\" in place:
        raise HttpProblem(
            "bad-input", "return_to is no place here.", do="Give a path that begins with one slash."
        )
    return place


def _provider(identity: Identity, name: str) -> Provider:
    found = identity.providers.get(name)
    if found is None:
        raise HttpProblem("not-found", "Nobody signs in here.", do="See GET /api/v1/session for where.")
    return found


def _stranger(identity: Identity, person: SignedIn) -> str | None:
    """Why somebody is nobody here; None when they are."""
    if person.person == "citizen":
        return None
    book, today = identity.instance.book(), clock.now().date()
    record = in_service(book, person.id, today)
    if record is None:
        return "no official of that id is in service"
    if person.organisation is not None and person.organisation != record.spec.organisation:
        return "of another organisation"
    return None


def _refused(identity: Identity, provider: Provider, why: str, who: str) -> HttpProblem:
    instance = identity.instance
    actor = Actor(who, provider.authenticated)
    actions.refuse_sign_in(instance.db, instance.keys, provider.name, why, actor)
    return HttpProblem(
        "forbidden", "You were not signed in.", do="Begin again; if it stays so, ask the data office."
    )


def _id(person: SignedIn) -> str:
    return person.id if person.person == "official" else CITIZEN + person.id
