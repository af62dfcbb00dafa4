"""Receipts, subject sets and their index, proofs."""
