"""Trust, privacy: what comes out says no more than it must.

Its job now: the secrets from which pseudonyms are made, one per recipient and activity, so that what two
recipients hold cannot be put together; the rules, the noise and the release history of totals.
"""

from publica.trust.privacy.pseudonyms import pseudonym_secret
from publica.trust.privacy.rules import Parameters

__all__ = ["Parameters", "pseudonym_secret"]
