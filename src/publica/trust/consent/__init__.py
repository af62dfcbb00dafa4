"""Trust, consent: each person's own choice about an activity, effective at its next use.

Its job: record grants, refusals, withdrawals and objections, each a step of its activity's counter and a
ledger entry, and say at any counter whose data an activity may use.
"""

from publica.trust.consent.actions import choose, choose_many
from publica.trust.consent.audit import altered
from publica.trust.consent.bulk import parse_choices
from publica.trust.consent.model import Action, Batch, Made, Status, Step
from publica.trust.consent.notices import Lapsing
from publica.trust.consent.reading import allowed, counter, counters, status, update_since
from publica.trust.consent.rules import right
from publica.trust.consent.terms import Shown

__all__ = [
    "Action",
    "Batch",
    "Lapsing",
    "Made",
    "Shown",
    "Status",
    "Step",
    "allowed",
    "altered",
    "choose",
    "choose_many",
    "counter",
    "counters",
    "parse_choices",
    "right",
    "status",
    "update_since",
]
