"""The slow reference: copies from which what may not be seen was deleted, in plain DuckDB on one thread."""

from __future__ import annotations

import hmac
import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import pyarrow as pa

from . import records
from .world import Rows, World, about, column_names, rows_of

SQL_TYPES = {"string": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "date": "DATE"}


class Oracle:
    """The copies of one activity in one world, as its choices stand."""

    def __init__(self, world: World, activity: str) -> None:
        self.connection = duckdb.connect(config={"threads": "1"})
        # With it, DuckDB 2.0.0 fails on sums it has guessed too small: nothing that a reference should do.
        self.connection.execute("SET disabled_optimizers = 'compressed_materialization'")
        for dataset in visible(activity):
            names, types, rows = copy_of(world, activity, dataset)
            columns = ", ".join(f'"{name}" {kind}' for name, kind in zip(names, types, strict=True))
            self.connection.execute(f"CREATE TABLE {dataset} ({columns})")
            if rows:
                given = pa.table([pa.array(v) for v in zip(*rows, strict=True)], names=names)
                self.connection.register("given", given)
                self.connection.execute(f"INSERT INTO {dataset} SELECT * FROM given")
                self.connection.unregister("given")

    def answer(self, sql: str, params: Mapping[str, Any] | None = None) -> Rows:
        """The statement as it was written. Raises duckdb.Error where it cannot be computed."""
        return rows_of(self.connection.sql(sql, params=dict(params or {}) or None).to_arrow_table())

    def close(self) -> None:
        self.connection.close()


def visible(activity: str) -> list[str]:
    """The datasets that an activity sees: what is shared, and what is open."""
    return [*records.TERMS[activity].shares, "municipalities"]


def transforms(activity: str, dataset: str) -> dict[str, str]:
    """What becomes of each column that is there at all."""
    share = records.TERMS[activity].shares.get(dataset)
    if share is None:
        return dict.fromkeys(column_names(dataset), "as is")
    found = {name: transform for name, transform in share.columns.items() if transform != "withheld"}
    if records.TERMS[activity].protection == "pseudonymous rows":
        for column in records.DATASETS[dataset]["columns"]:
            if column["role"] == "subject key" and column["name"] in found:
                found[column["name"]] = "pseudonym"
    return {name: found[name] for name in column_names(dataset) if name in found}


def kind_of(transform: str, declared: str) -> str:
    """The SQL type of a column after its transform."""
    changed = {"year": "BIGINT", "age band": "VARCHAR", "pseudonym": "UUID"}
    return changed.get(transform) or SQL_TYPES.get(declared, "DECIMAL(12,2)")


def copy_of(world: World, activity: str, dataset: str) -> tuple[list[str], list[str], Rows]:
    """Names, types and rows of the copy: only people who are in, only rows in scope, only shared columns."""
    shown = transforms(activity, dataset)
    declared = {column["name"]: column["type"] for column in records.DATASETS[dataset]["columns"]}
    change = {name: changer(world, activity, transform) for name, transform in shown.items()}
    place = {name: n for n, name in enumerate(column_names(dataset))}
    rows = [
        tuple(change[name](row[place[name]]) for name in shown)
        for row in let_through(world, activity, dataset)
    ]
    return list(shown), [kind_of(transform, declared[name]) for name, transform in shown.items()], rows


def let_through(world: World, activity: str, dataset: str) -> Rows:
    """The rows that are in scope and name only people who are in."""
    share = records.TERMS[activity].shares.get(dataset)
    scope = share.scope if share is not None else {}
    place = {name: n for n, name in enumerate(column_names(dataset))}
    allowed = world.allowed(activity)
    return [
        row
        for row in world.people.rows[dataset]
        if all(key in allowed for key in about(row, dataset))
        and all(row[place[c]] is not None and str(row[place[c]]) in values for c, values in scope.items())
    ]


def changer(world: World, activity: str, transform: str) -> Any:
    """A transform as a Python function; missing values stay missing."""
    kind, _, length = transform.rpartition(" ") if transform.startswith("region") else (transform, "", "0")
    today = date.today().year
    recipient = records.TERMS[activity].organisation
    secret = secret_of(world.instance.folder, recipient, activity)
    functions: dict[str, Callable[[Any], Any]] = {
        "as is": lambda value: value,
        "year": lambda value: value.year,
        "age band": lambda value: f"{(today - value.year) // 10 * 10}-{(today - value.year) // 10 * 10 + 9}",
        "region prefix": lambda value: value[: int(length)],
        "pseudonym": lambda value: pseudonym(secret, value),
    }
    function = functions[kind]
    return lambda value: None if value is None else function(value)


def secret_of(instance: Path, recipient: str, activity: str) -> bytes:
    """One secret per recipient and activity, from the instance's key file (RFC 2104)."""
    key = bytes.fromhex((instance / "keys" / "pseudonym.key").read_text())
    label = json.dumps([recipient, activity], separators=(",", ":"))
    return hmac.digest(key, label.encode(), "sha256")


def pseudonym(secret: bytes, key: str) -> str:
    return str(UUID(bytes=hmac.digest(secret, b"person\0" + key.encode(), "sha256")[:16]))


def same(left: Sequence[Any], right: Sequence[Any], *, ordered: bool) -> bool:
    """Equal as lists or as bags of rows; floats to 1e-9."""
    if len(left) != len(right):
        return False
    if not ordered:
        left, right = sorted(left, key=_rank), sorted(right, key=_rank)
    return all(close(one, other) for one, other in zip(left, right, strict=True))


def _rank(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Exact values first, so that two floats that differ by a rounding cannot change the order of others."""
    exact = tuple(repr(value) for value in row if not isinstance(value, float))
    shape = tuple(isinstance(value, float) for value in row)
    return shape, exact, tuple(value for value in row if isinstance(value, float))


def close(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        both_nan = math.isnan(left) and math.isnan(right)
        return both_nan or math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(left, (tuple, list)) and isinstance(right, (tuple, list)):
        return len(left) == len(right) and all(close(a, b) for a, b in zip(left, right, strict=True))
    return type(left) is type(right) and bool(left == right)
