"""Who does something, and how that was established."""

from __future__ import annotations

from dataclasses import dataclass, field

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

    `roles`: of the roles that an official holds, those that count now; None for all. They say nothing of who
    it is, and are kept nowhere.
    """

    id: str
    authenticated: str
    os_user: str | None = None
    roles: frozenset[str] | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        if self.authenticated != "operator":
            return self.id
        return f"operator ({self.os_user or 'unknown user'}) acting as {self.id}"

    def counts(self, *roles: str) -> bool:
        """Whether one of these roles counts, if they hold it: all do, unless the sign-in narrowed them."""
        return self.roles is None or not self.roles.isdisjoint(roles)

    @property
    def as_json(self) -> dict[str, str | None]:
        """What is kept of who it was."""
        return {"id": self.id, "authenticated": self.authenticated, "os_user": self.os_user}

    @property
    def canonical(self) -> bytes:
        """What a ledger entry commits to: canonical JSON of what is kept."""
        return canonical(self.as_json)
