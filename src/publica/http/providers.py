"""What signs people in: OpenID Connect, or in the demo alone the choice of a persona."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Protocol

Person = Literal["official", "citizen"]


@dataclass(frozen=True)
class SignedIn:
    """Whom a provider vouches for: an official's id or a citizen's key.

    `roles`: those of the official's that count, None for all. `organisation`: what the provider says of it.
    """

    person: Person
    id: str
    roles: frozenset[str] | None = None
    organisation: str | None = None


@dataclass(frozen=True)
class Begun:
    """A sign-in under way: where the browser goes, and what must be remembered until it comes back."""

    address: str
    held: Mapping[str, str]


class Provider(Protocol):
    """One provider."""

    name: str
    person: Person
    authenticated: str
    """How receipts name this way of signing in."""

    @property
    def idle(self) -> timedelta: ...
    @property
    def absolute(self) -> timedelta: ...

    def begin(self, state: str) -> Begun:
        """Begin a sign-in. Raises Unavailable when the provider cannot be reached."""

    def finish(self, held: Mapping[str, str], answer: Mapping[str, str]) -> SignedIn:
        """Whom the provider's answer vouches for.

        Raises `NotGenuine` when it is not what it should be, Unavailable without the provider.
        """
