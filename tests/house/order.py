"""The import law: the areas from the lowest to the highest. An area may import lower ones, never higher.

Function-local imports count. Areas on one line may not import each other. Change the order here and nowhere
else, with a record in docs/decisions/.
"""

from __future__ import annotations

ORDER: tuple[tuple[str, ...], ...] = (
    ("publica.kernel",),
    ("publica.data",),
    ("publica.governance.identity",),
    ("publica.governance.leadership",),
    ("publica.governance.capacity",),
    ("publica.governance.rules",),
    ("publica.governance.semantics",),
    ("publica.governance.datasets",),
    ("publica.governance.activities",),
    ("publica.governance.agreements",),
    ("publica.trust.ethics",),
    ("publica.trust.consent",),
    ("publica.trust.privacy",),
    ("publica.trust.transparency",),
    ("publica.gateway",),
    ("publica.governance.registers",),
    ("publica.governance.catalogue",),
    ("publica.trust.rights",),
    ("publica.value.anticipation",),
    ("publica.value.delivery",),
    ("publica.value.evaluation",),
    ("publica.signs",),
    ("publica.instance",),
    ("publica.wording",),
    ("publica.http",),
    ("publica.api", "publica.web"),
    ("publica.demo",),
    ("publica.cli",),
    ("publica.__main__",),
)

SIGNPOSTS = ("publica", "publica.governance", "publica.trust", "publica.value")
"""Packages that only point at areas: any area may import them, they import nothing."""

LEVEL = {area: level for level, areas in enumerate(ORDER) for area in areas}


def area_of(module: str) -> str | None:
    """The area that a module belongs to; None for a signpost and for what is not in the order."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        if ".".join(parts[:length]) in LEVEL:
            return ".".join(parts[:length])
    return None
