"""Machines: each acts as an official, by a JWT access token from OAuth 2 client credentials (RFC 9068)."""

from __future__ import annotations

from dataclasses import dataclass

from publica.http.issuers import Issuer, NotGenuine
from publica.http.oidc import words
from publica.instance.serving import MachineSettings

KINDS = (None, "JWT", "at+jwt", "application/at+jwt")
"""What the header of an access token may call it: an ID token has no further type, so `nonce` tells it."""


@dataclass(frozen=True)
class Machine:
    """A machine that showed a good token: whom it acts as, and which activities it may cite (None: all)."""

    official: str
    activities: frozenset[str] | None


class Machines:
    """The machines that an issuer knows."""

    def __init__(self, settings: MachineSettings) -> None:
        self.settings = settings
        self._issuer = Issuer(settings.issuer) if settings.issuer else None

    def identify(self, token: str) -> Machine:
        """The machine of an access token. Raises NotGenuine, or Unavailable without the issuer's keys."""
        if self._issuer is None:
            raise NotGenuine("no machine is let in here")
        settings = self.settings
        claims = self._issuer.claims(token, settings.algorithms, str(settings.audience), KINDS)
        if "nonce" in claims:
            raise NotGenuine("an ID token")
        name = claims.get(settings.actor_claim)
        official = settings.officials.get(name) if isinstance(name, str) else None
        if official is None:
            raise NotGenuine("of a machine that is not named here")
        cites = settings.activities_claim
        return Machine(official, None if cites is None else words(claims, cites))
