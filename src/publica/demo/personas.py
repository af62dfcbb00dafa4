"""The demo's sign-in: be whoever you like to be. For an instance of fictional people alone.

Only `publica demo` builds an application with these; what `publica serve` builds has no way to name them, and
takes none of their sessions.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from datetime import timedelta
from urllib.parse import urlencode

from publica.http.issuers import NotGenuine
from publica.http.providers import Begun, Person, Provider, SignedIn
from publica.http.sessions import draw
from publica.instance import Instance

CITIZEN = "citizen-{number}"
"""What a citizen's persona is called: addresses name nobody's key, not even a fictional one."""


class Persona:
    """One person whom everybody may be, without proving anything."""

    authenticated = "demo"
    idle, absolute = timedelta(hours=12), timedelta(hours=12)

    def __init__(self, name: str, person: Person, identity: str) -> None:
        self.name, self.person = name, person
        self._id = identity

    def begin(self, state: str) -> Begun:
        """Back at once."""
        once = draw()
        query = urlencode({"state": state, "code": once})
        return Begun(f"/sign-in/{self.name}/callback?{query}", {"once": once})

    def finish(self, held: Mapping[str, str], answer: Mapping[str, str]) -> SignedIn:
        """The person."""
        if not hmac.compare_digest(answer.get("code", "").encode(), held["once"].encode()):
            raise NotGenuine("not chosen here")
        return SignedIn(self.person, self._id)


def personas(instance: Instance, citizens: Iterable[str]) -> dict[str, Provider]:
    """A provider for each official of the demo, by their id, and for some citizens, by number."""
    found: dict[str, Provider] = {
        record.id: Persona(record.id, "official", record.id) for record in instance.book().all("official")
    }
    for number, key in enumerate(citizens, 1):
        name = CITIZEN.format(number=number)
        found[name] = Persona(name, "citizen", key)
    return found
