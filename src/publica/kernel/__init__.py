"""The kernel: what every pillar stands on.

Identifiers, time, the error tree, decisions, transactions, records and the ledger. It knows nothing of
datasets, people or law, and imports no other area.
"""
