"""The secrets of statistics: the salt of record keys and the key of noise; one of each per instance.

They are derived from the key of the directory, which numbers people and is never replaced: with others, the
same people would get a second draw of noise, and cells released before could not be compared.

Noise is not salted by recipient: the same people give everybody the same noise, so that recipients who put
their answers together have one draw, not several to average.
"""

from __future__ import annotations

from publica.kernel.keys import Keys


def record_salt(keys: Keys) -> int:
    """The salt of record keys (64 bits)."""
    return int.from_bytes(keys.derive("directory", "record keys")[:8])


def record_keys_id(keys: Keys) -> bytes:
    """8 bytes that name the record keys, and say nothing of them."""
    return keys.derive("directory", "name of record keys")[:8]


def noise_secret(keys: Keys) -> bytes:
    """The 32-byte key under which noise is drawn."""
    return keys.derive("directory", "noise of cells")
