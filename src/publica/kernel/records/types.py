"""Field types that the models of all areas share, and periods of days."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Protocol

from pydantic import BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from publica.kernel.records.model import Problem

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")


def _day(value: Any) -> date:
    """A day, or its ISO 8601 text. Nothing else: a bare number is not taken for seconds since 1970."""
    if type(value) is date:
        return value
    try:
        if isinstance(value, str) and _DAY.match(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise PydanticCustomError("wrong", "It must be a day, like 2026-01-31.")


Day = Annotated[date, BeforeValidator(_day)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
Count = Annotated[int, Field(ge=1, le=10**15)]


class Period(Protocol):
    """A spec with a first and, perhaps, a last day (both belong to it)."""

    @property
    def valid_from(self) -> date: ...
    @property
    def valid_to(self) -> date | None: ...


def valid_on(spec: Period, at: date) -> bool:
    """Whether a day lies in the period."""
    return spec.valid_from <= at and (spec.valid_to is None or at <= spec.valid_to)


def period_problems(spec: Period) -> Iterator[Problem]:
    """A period may not end before it begins."""
    if spec.valid_to is not None and spec.valid_to < spec.valid_from:
        yield Problem(
            ("valid_to",),
            f"It ends on {spec.valid_to}, before it begins on {spec.valid_from}.",
            "Correct one of the two days.",
        )
