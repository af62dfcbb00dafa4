"""What an engine is told: its limits, who is allowed, which rows are in scope."""

from __future__ import annotations

from dataclasses import dataclass, field

from pyroaring import BitMap


@dataclass(frozen=True)
class EngineLimits:
    """What one engine may take: memory, threads (None: one per core) and disk for what does not fit."""

    memory: str = "2GB"
    threads: int | None = None
    spill: str = "20GB"


@dataclass(frozen=True)
class Scope:
    """Rows whose `column`, as text, is one of `values`. A row without a value is out."""

    column: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class MaskUpdate:
    """Who is allowed at `counter`.

    With `everything`, `allowed` holds the position of every allowed person and all others are refused.
    Without, `allowed` and `refused` hold those whose last choice since the counter asked about says so.
    """

    counter: int
    everything: bool
    allowed: BitMap
    refused: BitMap = field(default_factory=BitMap)
