"""How a language sets its texts: where a line may not break."""

from __future__ import annotations

import re

HARD = "\N{NO-BREAK SPACE}"
_BEFORE = re.compile(r" (?=[:;!?»])")


def typeset(said: str, language: str) -> str:
    """The text as it is set: in French no line begins with a colon or ends with an opening quotation mark."""
    return _BEFORE.sub(HARD, said).replace("« ", f"«{HARD}") if language == "fr" else said
