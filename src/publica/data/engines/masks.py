"""Masks: one stored boolean column each, made once and then changed only where somebody's choice changed.

A row is let through when it is in scope, names at least one person (what cannot be accounted for does not
leave), and every person it names is allowed. The column and the counter it stands at change in one engine
transaction, so a snapshot never sees one without the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import duckdb
from pyroaring import BitMap

from publica.data.engines.bits import pack, positions_of
from publica.data.engines.model import MaskUpdate, Scope
from publica.data.engines.working import STATE, Mask, Table, quoted
from publica.kernel.errors import IntegrityBroken

FEW, MANY = 100, 50_000
"""Up to FEW positions are written into the statement; above MANY the whole column is compared."""

NOBODY = BitMap()

_Cursor = duckdb.DuckDBPyConnection


def mask_name(table: Table, key: str, scope: tuple[Scope, ...]) -> str:
    """The column of a mask: the same for the same version, key and scope, and for nothing else."""
    parts = repr((table.version.id, key, tuple((part.column, part.values) for part in scope)))
    return f"__mask_{hashlib.sha256(parts.encode()).hexdigest()[:20]}"


def bring(
    cursor: _Cursor, table: Table, name: str, mask: Mask | None, scope: tuple[Scope, ...], update: MaskUpdate
) -> Mask:
    """Make a mask, or bring it to the counter of `update`; returns what it is then."""
    if mask is None:
        return _build(cursor, table, name, scope, update)
    return _refresh(cursor, table, name, mask, scope, update)


def _build(cursor: _Cursor, table: Table, name: str, scope: tuple[Scope, ...], update: MaskUpdate) -> Mask:
    """Make the column of a mask. Rewriting it once more leaves it compact: a quarter of the memory."""
    target, column = quoted(table.name), quoted(name)
    cursor.execute(f"ALTER TABLE {target} ADD COLUMN {column} BOOLEAN")
    rule, params = _rule(cursor, table, scope, update.allowed)
    cursor.execute(f"UPDATE {target} SET {column} = {rule}", params)
    cursor.execute(f"ALTER TABLE {target} ALTER {column} SET DATA TYPE BOOLEAN USING {column}")
    cursor.execute(f"INSERT INTO {STATE} VALUES (?, ?)", [name, update.counter])
    return Mask(update.counter, BitMap(update.allowed))


def _refresh(
    cursor: _Cursor, table: Table, name: str, mask: Mask, scope: tuple[Scope, ...], update: MaskUpdate
) -> Mask:
    if update.counter < mask.counter:
        raise IntegrityBroken("A choice counter went back.", do="Restore the newest backup of the state.")
    people = BitMap(update.allowed) if update.everything else (mask.people | update.allowed) - update.refused
    if update.everything or len(update.allowed) + len(update.refused) > MANY:
        target, column = quoted(table.name), quoted(name)
        rule, params = _rule(cursor, table, scope, people)
        cursor.execute(
            f"UPDATE {target} SET {column} = {rule} WHERE {column} IS DISTINCT FROM {rule}", params
        )
    elif table.subjects:
        _refuse(cursor, table, name, update.refused)
        _allow(cursor, table, name, scope, update.allowed, people)
    cursor.execute(f"UPDATE {STATE} SET counter = ? WHERE mask = ?", [update.counter, name])
    return Mask(update.counter, people)


def _refuse(cursor: _Cursor, table: Table, name: str, refused: BitMap) -> None:
    if refused:
        where, params = _touching(table, refused)
        cursor.execute(f"UPDATE {quoted(table.name)} SET {quoted(name)} = FALSE WHERE {where}", params)


def _allow(
    cursor: _Cursor, table: Table, name: str, scope: tuple[Scope, ...], allowed: BitMap, people: BitMap
) -> None:
    """Let rows of the newly allowed through, where all others that they name are allowed too."""
    if not allowed:
        return
    where, params = _touching(table, allowed)
    rule, scope_params = _scope(scope)
    if len(table.subjects) > 1:
        named = (
            f"SELECT DISTINCT unnest([{', '.join(table.subjects)}]) FROM {quoted(table.name)} WHERE {where}"
        )
        near = BitMap(row[0] for row in cursor.execute(named, params).fetchall() if row[0] is not None)
        everyone, near_params = _among("near", near & people)
        params = {**params, **near_params}
        rule += "".join(f" AND coalesce({subject} IN {everyone}, TRUE)" for subject in table.subjects)
    cursor.execute(
        f"UPDATE {quoted(table.name)} SET {quoted(name)} = {rule} WHERE {where}", {**params, **scope_params}
    )


def _touching(table: Table, people: BitMap) -> tuple[str, dict[str, Any]]:
    """The condition that a row names one of `people`."""
    among, params = _among("people", people)
    return " OR ".join(f"{subject} IN {among}" for subject in table.subjects), params


def _among(parameter: str, people: BitMap) -> tuple[str, dict[str, Any]]:
    if len(people) <= FEW:
        return f"({', '.join(str(position) for position in people) or 'NULL'})", {}
    return f"(SELECT unnest(${parameter}::UINTEGER[]))", {parameter: list(people)}


def _rule(
    cursor: _Cursor, table: Table, scope: tuple[Scope, ...], allowed: BitMap
) -> tuple[str, Mapping[str, Any]]:
    """The rule of a mask over every row: all named are among the allowed, somebody is, and it is in scope."""
    rule, params = _scope(scope)
    if not table.subjects:
        return rule, params
    params["allowed"] = pack(cursor, positions_of(allowed), max(table.version.subjects, _end(allowed)))
    bit = "coalesce(get_bit($allowed::BLOB::BIT, {}::INTEGER) = 1, TRUE)"
    everyone = " AND ".join(bit.format(subject) for subject in table.subjects)
    return f"{everyone} AND coalesce({', '.join(table.subjects)}) IS NOT NULL AND {rule}", params


def _end(people: BitMap) -> int:
    return int(people.max()) + 1 if people else 0


def _scope(scope: Iterable[Scope]) -> tuple[str, dict[str, Any]]:
    """The condition that a row is in scope, and its parameters."""
    conditions, params = ["TRUE"], {}
    for number, part in enumerate(scope):
        column = f"CAST({quoted(part.column)} AS VARCHAR)"
        conditions.append(f"coalesce(list_contains($scope{number}::VARCHAR[], {column}), FALSE)")
        params[f"scope{number}"] = list(part.values)
    return f"({' AND '.join(conditions)})", params
