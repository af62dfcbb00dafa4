"""Where one can go from every page: one table; each caller sees the entries of their classes."""

from __future__ import annotations

from dataclasses import dataclass

from publica.governance.identity import RoleName
from publica.http.caller import Caller
from publica.web.words import mark

EVERYBODY, CITIZEN, OFFICIAL = "everybody", "citizen", "official"
ASKERS = frozenset(map(str, RoleName)) - {str(RoleName.AUDITOR)}
STEWARDS = frozenset({str(RoleName.STEWARD), str(RoleName.CHIEF_DATA_OFFICER)})
OFFICE = frozenset({str(RoleName.CHIEF_DATA_OFFICER), str(RoleName.AUDITOR)})


@dataclass(frozen=True)
class Entry:
    """A link of the navigation; `current` when the page shown is it, or lies below it."""

    place: str
    text: str
    current: bool


NAVIGATION: tuple[tuple[str, str, frozenset[str]], ...] = (
    ("/my-data", mark("My data"), frozenset({CITIZEN})),
    ("/my-uses", mark("Who used my data"), frozenset({CITIZEN})),
    ("/my-choices", mark("My choices"), frozenset({CITIZEN})),
    ("/my-corrections", mark("Something is wrong"), frozenset({CITIZEN})),
    ("/workbench", mark("Workbench"), ASKERS),
    ("/stewardship", mark("Stewardship"), STEWARDS),
    ("/office", mark("Data office"), OFFICE),
    ("/register", mark("Data uses"), frozenset({EVERYBODY})),
    ("/ledger", mark("Ledger"), frozenset({EVERYBODY})),
    ("/ledger/verify", mark("Check a proof"), frozenset({EVERYBODY})),
)
"""Place, text, and for whom; in the order in which they stand."""


def entries(caller: Caller, path: str) -> tuple[Entry, ...]:
    """The entries that somebody sees on a page."""
    classes = {EVERYBODY, caller.kind, *caller.roles}
    mine = [(place, text) for place, text, whom in NAVIGATION if classes & whom]
    within = [place for place, _ in mine if path == place or path.startswith(f"{place}/")]
    nearest = max(within, key=len, default=None)
    return tuple(Entry(place, text, place == nearest) for place, text in mine)
