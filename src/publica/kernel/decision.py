"""Decisions: clauses with stable reason codes, rendered to sentences only at the edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Clause:
    """One condition of a decision.

    `reason` is a code of `publica.kernel.reasons.REASONS`, `holds` whether the condition is met, `params`
    what the sentence needs, `cites` the record that decides it ("agreement:civil-registry-social").
    """

    reason: str
    holds: bool
    params: Mapping[str, str] = field(default_factory=dict)
    cites: str | None = None


@dataclass(frozen=True)
class Decision:
    """The clauses of one decision. Deny by default: no clauses, no permission."""

    clauses: tuple[Clause, ...]

    @property
    def allowed(self) -> bool:
        return bool(self.clauses) and all(clause.holds for clause in self.clauses)

    @property
    def missing(self) -> tuple[Clause, ...]:
        return tuple(clause for clause in self.clauses if not clause.holds)
