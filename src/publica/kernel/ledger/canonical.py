"""What is hashed: canonical JSON (RFC 8785), RFC 9162 leaf hashes, and salted commitments."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Any

import rfc8785

LEAF, NODE = b"\x00", b"\x01"
ENTRY_LIMIT = 64 * 1024
"""An entry stays below this many bytes, so that a tile of entries stays small."""


def canonical(value: Any) -> bytes:
    """The RFC 8785 form of a JSON value."""
    return rfc8785.dumps(value)


def leaf_hash(entry: bytes) -> bytes:
    """RFC 9162 section 2.1.1: SHA-256(0x00 || entry)."""
    return hashlib.sha256(LEAF + entry).digest()


def b64(data: bytes) -> str:
    """Standard base64 with padding, as C2SP formats use it."""
    return base64.b64encode(data).decode("ascii")


def unb64(text: str) -> bytes:
    """The bytes that `b64` wrote. Raises ValueError on anything else."""
    return base64.b64decode(text, validate=True)


def new_salt() -> bytes:
    """16 random bytes."""
    return secrets.token_bytes(16)


def commit(salt: bytes, value: bytes) -> str:
    """A commitment that hides `value` until `salt` (16 bytes) is shown: base64 of SHA-256(salt || value)."""
    return b64(hashlib.sha256(salt + value).digest())
