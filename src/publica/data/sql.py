"""Ingest's own DuckDB, and how names, values and paths are written into its statements."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import duckdb

_CONFIG = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "preserve_insertion_order": "true",
}


def connect(scratch: Path, memory: str) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB that fetches nothing, works in UTC, and spills to `scratch` beyond `memory`."""
    settings = {**_CONFIG, "memory_limit": memory, "temp_directory": str(scratch)}
    connection = duckdb.connect(":memory:", config=settings)  # type: ignore[arg-type]
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET python_enable_replacements = false")
    return connection


def identifier(name: str) -> str:
    """A name as SQL text, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A text value as SQL text. DuckDB knows no escapes in plain strings but the doubled quote."""
    return "'" + value.replace("'", "''") + "'"


def literals(values: Iterable[str]) -> str:
    """A bracketed list of text values, for IN."""
    return "(" + ", ".join(literal(value) for value in values) + ")"


def pattern(path: Path) -> str:
    """A path for a function that takes glob patterns: it means that file and no other."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(path))
