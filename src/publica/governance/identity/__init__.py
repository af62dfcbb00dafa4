"""Identity (governance): who exists. Organisations, their officials, and the roles that officials hold.

Its job: answer which roles somebody holds on a day, and for which organisation they act.
"""

from publica.governance.identity.model import (
    Official,
    Organisation,
    OrganisationType,
    RoleAssignment,
    RoleName,
)
from publica.governance.identity.rules import check_official, check_role, official, roles_of, worked_for
from publica.governance.identity.store import answers, attempts, events, sessions, tokens
from publica.kernel.records import Kind

ORGANISATION = Kind("organisation", Organisation)
OFFICIAL = Kind("official", Official, check_official)
ROLE = Kind("role", RoleAssignment, check_role)

__all__ = [
    "OFFICIAL",
    "ORGANISATION",
    "ROLE",
    "Official",
    "Organisation",
    "OrganisationType",
    "RoleAssignment",
    "RoleName",
    "answers",
    "attempts",
    "events",
    "official",
    "roles_of",
    "sessions",
    "tokens",
    "worked_for",
]
