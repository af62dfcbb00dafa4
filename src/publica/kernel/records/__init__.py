"""Records: one mechanism for every kind of governance document.

Their job: read YAML documents into typed specs, refuse what is wrong with file and line, write revisions
with their ledger entries, and give decisions one consistent book of what is in force or was at any time.
"""

from publica.kernel.records.actions import apply, apply_reading
from publica.kernel.records.files import as_yaml, export
from publica.kernel.records.history import altered, book, revisions
from publica.kernel.records.languages import said_in
from publica.kernel.records.model import (
    Book,
    Difference,
    FieldChange,
    Kind,
    Problem,
    Record,
    Ref,
    Reference,
    Spec,
)

__all__ = [
    "Book",
    "Difference",
    "FieldChange",
    "Kind",
    "Problem",
    "Record",
    "Ref",
    "Reference",
    "Spec",
    "altered",
    "apply",
    "apply_reading",
    "as_yaml",
    "book",
    "export",
    "revisions",
    "said_in",
]
