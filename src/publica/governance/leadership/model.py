"""Who answers for a dataset, or why nobody does; and proposals of changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from publica.governance.identity.model import Official, RoleAssignment
from publica.kernel.actor import Actor
from publica.kernel.records import Record


@dataclass(frozen=True)
class Accountable:
    """The official who answers for a dataset on a day, and the role that makes them."""

    official: Record[Official]
    role: Record[RoleAssignment]


class Vacancy(StrEnum):
    """Why nobody answers for a dataset on a day."""

    NO_DATASET = "no such dataset"
    NEVER_APPOINTED = "never appointed"
    NOT_YET = "not yet in office"
    ENDED = "ended"


class State(StrEnum):
    """What became of a proposal."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"


@dataclass(frozen=True)
class Proposal:
    """Documents that would change records, who proposes them, and who decided what about them."""

    id: str
    state: State
    title: str
    documents: tuple[Any, ...]
    by: Actor
    proposed_at: datetime
    decided_at: datetime | None = None
    decided_by: str | None = None
    why: str | None = None
