"""Governance: who answers for which data, under which rules."""
