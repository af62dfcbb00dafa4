"""Trust, privacy: what comes out says no more than it must.

Its job now: the secrets from which pseudonyms are made, one per recipient and activity, so that what two
recipients hold cannot be put together.
"""

from publica.trust.privacy.pseudonyms import pseudonym_secret

__all__ = ["pseudonym_secret"]
