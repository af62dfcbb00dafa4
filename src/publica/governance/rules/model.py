"""Laws: the provisions that activities rest on."""

from __future__ import annotations

from publica.kernel.records import Spec
from publica.kernel.records.types import Day, Line


class Law(Spec):
    """A legal provision, by its ELI-style identifier, and its first and last day in force."""

    title: Line
    eli: Line
    provision: Line | None = None
    valid_from: Day
    valid_to: Day | None = None
    url: Line | None = None
