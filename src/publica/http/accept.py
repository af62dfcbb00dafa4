"""Which form an answer takes: the `Accept` header (RFC 9110, section 12.5.1) against what there is."""

from __future__ import annotations

import re
from collections.abc import Sequence

from publica.http.problems import HttpProblem

MOST = 4096
"""Characters of a header that are looked at; a longer one is refused."""
_RANGE = re.compile(r"([!#$%&'*+.^_`|~\w-]+)/([!#$%&'*+.^_`|~\w-]+)\Z")
_QUALITY = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\Z")


def negotiate(accept: str | None, offered: Sequence[str]) -> str:
    """The media type of `offered` that the header likes best; the first one where it does not say.

    Raises HttpProblem (406) when it takes none of them, or cannot be read.
    """
    if accept is None or not accept.strip():
        return offered[0]
    ranges = _ranges(accept)
    liked = [(_quality(ranges, name), -number, name) for number, name in enumerate(offered)]
    quality, _, best = max(liked)
    if quality <= 0:
        raise HttpProblem(
            "not-acceptable", "None of the forms asked for.", do=f"There are: {', '.join(offered)}."
        )
    return best


def _ranges(accept: str) -> list[tuple[str, float]]:
    if len(accept) > MOST:
        raise HttpProblem("not-acceptable", "The Accept header is too long.", do="Name the form you want.")
    found = []
    for part in accept.split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        if name and not _RANGE.match(name):
            raise HttpProblem("not-acceptable", "The Accept header cannot be read.", do="Name media types.")
        quality = next((p[2:].strip() for p in parameters if p[:2].lower() == "q="), "1")
        if name:
            found.append((name.lower(), float(quality) if _QUALITY.match(quality) else 0.0))
    return found


def _quality(ranges: Sequence[tuple[str, float]], offered: str) -> float:
    """What the most exact range that covers the type says of it."""
    best, quality = -1, 0.0
    for name, said in ranges:
        exactness = 2 if name == offered else 1 if name == f"{offered.partition('/')[0]}/*" else 0
        if exactness == 0 and name != "*/*":
            continue
        if exactness > best:
            best, quality = exactness, said
    return quality
