"""Who does something, and how that was established."""

from __future__ import annotations

from dataclasses import dataclass

from publica.kernel.ledger.canonical import canonical

OPERATOR = "operator"
"""The id of the local shell itself, acting for nobody else."""
CITIZEN = "citizen:"
"""Begins the id of a citizen who signed in: no official's id has a colon, so no key is taken for one."""


@dataclass(frozen=True)
class Actor:
    """Who acts: an official's id, and how it was authenticated.

    `authenticated` is "operator" when the local shell vouches for it, and `os_user` is then that shell's
    user; "oidc" after a sign-in, "token" with an API token, "client" for a machine, "demo" in the demo alone.
    The id of a citizen who signed in is `CITIZEN` and their key.
    """

    id: str
    authenticated: str
    os_user: str | None = None

    def __str__(self) -> str:
        if self.authenticated != "operator":
            return self.id
        return f"operator ({self.os_user or 'unknown user'}) acting as {self.id}"

    @property
    def canonical(self) -> bytes:
        """What a ledger entry commits to: canonical JSON of the three fields."""
        return canonical({"id": self.id, "authenticated": self.authenticated, "os_user": self.os_user})
