"""Settings of the protocols of others."""

from __future__ import annotations

from pydantic import Field

from publica.instance.section import Section


class TrackerSettings(Section):
    """Estonia's Data Tracker protocol (`/v2/findUsage`)."""

    system: str | None = Field(
        default=None,
        min_length=1,
        description="`receiverSystem`: what people call this system; the ledger's origin when left out.",
    )
    prefix: str = Field(
        default="",
        description="What stands before a person's key in `userCode`, such as `EE`.",
    )
