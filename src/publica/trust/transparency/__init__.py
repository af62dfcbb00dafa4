"""Trust, transparency: every use leaves a receipt, and every person can see and prove what it says of them.

Receipts are ledger entries; who asked, the statement and the two subject sets stand in them as commitments,
and are kept sealed. An index by blocks of people answers "which uses concerned me?"; proofs answer "show it
to somebody who trusts neither of us".
"""

from publica.trust.transparency.actions import open_original, open_originals, page_of_uses, uses_of
from publica.trust.transparency.index import compact
from publica.trust.transparency.laws import laws
from publica.trust.transparency.model import (
    Form,
    How,
    Original,
    Outcome,
    Private,
    Receipt,
    StoredSet,
    UseOfMe,
    Verdict,
    Written,
)
from publica.trust.transparency.proofs import prove
from publica.trust.transparency.receipts import Prepared, actor_tag, prepare, write
from publica.trust.transparency.sets import SubjectSet, commit, opening
from publica.trust.transparency.verification import verify_proof

__all__ = [
    "Form",
    "How",
    "Original",
    "Outcome",
    "Prepared",
    "Private",
    "Receipt",
    "StoredSet",
    "SubjectSet",
    "UseOfMe",
    "Verdict",
    "Written",
    "actor_tag",
    "commit",
    "compact",
    "laws",
    "open_original",
    "open_originals",
    "opening",
    "page_of_uses",
    "prepare",
    "prove",
    "uses_of",
    "verify_proof",
    "write",
]
