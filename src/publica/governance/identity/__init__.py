"""Identity (governance): who exists. Organisations, their officials, and the roles that officials hold.

Its job: answer which roles somebody holds on a day, for which organisation they act, and what they show to be
let in: tokens, sessions.
"""

from publica.governance.identity import store
from publica.governance.identity.model import (
    Official,
    Organisation,
    OrganisationType,
    RoleAssignment,
    RoleName,
)
from publica.governance.identity.rules import (
    check_official,
    check_role,
    in_service,
    official,
    roles_at_home,
    roles_of,
    worked_for,
)
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
    "in_service",
    "official",
    "roles_at_home",
    "roles_of",
    "store",
    "worked_for",
]
