"""Which uses concerned one person. Reading only; `actions.uses_of` records that it was read.

The state database finds, sorts and counts them; only the rows that are asked for are read and told.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, func, select, union_all

from publica.kernel import backends, clock
from publica.kernel.keys import Keys
from publica.trust.transparency import index, store
from publica.trust.transparency.model import How, UseOfMe

_USES = store.uses.c
_LATEST_FIRST = (_USES.recorded_at.desc(), _USES.number.desc())


def find(
    connection: Connection, keys: Keys, position: int, *, limit: int | None = None, offset: int = 0
) -> list[UseOfMe]:
    """The uses whose touched or released set holds this person, newest first. Refusals touch nobody."""
    sets = _Sets(connection, keys, position)
    return _listed(sets, [_USES.number.in_(sets.uses())], limit, offset)


@dataclass(frozen=True)
class Only:
    """Which of a person's uses: None where anything will do."""

    organisation: str | None = None
    activity: str | None = None
    how: How | None = None
    but: str | None = None
    """An activity whose uses are left out."""


ANY = Only()
"""Every use."""


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
    only: Only = ANY,
) -> Page:
    """As `find`, of the uses between two instants (both included), the latest first; and their number.

    `only`: those that are so.
    """
    sets = _Sets(connection, keys, position)
    bounds = [_USES.number.in_(sets.uses()), *_bounds(only)]
    if since is not None:
        bounds.append(_USES.recorded_at >= clock.text(since))
    if until is not None:
        bounds.append(_USES.recorded_at <= clock.text(until))
    if only.how is not None:
        left = _USES.number.in_(sets.uses(_USES.released))
        bounds.append(left if only.how == "left" else ~left)
    total = connection.scalar(select(func.count()).select_from(store.uses).where(*bounds))
    return Page(total or 0, _listed(sets, bounds, limit, offset))


def concerned(connection: Connection, keys: Keys, position: int, ids: Sequence[str]) -> set[str]:
    """Which of these uses concerned this person."""
    uses = _Sets(connection, keys, position).uses()
    return set(connection.scalars(select(_USES.id).where(_USES.id.in_(ids), _USES.number.in_(uses))))


def last_of_each(connection: Connection, keys: Keys, position: int, but: str) -> dict[str, datetime]:
    """When each dataset was last used about this person, but for uses under one activity."""
    uses = _Sets(connection, keys, position).uses()
    query = (
        select(_USES.matter, func.max(_USES.recorded_at))
        .where(_USES.number.in_(uses), _USES.activity != but)
        .group_by(_USES.matter)
    )
    matters, found = _Matters(connection), dict[str, datetime]()
    for matter, at in connection.execute(query).all():
        for dataset in matters[matter].columns:
            found[dataset] = max(clock.parse(at), found.get(dataset, clock.parse(at)))
    return found


class _Sets:
    """The sets that a person is in: small ones by tags, which the database joins; large ones by number."""

    def __init__(self, connection: Connection, keys: Keys, position: int) -> None:
        self.connection = connection
        self._tagged = store.tags.c.tag.in_(index.tags_of(keys, position))
        self._large = frozenset(index.large_with(connection, keys, position))

    def uses(self, *columns: Column[int]) -> Select[Any]:
        """Numbers of the uses that refer to one of them, some twice. `columns`: only there."""
        found = []
        for column in columns or (_USES.touched, _USES.released):
            by_tag = select(_USES.number).join(store.tags, store.tags.c.in_set == column)
            large = backends.numbers(self.connection, self._large)
            found += [by_tag.where(self._tagged), select(_USES.number).where(column.in_(large))]
        return select(union_all(*found).subquery().c.number)

    def among(self, numbers: Sequence[int]) -> set[int]:
        """Those of these sets that hold the person."""
        wanted = backends.numbers(self.connection, numbers)
        query = select(store.tags.c.in_set).where(self._tagged, store.tags.c.in_set.in_(wanted))
        return {*self._large.intersection(numbers), *self.connection.scalars(query)}


def _bounds(only: Only) -> list[ColumnElement[bool]]:
    """Conditions on the row of a use; of those that did not leave, its form says which they are."""
    found = []
    if only.organisation is not None:
        found.append(_USES.organisation == only.organisation)
    if only.activity is not None:
        found.append(_USES.activity == only.activity)
    if only.but is not None:
        found.append(_USES.activity != only.but)
    if only.how in ("total", "looked through"):
        found.append((_USES.form == "total") if only.how == "total" else (_USES.form != "total"))
    return found


@dataclass(frozen=True)
class _Matter:
    """What many uses have in common."""

    purpose: str
    basis: str | None
    agreements: tuple[str, ...]
    datasets: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    protection: str | None


class _Matters(dict[bytes, _Matter]):
    """The matters of uses, each read once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __missing__(self, identity: bytes) -> _Matter:
        query = select(store.matters.c.body).where(store.matters.c.id == identity)
        held = json.loads(self._connection.execute(query).scalar_one())
        found = self[identity] = _Matter(
            held["purpose"],
            held["basis"],
            tuple(held["agreements"]),
            tuple(held["datasets"]),
            {dataset: tuple(names) for dataset, names in held["columns"].items()},
            held["protection"],
        )
        return found


def _listed(
    sets: _Sets, bounds: Sequence[ColumnElement[bool]], limit: int | None, offset: int
) -> list[UseOfMe]:
    """The uses within these bounds, the latest first."""
    names = ("id", "recorded_at", "organisation", "activity", "matter", "outcome", "form", "released_exact")
    columns = (_USES.released, *(_USES[name] for name in names))
    query = select(*columns).where(*bounds).order_by(*_LATEST_FIRST)
    rows = sets.connection.execute(query.limit(limit).offset(offset)).all()
    left = sets.among([row[0] for row in rows if row[0] is not None])
    matters = _Matters(sets.connection)
    return [_use(row, matters, left=row[0] in left) for row in rows]


def _use(row: Any, matters: _Matters, *, left: bool) -> UseOfMe:
    """From a row as `_listed` selects it; thousands of them must not be felt, hence positions, not names."""
    _, use, at, organisation, activity, identity, outcome, form, exact = row
    how: How = "left" if left else "total" if form == "total" else "looked through"
    held = matters[identity]
    return UseOfMe(
        use,
        clock.parse(at),
        organisation,
        activity,
        held.purpose,
        held.basis,
        held.agreements,
        held.datasets,
        held.columns,
        held.protection,
        outcome,
        how,
        exact,
    )
