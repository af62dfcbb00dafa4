"""Requests that people make about themselves, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class What(StrEnum):
    """What somebody asks for."""

    CORRECTION = "correction"
    COMPLAINT = "complaint"


class State(StrEnum):
    """What became of a request."""

    OPEN = "open"
    DONE = "done"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Waiting:
    """What may be known of a request without opening it: nothing about the person."""

    id: str
    what: What
    state: State
    organisation: str
    dataset: str | None
    asked_at: datetime
    due_at: datetime
    decided_at: datetime | None


@dataclass(frozen=True)
class Content:
    """What somebody asks: about themselves (`person`, their key), in their words.

    `about`: the column that is wrong, or the use that is complained of.
    """

    person: str
    about: str
    words: str


@dataclass(frozen=True)
class Answered:
    """What was answered, and by whom; no one answers what is taken back."""

    by: str
    words: str


@dataclass(frozen=True)
class Opened:
    """A request with what it says."""

    of: Waiting
    content: Content
    answer: Answered | None
