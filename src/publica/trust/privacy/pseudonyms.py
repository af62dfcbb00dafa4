"""The secrets of pseudonyms. The pseudonyms themselves are made by the engine, in the domain of a concept."""

from __future__ import annotations

from publica.kernel.keys import Keys
from publica.kernel.ledger.canonical import canonical


def pseudonym_secret(keys: Keys, recipient: str, activity: str) -> bytes:
    """The 32-byte secret of one recipient and activity.

    A pseudonym is the first 128 bits of HMAC-SHA-256(secret, concept || 0 || key as text): one person has the
    same one in all datasets that a recipient sees for an activity, and another for every other recipient
    and activity.
    """
    return keys.derive("pseudonym", canonical([recipient, activity]).decode())
