"""Semantics (governance, operational: architecture): what values mean.

Its job: find columns whose concepts, code lists or units contradict each other, so that a statement may not
compare or join them.
"""

from publica.governance.semantics.model import HOUSEHOLD, PERSON, Meaning, Mismatch
from publica.governance.semantics.rules import mismatch

__all__ = ["HOUSEHOLD", "PERSON", "Meaning", "Mismatch", "mismatch"]
