"""Who may see which page: the part of the table of access that the pages have, one section for each asker."""

from __future__ import annotations

from publica.api.classes import (
    EVERYBODY,
    OFFICIALS,
    REFUSED,
    Classes,
    Route,
)

PUBLIC: dict[Route, Classes] = {
    ("GET", "/"): EVERYBODY,
    ("GET", "/static/{name:path}"): EVERYBODY,
    ("GET", "/sign-in"): EVERYBODY,
    ("GET", "/register"): EVERYBODY,
    ("GET", "/register/activities/{name}"): EVERYBODY,
    ("GET", "/register/agreements/{name}"): EVERYBODY,
    ("GET", "/ledger"): EVERYBODY,
    ("GET", "/ledger/verify"): EVERYBODY,
    ("GET", "/accessibility"): EVERYBODY,
}
CITIZEN: dict[Route, Classes] = {}
ANALYST: dict[Route, Classes] = {
    ("GET", "/workbench"): REFUSED,
    ("POST", "/workbench"): REFUSED,
    ("POST", "/workbench/download"): REFUSED,
    ("GET", "/workbench/uses"): REFUSED,
    ("GET", "/workbench/uses/{receipt}"): REFUSED,
    ("POST", "/workbench/uses/{receipt}/requests"): REFUSED,
    ("GET", "/datasets/{dataset}"): OFFICIALS,
    ("GET", "/requests"): OFFICIALS,
    ("GET", "/requests/{name}"): OFFICIALS,
    ("POST", "/requests/{name}/answer"): OFFICIALS,
    ("POST", "/requests/{name}/withdraw"): OFFICIALS,
}
STEWARD: dict[Route, Classes] = {}
OFFICERS: dict[Route, Classes] = {}

PAGES: dict[Route, Classes] = {**PUBLIC, **CITIZEN, **ANALYST, **STEWARD, **OFFICERS}
"""Method and pattern of every page's route → the classes of callers that may call it."""
UNASKED_PAGES = frozenset({("GET", "/static/{name:path}")})
