"""Identifiers: the ones people choose and the ones we draw."""

from __future__ import annotations

import re
import secrets

RECORD_ID = re.compile(r"[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*\Z")
"""Record ids: lower case words joined by `_` or `-`; safe in SQL, file names and URLs."""

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: nothing that looks like something else


def draw(prefix: str) -> str:
    """A fresh identifier of 100 random bits, e.g. `use_7k3m…`."""
    bits = secrets.randbits(100)
    return f"{prefix}_" + "".join(_ALPHABET[bits >> shift & 31] for shift in range(0, 100, 5))
