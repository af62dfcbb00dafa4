"""Leadership (governance, strategic): who answers for what.

Its job: find the steward who answers for a dataset on a day, or say why there is none. A dataset that
nobody answers for may not be used.
"""

from publica.governance.leadership.model import Accountable, Vacancy
from publica.governance.leadership.rules import accountable, vacancy
from publica.governance.leadership.store import proposals

__all__ = ["Accountable", "Vacancy", "accountable", "proposals", "vacancy"]
