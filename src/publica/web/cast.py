"""The cast: in the demo alone, people whom everybody may be, and what to try as each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Try:
    """One thing to try: where, and in what words (marked for translation)."""

    place: str
    text: str


@dataclass(frozen=True)
class Member:
    """One person of the cast. `provider`: the name of the sign-in that makes one them."""

    provider: str
    name: str
    role: str
    told: str
    tries: tuple[Try, ...]
