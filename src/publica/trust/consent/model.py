"""Choices: what a person can do about an activity, and what follows.

| state     | grant   | refuse   | object   | withdraw | lapse    |
|-----------|---------|----------|----------|----------|----------|
| (none)    | granted | refused  | objected | (none)   |          |
| granted   | granted | refused  | objected | (none)   | (none)   |
| refused   | granted | refused  | objected | refused  |          |
| objected  | granted | objected | objected | (none)*  |          |

* Where a law is the basis that leaves the right to object; elsewhere the objection stands.

A consent lapses when the terms of its activity change; a refusal and an objection never do. A refusal answers
who asks for consent: where a law is the basis, it is no objection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pyroaring import BitMap


class Action(StrEnum):
    """What happens to a person's choice."""

    GRANT = "grant"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    OBJECT = "object"
    LAPSE = "lapse"


CHOSEN = (Action.GRANT, Action.REFUSE, Action.WITHDRAW, Action.OBJECT)
"""What people do; a consent lapses by itself, when what it was given to changes."""


@dataclass
class Fold:
    """Everybody's state at `counter`. Over part of the changes: the state of those they concern."""

    counter: int = 0
    granted: BitMap = field(default_factory=BitMap)
    objected: BitMap = field(default_factory=BitMap)
    refused: BitMap = field(default_factory=BitMap)
    withdrawn: BitMap = field(default_factory=BitMap)

    def apply(self, counter: int, action: Action, people: BitMap) -> None:
        """Take one change in."""
        for state in (self.granted, self.objected, self.refused, self.withdrawn):
            state -= people
        of = {Action.GRANT: self.granted, Action.OBJECT: self.objected, Action.REFUSE: self.refused}
        state = of.get(action, self.withdrawn)
        state |= people
        self.counter = counter


@dataclass(frozen=True)
class Step:
    """One choice of one person: when, what, alone or among many, and its ledger entry (leaf hash).

    `terms`: hash of the terms it was made under; `shown`: language and hash of the text that was shown.
    """

    counter: int
    at: datetime
    action: Action
    in_bulk: bool
    entry: bytes
    terms: str | None = None
    shown: str | None = None


@dataclass(frozen=True)
class Status:
    """Where a person stands with an activity: whether their data may be used, and their choices so far."""

    allowed: bool
    action: Action | None  # the one in effect; None when they never chose, or withdrew
    counter: int
    history: tuple[Step, ...]


@dataclass(frozen=True)
class Made:
    """What a choice led to. Unless `changed`, it stood already: nothing was recorded, `entry` is None."""

    activity: str
    counter: int
    allowed: bool
    changed: bool
    entry: bytes | None


@dataclass(frozen=True)
class Batch:
    """What a batch of choices led to: how many people's choice each action changed, and the entries."""

    activity: str
    counter: int
    changed: Mapping[Action, int]
    entries: tuple[bytes, ...]
