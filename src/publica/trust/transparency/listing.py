"""Which uses concerned one person. Reading only; `actions.uses_of` records that it was read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Column, Connection, bindparam, select

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
    rows = {row.number: row for row in _rows(connection, page)}
    matters: dict[bytes, dict[str, Any]] = {}
    return [_use(connection, rows[number], matters, left=number in left) for number in page]


def _numbers(connection: Connection, column: Column[int], sets: Sequence[int]) -> Iterator[int]:
    """Numbers of the uses that refer to one of these sets in this column."""
    for some in _batches(sets):
        query = select(store.uses.c.number).where(column.in_(_literal(some)))
        yield from connection.scalars(query)


def _rows(connection: Connection, numbers: Sequence[int]) -> Iterator[Any]:
    columns = store.uses.c
    query = select(
        columns.number,
        columns.id,
        columns.recorded_at,
        columns.organisation,
        columns.activity,
        columns.matter,
        columns.outcome,
        columns.form,
        columns.released_exact,
    )
    for some in _batches(numbers):
        yield from connection.execute(query.where(columns.number.in_(_literal(some))))


def _use(connection: Connection, row: Any, matters: dict[bytes, dict[str, Any]], *, left: bool) -> UseOfMe:
    matter = matters.get(row.matter)
    if matter is None:
        matter = matters[row.matter] = _matter(connection, row.matter)
    how: How = "left" if left else "total" if row.form == "total" else "looked through"
    return UseOfMe(
        use=row.id,
        at=clock.parse(row.recorded_at),
        organisation=row.organisation,
        activity=row.activity,
        outcome=row.outcome,
        how=how,
        exact=row.released_exact,
        **matter,
    )


def _matter(connection: Connection, identity: bytes) -> dict[str, Any]:
    body = connection.execute(select(store.matters.c.body).where(store.matters.c.id == identity)).scalar_one()
    held = json.loads(body)
    held["agreements"], held["datasets"] = tuple(held["agreements"]), tuple(held["datasets"])
    held["columns"] = {dataset: tuple(columns) for dataset, columns in held["columns"].items()}
    return dict(held)


def _batches(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    return (numbers[at : at + _AT_ONCE] for at in range(0, len(numbers), _AT_ONCE))


def _literal(numbers: Iterable[int]) -> Any:
    """Written into the statement: thousands of parameters cost more than the look-up."""
    return bindparam("numbers", list(numbers), expanding=True, literal_execute=True)
