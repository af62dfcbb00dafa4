"""Activities (governance, operational: architecture): what data is used for.

Its job: hold each processing activity with its purpose, legal basis, datasets and protection. Every use of
data cites one.
"""

from publica.governance.activities.model import (
    BUILT_IN,
    OPEN_ACCESS,
    OWN_DATA,
    STEWARDSHIP,
    Activity,
    Assessment,
    Basis,
    BasisKind,
    DatasetUse,
    Outcome,
    Protection,
)
from publica.governance.activities.rules import check_activity
from publica.kernel.records import Kind

ACTIVITY = Kind("activity", Activity, check_activity)

__all__ = [
    "ACTIVITY",
    "BUILT_IN",
    "OPEN_ACCESS",
    "OWN_DATA",
    "STEWARDSHIP",
    "Activity",
    "Assessment",
    "Basis",
    "BasisKind",
    "DatasetUse",
    "Outcome",
    "Protection",
]
