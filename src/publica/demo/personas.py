"""The demo's sign-in: choose who you are. Made for an instance of fictional people alone.

Only `publica demo` builds an application with it; what `publica serve` builds has no way to name it, and
takes none of its sessions.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlencode

from publica.governance.identity import in_service
from publica.http.issuers import NotGenuine
from publica.http.providers import Begun, Person, SignedIn
from publica.http.sessions import draw
from publica.instance import Instance
from publica.kernel import clock

NAME = "demo"


class Personas:
    """Everybody is whoever they choose to be: `code=official:ana`, or `code=citizen:P-0000001`."""

    name = NAME
    person: Person = "official"
    authenticated = "demo"
    idle, absolute = timedelta(hours=12), timedelta(hours=12)

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    def begin(self, state: str) -> Begun:
        """Back at once, to where the choice is added."""
        once = draw()
        return Begun(f"/sign-in/{NAME}/callback?{urlencode({'state': state, 'iss': once})}", {"once": once})

    def finish(self, held: Mapping[str, str], answer: Mapping[str, str]) -> SignedIn:
        """Whom the visitor chose, if there is such an official, or such a person in the data."""
        if not hmac.compare_digest(answer.get("iss", "").encode(), held["once"].encode()):
            raise NotGenuine("not chosen here")
        kind, _, name = answer.get("code", "").partition(":")
        if kind == "official" and in_service(self._instance.book(), name, clock.now().date()):
            return SignedIn("official", name)
        if kind == "citizen" and name:
            self._instance.position(name)
            return SignedIn("citizen", name)
        raise NotGenuine("nobody of the demo")
