"""What a page says first after a form: one total table, by code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from publica.web.words import mark


@dataclass(frozen=True)
class Told:
    """A sentence, and whether all went well."""

    text: str
    kind: Literal["done", "attention"] = "done"


TOLD: dict[str, Told] = {
    # everybody
    "signed-out": Told(mark("You have signed out.")),
    # citizen
    # analyst
    "request-made": Told(mark("You have asked. The answer will stand here.")),
    "request-answered": Told(mark("Your answer is recorded.")),
    "request-withdrawn": Told(mark("You have taken the request back.")),
    # steward
    # office
}
"""Code → what is said. Forms end with `see(request, place, told=code)`."""
