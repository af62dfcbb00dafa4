"""Published checkpoints: what the outside was told of the ledger, and that this instance still stands by it.

A state database that an old backup replaced would revive choices that people withdrew. It is known by being
behind a checkpoint that was published, or by contradicting one; then the instance does not open.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from publica.instance.settings import KEYS, LedgerSettings
from publica.kernel import keys
from publica.kernel.database import Database
from publica.kernel.errors import BadInput, IntegrityBroken, Unavailable
from publica.kernel.files import PUBLIC, write_whole
from publica.kernel.ledger.checkpoint import root_at
from publica.kernel.ledger.note import Checkpoint, Verifier, open_checkpoint, parse_checkpoint
from publica.kernel.ledger.store import state

FOLDER, LATEST, PUBLIC_KEY = "checkpoints", "latest", "ledger.pub"


@dataclass(frozen=True)
class Published:
    """The places of one instance to which checkpoints are published."""

    folder: Path
    settings: LedgerSettings

    @property
    def places(self) -> tuple[Path, ...]:
        return (self.folder / FOLDER / LATEST, *(self.folder / place for place in self.settings.published))

    def publish(self, note: str) -> None:
        """Write a checkpoint to every place, never over one of a larger tree.

        Raises Unavailable when a place cannot be written.
        """
        size = parse_checkpoint(note.rpartition("\n\n")[0] + "\n").size
        for place in self.places:
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                with _alone(place):
                    held = self._read(place)
                    if held is None or held.size <= size:
                        write_whole(place, note.encode(), PUBLIC)
            except OSError as error:
                raise Unavailable(
                    f"The checkpoint was signed, but could not be published to {place}.",
                    do="Make the place writable, then publish again: publica ledger checkpoint",
                ) from error

    def check(self, database: Database) -> None:
        """Raises IntegrityBroken unless the state database holds all that was published."""
        found = self.ahead(database)
        if found is not None:
            place, checkpoint, size = found
            raise IntegrityBroken(
                f"The state database does not hold the {checkpoint.size} entries of the checkpoint published "
                f"in {place}; it has {size}, or others. An old backup would revive choices that people "
                "withdrew, so nothing is opened.",
                do="Restore the newest backup. If the rest is lost: publica ledger recover --accept-loss",
            )

    def ahead(self, database: Database) -> tuple[Path, Checkpoint, int] | None:
        """The largest published checkpoint that the state does not hold, where it is, and the state's size.

        Files are read before the database, which is always ahead of them.
        """
        held = [(place, checkpoint) for place in self.places if (checkpoint := self._read(place))]
        if not held:
            return None
        with database.read() as connection:
            size = connection.execute(select(state.c.size)).scalar() or 0
            for place, checkpoint in sorted(held, key=lambda pair: -pair[1].size):
                if checkpoint.size > size or root_at(connection, checkpoint.size) != checkpoint.root:
                    return place, checkpoint, size
        return None

    def _read(self, place: Path) -> Checkpoint | None:
        """The checkpoint in a place; None where none was published yet."""
        try:
            note = place.read_text("utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise Unavailable(
                f"The published checkpoint in {place} cannot be read.", do="Make the place readable."
            ) from error
        for verifier in self._verifiers():
            try:
                return open_checkpoint(note, verifier)
            except IntegrityBroken:
                continue
        raise IntegrityBroken(
            f"{place} is not a checkpoint that this ledger signed.",
            do="If the ledger's key was replaced on another server, copy keys/ and ledger.pub here. Else put "
            "back what was published there, or take the file away if it is of another ledger.",
        )

    def _verifiers(self) -> list[Verifier]:
        try:
            present = (self.folder / PUBLIC_KEY).read_text("ascii")
            return [Verifier.parse(text) for text in (present, *keys.retired(self.folder / KEYS))]
        except (OSError, UnicodeDecodeError, BadInput) as error:
            raise Unavailable(
                f"The ledger's public key, {self.folder / PUBLIC_KEY}, is missing or damaged.",
                do="Put it back: the office publishes it, and every backup holds it.",
            ) from error


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """One writer at a time, in all processes of this machine."""
    with (place.parent / f".{place.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
