"""Issuers of signed tokens: what they publish of themselves, and whether a token is one of theirs.

OpenID Connect Discovery 1.0 and RFC 8414 (metadata), RFC 7517 (keys), RFC 8725 (which signatures to accept).
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Collection, Mapping
from typing import Any

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from publica.instance.serving import is_loopback
from publica.kernel import clock
from publica.kernel.errors import PublicaError, Unavailable

KEPT_SECONDS, STALE_SECONDS, AGAIN_SECONDS, FAILED_SECONDS = 3600.0, 86_400.0, 60.0, 5.0
"""What an issuer published is read again after an hour (for an unknown key after a minute); when that fails,
it is believed for a day in all. After a failure nobody tries for some seconds."""
SECONDS, MOST_BYTES, MOST_LETTERS = 10.0, 1_000_000, 16_384
LEEWAY = 30
"""By how many seconds an issuer's clock may differ from ours."""
WELL_KNOWN = "/.well-known/openid-configuration"


class NotGenuine(PublicaError):
    """A token is not what it should be. `why` is a word or two, and nothing of the token's."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(f"The token is not accepted: {why}.")


class Issuer:
    """One issuer, by its URL. What it published is read when first needed, then kept for an hour."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._lock = threading.Lock()
        self._kept: tuple[Mapping[str, Any], KeySet] | None = None
        self._read_at = self._failed_at = -STALE_SECONDS

    def metadata(self) -> Mapping[str, Any]:
        """What the issuer says of itself. Raises Unavailable when it cannot be read."""
        return self._published()[0]

    def claims(
        self, token: str, algorithms: Collection[str], audience: str, kinds: Collection[str | None]
    ) -> dict[str, Any]:
        """The claims of a token that this issuer signed for this audience, and that has not expired.

        `kinds`: the `typ` that its header may name. Raises NotGenuine, or Unavailable without the keys.
        """
        if len(token) > MOST_LETTERS:
            raise NotGenuine("too long")
        _require_header(token, algorithms)  # before the issuer is asked anything
        decoded = self._decoded(token, algorithms)
        if decoded.header.get("typ") not in kinds:
            raise NotGenuine("of another kind")
        found = decoded.claims
        registry = jwt.JWTClaimsRegistry(
            now=int(clock.now().timestamp()),
            leeway=LEEWAY,
            iss={"essential": True, "value": self.url},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            iat={"essential": True},
        )
        try:
            registry.validate(found)
        except JoseError as error:
            raise NotGenuine(_why(error)) from None
        return dict(found)

    def _decoded(self, token: str, algorithms: Collection[str]) -> jwt.Token:
        for again in (False, True):
            try:
                return jwt.decode(token, self._published(again=again)[1], algorithms=list(algorithms))
            except InvalidKeyIdError:  # the issuer may have new keys
                continue
            except (JoseError, ValueError, TypeError, KeyError) as error:
                raise NotGenuine(_why(error)) from None
        raise NotGenuine("signed with an unknown key")

    def _published(self, *, again: bool = False) -> tuple[Mapping[str, Any], KeySet]:
        kept = self._kept
        age = time.monotonic() - self._read_at
        if kept is not None and age < (AGAIN_SECONDS if again else KEPT_SECONDS):
            return kept
        if not self._lock.acquire(blocking=False):  # another request is reading it: none waits for that
            if kept is None or again:
                raise unavailable("it is being asked for its keys")
            return kept
        try:
            return self._renewed(kept)
        finally:
            self._lock.release()

    def _renewed(self, before: tuple[Mapping[str, Any], KeySet] | None) -> tuple[Mapping[str, Any], KeySet]:
        """What the issuer publishes now; or published not too long ago. The lock is held."""
        now = time.monotonic()
        if self._kept is not None and self._kept is not before:
            return self._kept
        if now - self._failed_at > FAILED_SECONDS:
            try:
                self._kept = self._read()
                self._read_at = time.monotonic()
                return self._kept
            except Unavailable:
                self._failed_at = time.monotonic()
                if self._kept is None or now - self._read_at > STALE_SECONDS:
                    raise
        if self._kept is None or now - self._read_at > STALE_SECONDS:
            raise unavailable("it did not answer a moment ago")
        return self._kept

    def _read(self) -> tuple[Mapping[str, Any], KeySet]:
        metadata = fetch(self.url.rstrip("/") + WELL_KNOWN)
        if metadata.get("issuer") != self.url:
            raise unavailable("it names another issuer than the settings do")
        for name in ("jwks_uri", "authorization_endpoint", "token_endpoint"):
            require_encrypted(metadata.get(name), needed=name == "jwks_uri")
        try:
            return metadata, KeySet.import_key_set(fetch(str(metadata["jwks_uri"])))  # type: ignore[arg-type]
        except (JoseError, ValueError, TypeError, KeyError):
            raise unavailable("its keys cannot be read") from None


def fetch(url: str) -> dict[str, Any]:
    """A JSON document. Raises Unavailable when it does not come, is too long, too slow, or no document."""
    import httpx2

    began, body = time.monotonic(), b""
    try:
        with (
            httpx2.Client(timeout=SECONDS, follow_redirects=False, trust_env=False) as client,
            client.stream("GET", url, headers={"Accept": "application/json"}) as answer,
        ):
            answer.raise_for_status()
            for part in answer.iter_bytes():
                body += part
                if len(body) > MOST_BYTES or time.monotonic() - began > SECONDS:
                    raise unavailable("it answers too slowly, or too much")
        found = json.loads(body)
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, RecursionError):
        raise unavailable("it does not answer") from None
    if not isinstance(found, dict):
        raise unavailable("it does not answer")
    return found


def require_encrypted(url: Any, *, needed: bool = True) -> None:
    """Raises Unavailable unless a URL that an issuer published is https, or on this machine."""
    if url is None and not needed:
        return
    if not isinstance(url, str) or not (url.startswith("https://") or is_loopback(url)):
        raise unavailable("it names no https address")


def unavailable(why: str) -> Unavailable:
    return Unavailable(
        f"The identity provider cannot be used now: {why}.", do="Try again in a while; or tell the operator."
    )


def _require_header(token: str, algorithms: Collection[str]) -> None:
    """Raises NotGenuine for what is no signed JWT at all (RFC 7515, section 7.1)."""
    head, *rest = token.split(".")
    try:
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, RecursionError) as error:
        raise NotGenuine(_why(error)) from None
    said = header.get("alg") if isinstance(header, dict) else None
    if len(rest) != 2 or not isinstance(said, str) or said not in algorithms:
        raise NotGenuine(_why(ValueError()))


def _why(error: Exception) -> str:
    """A word or two that carry nothing of the token."""
    names = {
        "ExpiredTokenError": "expired",
        "BadSignatureError": "wrongly signed",
        "MissingClaimError": "without a claim that it needs",
    }
    claim = getattr(error, "claim", None)
    if type(error).__name__ == "InvalidClaimError" and claim in ("iss", "aud", "iat", "nbf", "exp"):
        return f"wrong {claim}"
    return names.get(type(error).__name__, "malformed, or signed in a way that is not accepted")
