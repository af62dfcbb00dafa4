"""Settings of serving: where, who signs in, machines, and how often one may ask."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from publica.instance.section import Section

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures with a public key; none that whoever can check it could make, too."""


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine itself."""
    return urlsplit(url).hostname in LOOPBACK


def _encrypted(url: str) -> str:
    parts = urlsplit(url)
    plain = parts.scheme == "http" and parts.hostname in LOOPBACK
    if not parts.hostname or not (parts.scheme == "https" or plain) or parts.query or parts.fragment:
        raise PydanticCustomError("https", "name an https:// URL (http:// only on this machine)")
    return url


def _origin(url: str) -> str:
    if urlsplit(_encrypted(url)).path:
        raise PydanticCustomError("origin", "name scheme, host and port alone, without a path")
    return url


def _variable(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise PydanticCustomError("variable", "name a variable of the environment, not the secret itself")
    return name


def _network(name: str) -> str:
    try:
        ipaddress.ip_network(name)
    except ValueError:
        raise PydanticCustomError("network", "name an address or a network") from None
    return name


Encrypted = Annotated[str, AfterValidator(_encrypted)]
"""A URL to which nobody can listen."""
Origin = Annotated[str, AfterValidator(_origin)]
"""Scheme, host and port."""
Network = Annotated[str, AfterValidator(_network)]
Variable = Annotated[str, AfterValidator(_variable)]


class ServeSettings(Section):
    """Where `publica serve` listens, how it is reached, and what a request may send."""

    host: str = Field(
        default="127.0.0.1", description="Address to listen on. Put a TLS proxy before any other."
    )
    port: int = Field(default=8000, ge=0, le=65_535, description="Port to listen on; 0 takes a free one.")
    origin: Origin | None = Field(
        default=None,
        description="The address that users type, `https://data.example.gov`; host and port when left out.",
    )
    trusted_proxies: tuple[Network, ...] = Field(
        default=(),
        description="Addresses (or networks, `10.0.0.0/8`) of proxies whose `X-Forwarded-For` is believed.",
    )
    body_bytes: int = Field(
        default=10_000_000,
        gt=0,
        description=(
            "Most bytes of one request's body, whatever its route takes: 5 MB for documents of records, "
            "256 KiB for statements, 64 KiB elsewhere."
        ),
    )
    body_seconds: float = Field(
        default=20, gt=0, description="Longest time in which a request's body must arrive, in seconds."
    )

    @property
    def public(self) -> str:
        """The origin that browsers see."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.origin or f"http://{host}:{self.port}"


class RateSettings(Section):
    """How often one may ask; each process counts by itself."""

    address_per_minute: int = Field(
        default=6000,
        gt=0,
        description="Most requests of one address in a minute (of an IPv6 address, its /64).",
    )
    actor_per_minute: int = Field(default=3000, gt=0, description="Most requests of one actor in a minute.")
    sign_in_per_minute: int = Field(
        default=60, gt=0, description="Most sign-ins begun or ended from one address in a minute."
    )
    failed_per_minute: int = Field(
        default=60,
        gt=0,
        description="Most tokens that are no good, from one address in a minute.",
    )


class _Provider(Section):
    """An OpenID Connect provider where people sign in."""

    issuer: Encrypted | None = Field(
        default=None, description="The provider's issuer URL; nobody can sign in there when left out."
    )
    client_id: str | None = Field(default=None, description="As what the provider knows this instance.")
    client_secret_env: Variable | None = Field(
        default=None,
        description=(
            "Name of the environment variable that holds the client's secret; a public client when left out."
        ),
    )
    scopes: tuple[str, ...] = Field(default=("openid",), description="Scopes to ask for.")
    algorithms: tuple[Algorithm, ...] = Field(
        default=("RS256", "PS256", "ES256", "EdDSA"),
        min_length=1,
        description="Signatures that are accepted.",
    )
    acr: tuple[str, ...] = Field(
        default=(),
        description="Levels of assurance (claim `acr`) of which a sign-in must have one; any when left out.",
    )
    idle_minutes: int = Field(
        default=30, gt=0, description="A session ends when nothing was asked for so many minutes."
    )
    absolute_hours: int = Field(default=12, gt=0, le=168, description="A session ends after so many hours.")

    @model_validator(mode="after")
    def _whole(self) -> _Provider:
        if self.issuer is not None and not self.client_id:
            raise PydanticCustomError("client", "name the client_id, too")
        if "openid" not in self.scopes:
            raise PydanticCustomError("scopes", "the scopes must hold openid")
        return self


class OfficialsProvider(_Provider):
    """The OpenID Connect provider where officials sign in."""

    actor_claim: str = Field(
        default="preferred_username", description="Claim that holds the id of the official's record."
    )
    organisation_claim: str | None = Field(
        default=None,
        description="Claim that must hold the id of the official's organisation; unread when left out.",
    )
    roles_claim: str | None = Field(
        default=None,
        description=(
            "Claim (a list, or words) by which the roles of our records are narrowed for the session: those "
            "that it does not name do not count. Not looked at when left out."
        ),
    )
    roles: dict[str, str] = Field(
        default={},
        description=(
            'What values of that claim mean, as `{"data-office" = "steward"}`; others are roles themselves.'
        ),
    )


class CitizensProvider(_Provider):
    """The OpenID Connect provider where citizens sign in."""

    subject_claim: str = Field(default="sub", description="Claim that holds the person's key in the data.")


class SignInSettings(Section):
    """Signing in: officials and citizens, each with a provider of their own."""

    officials: OfficialsProvider = OfficialsProvider()
    citizens: CitizensProvider = CitizensProvider()


class MachineSettings(Section):
    """Machines that show JWT access tokens of an OAuth 2 server (client credentials, RFC 9068)."""

    issuer: Encrypted | None = Field(
        default=None, description="The server's issuer URL; no machine is let in when left out."
    )
    audience: str | None = Field(default=None, description="What the tokens' `aud` must name: this instance.")
    actor_claim: str = Field(default="client_id", description="Claim that says which machine it is.")
    officials: dict[str, str] = Field(
        default={},
        description=(
            'Whose record (official) a value of that claim acts as, `{"nightly-job" = "ana"}`; no other '
            "value is let in."
        ),
    )
    activities_claim: str | None = Field(
        default=None,
        description="Claim (list, or words) that names the activities the token may cite; all when left out.",
    )
    algorithms: tuple[Algorithm, ...] = Field(
        default=("RS256", "PS256", "ES256", "EdDSA"),
        min_length=1,
        description="Signatures that are accepted.",
    )

    @model_validator(mode="after")
    def _whole(self) -> MachineSettings:
        if self.issuer is not None and not self.audience:
            raise PydanticCustomError("audience", "name the audience, too")
        return self
