"""What is hashed: canonical JSON (RFC 8785), RFC 9162 leaf hashes, and salted commitments."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from contextlib import suppress
from typing import Any

import rfc8785

LEAF, NODE = b"\x00", b"\x01"
_SAFE = 2**53
ENTRY_LIMIT = 64 * 1024
"""An entry stays below this many bytes, so that a tile of entries stays small."""


def canonical(value: Any) -> bytes:
    """The RFC 8785 form of a JSON value."""
    if _plain(value):
        with suppress(UnicodeEncodeError):  # half a surrogate pair: left to `rfc8785` to refuse
            return _encode(value).encode()
    return rfc8785.dumps(value)


_encode = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False
).encode


def _plain(value: Any) -> bool:
    """Whether Python's own encoder writes the same, faster: no floats, only safe integers and ASCII keys."""
    kind = type(value)
    if kind is dict:
        return all(type(key) is str and key.isascii() and _plain(item) for key, item in value.items())
    if kind is list or kind is tuple:
        return all(map(_plain, value))
    return kind is str or value is None or kind is bool or (kind is int and abs(value) < _SAFE)


def leaf_hash(entry: bytes) -> bytes:
    """RFC 9162 section 2.1.1: SHA-256(0x00 || entry)."""
    return hashlib.sha256(LEAF + entry).digest()


def b64(data: bytes) -> str:
    """Standard base64 with padding, as C2SP formats use it."""
    return base64.b64encode(data).decode("ascii")


def unb64(text: str) -> bytes:
    """The bytes that `b64` wrote. Raises ValueError on anything else."""
    data = base64.b64decode(text, validate=True)
    if b64(data) != text:  # a last character with spare bits set decodes too, and would let a text be altered
        raise ValueError("not the canonical base64 of anything")
    return data


def new_salt() -> bytes:
    """16 random bytes."""
    return secrets.token_bytes(16)


def commit(salt: bytes, value: bytes) -> str:
    """A commitment that hides `value` until `salt` (16 bytes) is shown: base64 of SHA-256(salt || value)."""
    return b64(hashlib.sha256(salt + value).digest())
