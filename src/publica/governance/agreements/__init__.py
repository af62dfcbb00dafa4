"""Agreements (governance, operational: infrastructure): what a holder lets a recipient have.

Its job: say what an agreement in force lets through: which columns in which form, which rows, for which
purposes, and whether both parties have signed.
"""

from publica.governance.agreements.model import (
    Agreement,
    RowScope,
    SharedDataset,
    Signature,
    Transform,
    parse_transform,
)
from publica.governance.agreements.rules import (
    check_agreement,
    covers,
    missing_signatures,
    row_scope,
    signed_by_both,
    transform_of,
)
from publica.kernel.records import Kind

AGREEMENT = Kind("agreement", Agreement, check_agreement)

__all__ = [
    "AGREEMENT",
    "Agreement",
    "RowScope",
    "SharedDataset",
    "Signature",
    "Transform",
    "covers",
    "missing_signatures",
    "parse_transform",
    "row_scope",
    "signed_by_both",
    "transform_of",
]
