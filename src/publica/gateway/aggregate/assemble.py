"""The relation of a family: the protected cells of its cores side by side, of its grouping sets below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from publica.gateway.aggregate.model import Core, group_name, margin_name, value_name
from publica.gateway.aggregate.protect import Cells

Key = tuple[tuple[int, ...], tuple[Any, ...]]
"""Which row of a relation: the grouping set (places of its groups), and the values of these."""


def assembled(protected: Sequence[tuple[Cells, pa.Table]]) -> dict[str, pa.Table]:
    """Each family's relation, by name. What is missing in one of its cores is NULL."""
    families: dict[str, list[tuple[Core, pa.Table]]] = {}
    for cells, table in protected:
        families.setdefault(cells.core.name, []).append((cells.core, table))
    return {name: _relation(parts) for name, parts in families.items()}


def _relation(parts: list[tuple[Core, pa.Table]]) -> pa.Table:
    if len(parts) == 1:  # its places and slots are those of the family
        return parts[0][1]
    names: dict[str, pa.DataType] = {}
    rows: dict[Key, dict[str, Any]] = {}
    for core, table in parts:
        groups = [(group_name(place), group_name(n)) for n, place in enumerate(core.places)]
        values = [
            (name(slot), name(n)) for n, slot in enumerate(core.slots) for name in (value_name, margin_name)
        ]
        for ours, theirs in (*groups, *values):
            names[ours] = table.schema.field(theirs).type
        for row in table.to_pylist():
            key = (core.places, tuple(row[theirs] for _, theirs in groups))
            rows.setdefault(key, {}).update({ours: row[theirs] for ours, theirs in (*groups, *values)})
    columns = {name: pa.array([row.get(name) for row in rows.values()], kind) for name, kind in names.items()}
    return pa.table(columns or {"__one": pa.array([1] * len(rows), pa.int8())})
