"""Trust, transparency: every use leaves a receipt, and every person can see and prove what it says of them.

Receipts are ledger entries; who asked, the statement and the two subject sets stand in them as commitments,
and are kept sealed. An index by blocks of people answers "which uses concerned me?"; proofs answer "show it
to somebody who trusts neither of us".
"""
