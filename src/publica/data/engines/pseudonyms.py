"""Pseudonyms: a stored UUID column per column, domain and secret; 128 bits of HMAC-SHA-256 (RFC 2104)."""

from __future__ import annotations

import hashlib

import duckdb

from publica.data.engines.working import Table, quoted

_BLOCK = 64


def pseudonym_name(table: Table, column: str, domain: str, secret: bytes) -> str:
    """The column of a pseudonym: the same for the same version, column, domain and secret."""
    parts = repr((table.version.id, column, domain)).encode() + b"\0" + hashlib.sha256(secret).digest()
    return f"__pseudonym_{hashlib.sha256(parts).hexdigest()[:20]}"


def build(
    cursor: duckdb.DuckDBPyConnection, table: Table, name: str, column: str, domain: str, secret: bytes
) -> None:
    """Make the column: HMAC(secret, domain || 0 || value as text); no value, no pseudonym."""
    key = (hashlib.sha256(secret).digest() if len(secret) > _BLOCK else secret).ljust(_BLOCK, b"\0")
    inner = bytes(byte ^ 0x36 for byte in key) + domain.encode() + b"\0"
    outer = bytes(byte ^ 0x5C for byte in key)
    target, made = quoted(table.name), quoted(name)
    inside = f"unhex(sha256($inner::BLOB || encode(CAST({quoted(column)} AS VARCHAR))))"
    cursor.execute(f"ALTER TABLE {target} ADD COLUMN {made} UUID")
    cursor.execute(
        f"UPDATE {target} SET {made} = CAST(substr(sha256($outer::BLOB || {inside}), 1, 32) AS UUID)",
        {"inner": inner, "outer": outer},
    )
    cursor.execute(f"ALTER TABLE {target} ALTER {made} SET DATA TYPE UUID USING {made}")  # compact
