"""Time, as the system sees it: UTC, milliseconds, RFC 3339."""

from __future__ import annotations

from datetime import UTC as UTC
from datetime import datetime


def now() -> datetime:
    """The current instant, UTC, whole milliseconds."""
    instant = datetime.now(UTC)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def text(instant: datetime) -> str:
    """RFC 3339 with milliseconds and `Z`, e.g. `2026-11-23T12:00:00.000Z`. Sorts as time sorts."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def parse(value: str) -> datetime:
    """The instant that `text` wrote; also takes a date alone (its first moment, UTC).

    Raises ValueError when the text is no instant.
    """
    instant = datetime.fromisoformat(value)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
