"""Capacity (governance, tactical): what waits for whom, and until when.

Its job: turn a refusal into a request to the person who can supply what was missing, with a clock. A request
that nobody answers in time goes on to a chief data officer by itself.
"""

from publica.governance.capacity.model import AccessRequest, Gap, RequestState
from publica.governance.capacity.rules import ANSWER_DAYS, gaps
from publica.governance.capacity.store import requests

__all__ = ["ANSWER_DAYS", "AccessRequest", "Gap", "RequestState", "gaps", "requests"]
