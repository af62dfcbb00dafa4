"""Laws that hold over the entries in their order, beyond each being unaltered; `verify` walks them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, exists, select
from sqlalchemy.exc import SQLAlchemyError

from publica.kernel.errors import PublicaError
from publica.kernel.ledger.store import entries

SHOWN = 10
"""How many broken links of one table are named one by one."""


DAMAGE = (
    PublicaError,
    SQLAlchemyError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What reading a falsified value can raise: of another type, damaged, out of range, or gone."""


SLACK = timedelta(minutes=1)
"""So far back an entry's time may go: writers of several processes commit beside each other."""


def far_before(at: str, last: str) -> bool:
    """Whether `at` is more than `SLACK` before `last`; also when they are no times."""
    if at >= last:
        return False
    try:
        return datetime.fromisoformat(last) - datetime.fromisoformat(at) > SLACK
    except (ValueError, TypeError):
        return True


@dataclass(frozen=True)
class Problem:
    """What is wrong in the ledger, at which position (None: at none), and what to do."""

    position: int | None
    what: str
    do: str


@dataclass(frozen=True)
class Seen:
    """An entry as `verify` comes by it; `position` is None before it is sequenced, `leaf` its hash."""

    position: int | None
    kind: str
    body: Mapping[str, Any]
    leaf: bytes


class Law:
    """Sees every entry once, in ledger order (those not yet sequenced come last), then the database."""

    def entry(self, _seen: Seen, /) -> Iterable[Problem]:
        """Problems of one entry, after those before it."""
        return ()

    def finish(self, _connection: Connection, /) -> Iterable[Problem]:
        """Problems that only show at the end, e.g. rows without an entry."""
        return ()


class ChoiceLaw(Law):
    """Choices count up by one for each activity, and a receipt names exactly the choices made before it.

    An older state would mean that a withdrawal was passed over; a newer one, that an entry was moved or lost.
    """

    def __init__(self) -> None:
        self._counters: dict[str, int] = {}

    def entry(self, seen: Seen, /) -> Iterable[Problem]:
        if seen.kind == "choice":
            return self._choice(seen.position, seen.body)
        return self._receipt(seen.position, seen.body) if seen.kind == "receipt" else ()

    def _choice(self, position: int | None, body: Mapping[str, Any]) -> Iterator[Problem]:
        activity, counter = body.get("activity"), body.get("counter")
        if not isinstance(activity, str) or not isinstance(counter, int):
            yield broken(position, "The choice does not say its activity and counter.")
            return
        expected = self._counters.get(activity, 0) + 1
        if counter != expected:
            yield broken(
                position, f"The choice about {activity} is number {counter} of its activity, not {expected}."
            )
        self._counters[activity] = counter

    def _receipt(self, position: int | None, body: Mapping[str, Any]) -> Iterator[Problem]:
        states = body.get("choice_state", {})
        if not isinstance(states, dict):
            yield broken(position, "The receipt's choice state is malformed.")
            return
        for activity, stated in states.items():
            made = self._counters.get(activity, 0)
            if stated != made:
                yield broken(
                    position,
                    f"The receipt was decided on choice {stated} about {activity}, "
                    f"but {made} had been made before it.",
                )


@dataclass(frozen=True)
class Linked(Law):
    """Each row of `table` refers (column `entry`) to an entry of these kinds; with `each`, also back."""

    table: Table
    kinds: Collection[str]
    each: bool = True

    def finish(self, connection: Connection, /) -> Iterator[Problem]:
        link, ours = self.table.c.entry, entries.c.kind.in_(list(self.kinds))
        lost = select(link).where(~exists().where(entries.c.leaf == link, ours)).limit(SHOWN)
        for (leaf,) in connection.execute(lost):
            named = leaf.hex() if isinstance(leaf, bytes) else leaf
            yield broken(None, f"A row of {self.table.name} has no ledger entry ({named}).")
        if self.each:
            bare = select(entries.c.position).where(ours, ~exists().where(link == entries.c.leaf))
            for (position,) in connection.execute(bare.limit(SHOWN)):
                yield broken(position, f"The entry has lost its row in {self.table.name}.")


def broken(position: int | None, what: str) -> Problem:
    """A problem that only a backup cures."""
    return Problem(position, what, "Restore the database from a backup of before the change.")


def told(what: str, problems: Iterable[Problem]) -> Iterator[Problem]:
    """The problems; and that `what` is damaged, when looking for them fails of what was found."""
    try:
        yield from problems
    except DAMAGE as error:
        yield broken(None, f"{what} cannot be checked to the end: it is damaged ({type(error).__name__}).")
