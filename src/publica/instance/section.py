"""What every section of the settings is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A table of `publica.toml`: frozen, and refusing what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")
