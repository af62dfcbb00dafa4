"""Signing in with OpenID Connect: authorization code with PKCE (RFC 7636), state and nonce.

OpenID Connect Core 1.0 section 3.1; RFC 9700 (best practice); RFC 9207 (who answered).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from publica.http import sessions
from publica.http.issuers import SECONDS, Issuer, NotGenuine, require_encrypted, unavailable
from publica.http.providers import Begun, Person, SignedIn
from publica.instance.serving import CitizensProvider, OfficialsProvider
from publica.kernel.errors import Unavailable

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import OAuth2Client

Secrets = Callable[[str], str | None]
"""Reads a variable of the environment."""
KINDS = (None, "JWT")
LONGEST = 200


class OpenIdConnect:
    """One OpenID Connect provider, for officials or for citizens."""

    authenticated = "oidc"

    def __init__(
        self,
        person: Person,
        settings: OfficialsProvider | CitizensProvider,
        callback: str,
        secrets: Secrets,
    ) -> None:
        self.name: str = person
        self.person = person
        self.settings, self.callback = settings, callback
        self._secrets = secrets
        self._issuer = Issuer(settings.issuer or "")

    @property
    def idle(self) -> timedelta:
        return timedelta(minutes=self.settings.idle_minutes)

    @property
    def absolute(self) -> timedelta:
        return timedelta(hours=self.settings.absolute_hours)

    def begin(self, state: str) -> Begun:
        """Where the browser goes, with the challenge and the nonce that only we can answer to."""
        address = self._issuer.metadata().get("authorization_endpoint")
        require_encrypted(address)
        nonce, verifier = sessions.draw(), sessions.draw()
        further = {"acr_values": " ".join(self.settings.acr)} if self.settings.acr else {}
        with self._client() as client:
            url, _ = client.create_authorization_url(
                address, state=state, nonce=nonce, code_verifier=verifier, **further
            )
        return Begun(str(url), {"nonce": nonce, "verifier": verifier})

    def finish(self, held: Mapping[str, str], answer: Mapping[str, str]) -> SignedIn:
        """Exchange the code for an ID token, check it, and read its claims."""
        metadata = self._issuer.metadata()
        if answer.get("iss", self.settings.issuer) != self.settings.issuer:
            raise NotGenuine("from another issuer")
        if metadata.get("authorization_response_iss_parameter_supported") and "iss" not in answer:
            raise NotGenuine("without its issuer")
        if "error" in answer or not answer.get("code"):
            raise NotGenuine("declined")
        token = self._token(metadata, answer["code"], held["verifier"])
        claims = self._issuer.claims(token, self.settings.algorithms, str(self.settings.client_id), KINDS)
        self._require(claims, held["nonce"])
        return self._person(claims)

    def _token(self, metadata: Mapping[str, Any], code: str, verifier: str) -> str:
        import httpx2
        from authlib.common.errors import AuthlibBaseError

        endpoint = metadata.get("token_endpoint")
        require_encrypted(endpoint)
        try:
            with self._client() as client:
                answer = client.fetch_token(
                    endpoint, grant_type="authorization_code", code=code, code_verifier=verifier
                )
        except AuthlibBaseError:  # invalid_grant: used before, too old, or of somebody else
            raise NotGenuine("with a code that is not good") from None
        except (httpx2.HTTPError, ValueError, TypeError, AttributeError, RecursionError):
            raise unavailable("it does not answer") from None  # or with JSON of another shape
        token = answer.get("id_token") if isinstance(answer, dict) else None
        if not isinstance(token, str):
            raise NotGenuine("without an ID token")
        return token

    def _require(self, claims: Mapping[str, Any], nonce: str) -> None:
        """What OpenID Connect asks for besides a genuine token (Core section 3.1.3.7)."""
        said = claims.get("nonce")
        if not isinstance(said, str) or not hmac.compare_digest(said.encode(), nonce.encode()):
            raise NotGenuine("wrong nonce")
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        party = claims.get("azp")
        if (several or party is not None) and party != self.settings.client_id:
            raise NotGenuine("wrong azp")
        if self.settings.acr and claims.get("acr") not in self.settings.acr:
            raise NotGenuine("too weakly assured")

    def _person(self, claims: Mapping[str, Any]) -> SignedIn:
        settings = self.settings
        if isinstance(settings, CitizensProvider):
            return SignedIn("citizen", _text(claims, settings.subject_claim))
        organisation = settings.organisation_claim and _text(claims, settings.organisation_claim)
        roles = None
        if settings.roles_claim is not None:
            said = words(claims, settings.roles_claim)
            roles = frozenset(settings.roles.get(word, word) for word in said)
        return SignedIn("official", _text(claims, settings.actor_claim), roles, organisation)

    def _client(self) -> OAuth2Client:
        try:
            from authlib.integrations.httpx_client import OAuth2Client
        except ImportError:
            raise Unavailable(
                "Signing in needs libraries that are not installed.", do="Run: pip install 'publica[oidc]'"
            ) from None
        return OAuth2Client(
            self.settings.client_id,
            self._secret(),
            scope=" ".join(self.settings.scopes),
            redirect_uri=self.callback,
            code_challenge_method="S256",
            timeout=SECONDS,
            follow_redirects=False,
            trust_env=False,
        )

    def _secret(self) -> str | None:
        name = self.settings.client_secret_env
        if name is None:
            return None
        secret = self._secrets(name)
        if not secret:
            raise Unavailable(
                "Nobody can sign in now: the provider's client secret is not set.",
                do=f"Set {name} in the server's environment, and start it again.",
            )
        return secret


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST or not value.isprintable():
        raise NotGenuine("without the claim that says who")
    return value


def words(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    """The values of a claim that is a list of texts, or text in words; none when it is neither.

    `realm_access.roles` is `roles` within `realm_access`, unless there is a claim of that very name.
    """
    value: Any = claims
    for part in (name,) if name in claims else name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if isinstance(value, str):
        return frozenset(value.split())
    found = value if isinstance(value, list) else []
    return frozenset(word for word in found if isinstance(word, str))
