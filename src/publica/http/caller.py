"""Who calls, as everything above sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from publica.gateway.door import Request
from publica.governance.identity import RoleName
from publica.http.problems import HttpProblem
from publica.kernel.actor import Actor

Kind = Literal["anonymous", "official", "citizen", "machine"]


@dataclass(frozen=True)
class Caller:
    """Who calls, and what they may show of themselves.

    `held`: the roles that they hold today at their organisation; `roles`: those of them that their credential
    carries. `subject`: a citizen's key. `activities`: those that the credential may cite, None for all.
    `scopes`: what a token may do besides ("metrics", "tracker"). `only`: the roles that count at the door,
    None for all that they hold. `session`: the digest of the session's id, when they came with its cookie.
    """

    actor: Actor
    kind: Kind
    held: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    organisation: str | None = None
    subject: str | None = None
    activities: frozenset[str] | None = None
    scopes: frozenset[str] = frozenset()
    session: bytes | None = field(default=None, repr=False)
    only: frozenset[str] | None = None

    @property
    def signed_in(self) -> bool:
        return self.kind != "anonymous"

    def holds(self, *roles: RoleName) -> bool:
        """Whether they hold one of these roles."""
        return not self.roles.isdisjoint(roles)

    def may_cite(self, activity: str) -> bool:
        """Whether the credential may cite an activity at all; whether it may be used is the door's to say."""
        return self.activities is None or activity in self.activities

    def request(self, activity: str, sql: str, params: Mapping[str, Any] | None = None) -> Request:
        """A question in the caller's name. Raises HttpProblem when they may not cite the activity."""
        if not self.may_cite(activity):
            raise HttpProblem(
                "forbidden",
                f"This token may not cite the activity {activity}.",
                do="Make one that may: publica token create --activity …",
            )
        return Request(self.actor, activity, sql, params or {}, self.only)


ANONYMOUS = Caller(Actor("(nobody)", "nothing"), "anonymous")
"""Somebody of whom nothing is known."""
