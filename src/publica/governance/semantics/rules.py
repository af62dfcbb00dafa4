"""Which columns may be compared or joined. Pure."""

from __future__ import annotations

from publica.governance.semantics.model import Meaning, Mismatch


def mismatch(left: Meaning, right: Meaning) -> Mismatch | None:
    """Why two columns may not be compared, or None.

    What only one side declares cannot contradict the other. Versions count within the same code list.
    """
    pairs = (
        ("concept", left.concept, right.concept),
        ("code list", left.code_list, right.code_list),
        ("code list version", left.code_list_version, right.code_list_version),
        ("unit", left.unit, right.unit),
    )
    return next(
        (Mismatch(what, one, other) for what, one, other in pairs if one and other and one != other), None
    )
