"""The classes of callers, of which the tables of access are made."""

from __future__ import annotations

from publica.governance.identity import RoleName

ANONYMOUS, CITIZEN, SCOPED, OFFICIAL = "anonymous", "citizen", "scoped", "official"
"""Nobody known; a citizen; a token for certain activities, which carries no role here; an official without
any role."""
ROLES = tuple(str(role) for role in RoleName)
CLASSES = (ANONYMOUS, CITIZEN, SCOPED, OFFICIAL, *ROLES)
"""Every class of caller. An official has one for each role; a machine counts as the official it acts as."""

Classes = frozenset[str]
CDO, AUDITOR = str(RoleName.CHIEF_DATA_OFFICER), str(RoleName.AUDITOR)
STEWARD = str(RoleName.STEWARD)
EVERYBODY: Classes = frozenset(CLASSES)
KNOWN: Classes = EVERYBODY - {ANONYMOUS}
CITIZENS: Classes = frozenset({CITIZEN})
OFFICIALS: Classes = frozenset({OFFICIAL, *ROLES})
ASKERS: Classes = frozenset({CITIZEN, SCOPED, *ROLES}) - {AUDITOR}
"""Who may put a question to data at all; the door decides about each. The auditor reads nothing of data."""
REFUSED: Classes = ASKERS & OFFICIALS
"""Officials who may put a question to data: what they are refused, they may ask somebody for."""
PROPOSERS: Classes = frozenset({CDO, STEWARD})
DECIDERS: Classes = frozenset({CDO})
READERS: Classes = frozenset({CDO, STEWARD, AUDITOR})
STEWARDS: Classes = frozenset({CDO, STEWARD})
OFFICE: Classes = frozenset({CDO, AUDITOR})

Route = tuple[str, str]
"""Method and pattern."""
