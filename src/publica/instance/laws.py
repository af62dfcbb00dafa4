"""What `publica ledger verify` holds every table to: the laws of each area, in one place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from publica.data import laws as data
from publica.governance.capacity import listing as requests
from publica.governance.identity import laws as identity
from publica.governance.leadership import listing as proposals
from publica.kernel import records
from publica.kernel.keys import Keys
from publica.kernel.ledger.laws import Law, Problem
from publica.trust import transparency
from publica.trust.consent import audit, notices
from publica.trust.privacy.laws import laws as privacy_laws
from publica.trust.rights import listing as rights


@dataclass(frozen=True)
class Unaltered(Law):
    """An area's own audit: `altered` names what its ledger entries do not say."""

    altered: Callable[[Connection], Iterable[str]]

    def finish(self, connection: Connection, /) -> Iterator[Problem]:
        for what in self.altered(connection):
            yield Problem(None, what, "Restore the database from a backup of before the change.")


def laws(keys: Keys, data_folder: Path, kinds: tuple[records.Kind, ...]) -> tuple[Law, ...]:
    """Fresh laws for one verification."""
    return (
        Unaltered(records.altered),
        *data.laws(keys, data_folder),
        *identity.laws(keys),
        Unaltered(proposals.altered),
        Unaltered(requests.altered),
        Unaltered(lambda connection: audit.altered(connection, keys)),
        Unaltered(lambda connection: notices.altered(connection, records.book(connection, kinds))),
        *privacy_laws(),
        *transparency.laws(keys),
        Unaltered(lambda connection: rights.altered(connection, keys)),
    )
