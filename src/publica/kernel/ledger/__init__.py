"""The ledger: an append-only Merkle log (RFC 9162) of receipts, record revisions and choices.

Kernel, beneath every pillar. `database` enters entries; `sequencer` gives them positions; `checkpoint` signs
the tree and makes proofs; `merkle` and `note` check them without a database; `tiles` is how others read the
tree; `verify` re-derives everything from scratch. Import from these modules: `database` needs `canonical` and
`store`, so this package itself exports nothing.
"""
