"""What a refusal lacked, who can supply it, and a request to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from publica.kernel.actor import Actor


class RequestState(StrEnum):
    """What became of a request."""

    OPEN = "open"
    AGREED = "agreed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Gap:
    """One thing that a refusal lacked: its reason code, and the record it is about (`dataset:population`).

    `official` of `answering` (an organisation) can supply it. Both are None where the asker can only ask
    otherwise, as with SQL that is not supported; `official` alone where nobody is in office.
    """

    reason: str
    about: str
    answering: str | None = None
    official: str | None = None


@dataclass(frozen=True)
class AccessRequest:
    """A request after a refusal: for what, by whom, to whom, and until when it must be answered.

    `use`: the receipt of the refusal. `organisation`: the asker's. `escalated_to`: who may answer, too, since
    the clock ran out.
    """

    id: str
    state: RequestState
    use: str
    reason: str
    about: str
    organisation: str
    by: Actor
    words: str
    answering: str
    addressee: str
    asked_at: datetime
    due_at: datetime
    escalated_at: datetime | None = None
    escalated_to: str | None = None
    decided_at: datetime | None = None
    decided_by: str | None = None
    why: str | None = None

    def overdue(self, now: datetime) -> bool:
        """Whether it is open and its clock ran out."""
        return self.state is RequestState.OPEN and self.due_at <= now
