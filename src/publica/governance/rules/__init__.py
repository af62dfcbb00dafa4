"""Rules (governance, tactical): the laws that activities rest on.

Its job: say whether a provision is in force on a day.
"""

from publica.governance.rules.model import Law
from publica.governance.rules.rules import check_law, in_force
from publica.kernel.records import Kind

LAW = Kind("law", Law, check_law)

__all__ = ["LAW", "Law", "in_force"]
