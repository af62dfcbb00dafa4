"""What a column's values mean, as far as it decides which columns may meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

PERSON, HOUSEHOLD = "person", "household"
"""Concepts whose keys make a table personal."""


class Meaning(Protocol):
    """Anything with a concept, a unit and a code list: a column of a dataset, or its shape in a statement."""

    @property
    def concept(self) -> str | None: ...
    @property
    def unit(self) -> str | None: ...
    @property
    def code_list(self) -> str | None: ...
    @property
    def code_list_version(self) -> str | None: ...


@dataclass(frozen=True)
class Mismatch:
    """Why two columns may not meet: `what` is "concept", "unit", "code list" or "code list version"."""

    what: str
    left: str
    right: str
