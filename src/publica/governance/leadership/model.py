"""Who answers for a dataset, or why nobody does."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from publica.governance.identity.model import Official, RoleAssignment
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
