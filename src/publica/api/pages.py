"""Who may see which page: the part of the table of access that the pages have, one section for each asker."""

from __future__ import annotations

from publica.api.classes import (
    EVERYBODY,
    Classes,
    Route,
)

PUBLIC: dict[Route, Classes] = {
    ("GET", "/"): EVERYBODY,
    ("GET", "/static/{name:path}"): EVERYBODY,
}
CITIZEN: dict[Route, Classes] = {}
ANALYST: dict[Route, Classes] = {}
STEWARD: dict[Route, Classes] = {}
OFFICERS: dict[Route, Classes] = {}

PAGES: dict[Route, Classes] = {**PUBLIC, **CITIZEN, **ANALYST, **STEWARD, **OFFICERS}
"""Method and pattern of every page's route → the classes of callers that may call it."""
UNASKED_PAGES = frozenset({("GET", "/static/{name:path}")})
