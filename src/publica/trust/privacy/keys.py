"""The secrets of statistics: the salt of record keys, and the key of each activity's noise.

They are derived from the key of the directory, which numbers people and is never replaced: with others, the
same people would get a second draw of noise, and cells released before could not be compared.

Each activity has noise of its own. With the same noise for all, an office that has a cell from two activities
would see by its being equal that everybody in it chose alike.
"""

from __future__ import annotations

from publica.kernel.keys import Keys


def record_salt(keys: Keys) -> int:
    """The salt of record keys (64 bits)."""
    return int.from_bytes(keys.derive("directory", "record keys")[:8])


def record_keys_id(keys: Keys) -> bytes:
    """8 bytes that name the record keys, and say nothing of them."""
    return keys.derive("directory", "name of record keys")[:8]


def noise_secret(keys: Keys, activity: str) -> bytes:
    """The 32-byte key under which an activity's noise is drawn."""
    return keys.derive("directory", f"noise of cells {activity}")
