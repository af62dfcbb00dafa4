"""Instants and days in addresses."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from publica.kernel import clock


def _instant(given: object) -> object:
    if not isinstance(given, str):
        return given
    try:
        return clock.parse(given)
    except (ValueError, OverflowError):
        raise PydanticCustomError("instant", "it is no instant (RFC 3339) or day") from None


Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    WithJsonSchema({"type": "string", "examples": ["2026-11-23", "2026-11-23T12:00:00Z"]}),
]
"""RFC 3339, or a day (its first moment, UTC)."""
