"""The ledger: an append-only Merkle log (RFC 9162) of receipts, record revisions and choices."""
