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
    "choice-granted": Told(mark("You have said yes.")),
    "choice-refused": Told(mark("You have said no. This leaves you out.")),
    "choice-withdrawn": Told(mark("You have taken your yes back. From now on this leaves you out.")),
    "choice-objected": Told(mark("You have objected. From now on this leaves you out.")),
    "choice-objection-withdrawn": Told(mark("You have taken your objection back.")),
    "choice-stands": Told(mark("Nothing has changed. You had said so before.")),
    "choice-objection-stands": Told(mark("Nothing has changed. You object, and that leaves you out.")),
    "choice-nothing": Told(mark("Nothing has changed. There was nothing to take back.")),
    "correction-asked": Told(mark("You have asked. The answer will stand here.")),
    "correction-withdrawn": Told(mark("You have taken it back.")),
    # analyst
    "request-made": Told(mark("You have asked. The answer will stand here.")),
    "request-answered": Told(mark("Your answer is recorded.")),
    "request-withdrawn": Told(mark("You have taken the request back.")),
    # steward
    "proposal-accepted": Told(mark("The proposal is accepted: its records are changed.")),
    "proposal-declined": Told(mark("The proposal is declined.")),
    "person-answered": Told(mark("Your answer is recorded. The person can read it.")),
    # office
    "report-made": Told(mark("The report is made, sealed and recorded.")),
}
"""Code → what is said. Forms end with `see(request, place, told=code)`."""
