"""Who may see which page: the part of the table of access that the pages have, one section for each asker."""

from __future__ import annotations

from publica.api.classes import (
    CITIZENS,
    DECIDERS,
    EVERYBODY,
    OFFICE,
    OFFICIALS,
    PROPOSERS,
    READERS,
    REFUSED,
    STEWARDS,
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
CITIZEN: dict[Route, Classes] = {
    ("GET", "/my-data"): CITIZENS,
    ("GET", "/my-data/all"): CITIZENS,
    ("GET", "/my-data/download"): CITIZENS,
    ("GET", "/my-data/{dataset}"): CITIZENS,
    ("GET", "/my-uses"): CITIZENS,
    ("GET", "/my-uses/others"): CITIZENS,
    ("GET", "/my-uses/{receipt}"): CITIZENS,
    ("GET", "/my-uses/{receipt}/proof"): CITIZENS,
    ("GET", "/my-choices"): CITIZENS,
    ("GET", "/my-choices/{activity}"): CITIZENS,
    ("POST", "/my-choices/{activity}"): CITIZENS,
    ("GET", "/my-choices/{activity}/receipt"): CITIZENS,
    ("GET", "/my-corrections"): CITIZENS,
    ("POST", "/my-corrections"): CITIZENS,
    ("POST", "/my-corrections/{name}/withdraw"): CITIZENS,
}
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
STEWARD: dict[Route, Classes] = {
    ("GET", "/stewardship"): STEWARDS,
    ("GET", "/stewardship/datasets/{name}"): STEWARDS,
    ("GET", "/stewardship/people/{name}"): STEWARDS,
    ("POST", "/stewardship/people/{name}"): STEWARDS,
    ("GET", "/proposals/{name}"): READERS,
    ("POST", "/proposals/{name}"): PROPOSERS,
}
OFFICERS: dict[Route, Classes] = {
    ("GET", "/refusals"): EVERYBODY,
    ("GET", "/office"): OFFICE,
    ("GET", "/office/accountability"): OFFICE,
    ("GET", "/office/refusals"): OFFICE,
    ("GET", "/office/clocks"): OFFICE,
    ("GET", "/office/ledger"): OFFICE,
    ("POST", "/office/ledger"): OFFICE,
    ("GET", "/office/breach"): OFFICE,
    ("POST", "/office/breach"): OFFICE,
    ("GET", "/office/breach/{name}"): OFFICE,
    ("GET", "/office/breach/{name}/people.csv"): DECIDERS,
}

PAGES: dict[Route, Classes] = {**PUBLIC, **CITIZEN, **ANALYST, **STEWARD, **OFFICERS}
"""Method and pattern of every page's route → the classes of callers that may call it."""
UNASKED_PAGES = frozenset({("GET", "/static/{name:path}")})
