"""Which uses concerned one person. Reading only; `actions.uses_of` records that it was read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, literal_column, select

from publica.kernel import clock
from publica.kernel.keys import Keys
from publica.trust.transparency import index, store
from publica.trust.transparency.model import How, UseOfMe

_AT_ONCE = 5000
"""Numbers per statement: well below what a database takes as the length of one."""


def find(
    connection: Connection, keys: Keys, position: int, *, limit: int | None = None, offset: int = 0
) -> list[UseOfMe]:
    """The uses whose touched or released set holds this person, newest first. Refusals touch nobody."""
    sets = index.sets_with(connection, keys, position)
    left = set(_numbers(connection, store.uses.c.released, sets))
    found = sorted(left.union(_numbers(connection, store.uses.c.touched, sets)), reverse=True)
    page = found[offset : None if limit is None else offset + limit]
    matters = _Matters(connection)
    uses = {row[0]: _use(row, matters, left=row[0] in left) for row in _rows(connection, page)}
    return [uses[number] for number in page]


@dataclass(frozen=True)
class Page:
    """Some of a person's uses, and how many there are altogether."""

    total: int
    uses: list[UseOfMe]


def page(
    connection: Connection,
    keys: Keys,
    position: int,
    *,
    limit: int,
    offset: int = 0,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Page:
    """As `find`, of the uses between two instants (both included), the latest first; and their number."""
    columns, among = store.uses.c, index.sets_with(connection, keys, position)
    bounds = []
    if since is not None:
        bounds.append(columns.recorded_at >= clock.text(since))
    if until is not None:
        bounds.append(columns.recorded_at <= clock.text(until))
    at: dict[int, str] = {}
    left: set[int] = set()
    for column in (columns.touched, columns.released):
        for some in _batches(among):
            query = select(columns.number, columns.recorded_at).where(column.in_(_literal(some)), *bounds)
            found = {row[0]: row[1] for row in connection.execute(query).all()}
            at |= found
            left |= found.keys() if column is columns.released else set()
    chosen = sorted(at, key=lambda number: (at[number], number), reverse=True)[offset : offset + limit]
    matters = _Matters(connection)
    uses = {row[0]: _use(row, matters, left=row[0] in left) for row in _rows(connection, chosen)}
    return Page(len(at), [uses[number] for number in chosen])


Names = tuple[str, ...]
Matter = tuple[str, str | None, Names, Names, Mapping[str, Names], str | None]
"""purpose, basis, agreements, datasets, columns, protection: in the order in which UseOfMe has them."""


class _Matters(dict[bytes, Matter]):
    """The matters of uses, each read once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __missing__(self, identity: bytes) -> Matter:
        query = select(store.matters.c.body).where(store.matters.c.id == identity)
        held = json.loads(self._connection.execute(query).scalar_one())
        columns = {dataset: tuple(names) for dataset, names in held["columns"].items()}
        agreements, datasets = tuple(held["agreements"]), tuple(held["datasets"])
        found = self[identity] = (
            held["purpose"],
            held["basis"],
            agreements,
            datasets,
            columns,
            held["protection"],
        )
        return found


def _numbers(connection: Connection, column: Column[int], sets: Sequence[int]) -> Iterator[int]:
    """Numbers of the uses that refer to one of these sets in this column."""
    for some in _batches(sets):
        query = select(store.uses.c.number).where(column.in_(_literal(some)))
        yield from (row[0] for row in connection.execute(query).all())


def _rows(connection: Connection, numbers: Sequence[int]) -> Iterator[Any]:
    names = ("number", "id", "recorded_at", "organisation", "activity", "matter")
    columns = [store.uses.c[name] for name in (*names, "outcome", "form", "released_exact")]
    for some in _batches(numbers):
        yield from connection.execute(select(*columns).where(store.uses.c.number.in_(_literal(some)))).all()


def _use(row: Any, matters: _Matters, *, left: bool) -> UseOfMe:
    """From a row as `_rows` selects it; thousands of them must not be felt, hence positions, not names."""
    _, use, at, organisation, activity, matter, outcome, form, exact = row
    how: How = "left" if left else "total" if form == "total" else "looked through"
    return UseOfMe(use, clock.parse(at), organisation, activity, *matters[matter], outcome, how, exact)


def _batches(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    return (numbers[at : at + _AT_ONCE] for at in range(0, len(numbers), _AT_ONCE))


def _literal(numbers: Iterable[int]) -> list[Any]:
    """Written into the statement: thousands of parameters cost more than the look-up."""
    return [literal_column(",".join(map(str, numbers)))]
