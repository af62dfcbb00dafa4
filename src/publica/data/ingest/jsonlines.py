"""Staging JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from publica.data.ingest import encoding
from publica.data.ingest.header import shorten
from publica.data.ingest.reader import RECORD_LIMIT
from publica.data.ingest.stage import Staged, fill
from publica.data.model import FileReport, TableSchema
from publica.kernel.errors import BadInput, Place


def stage_jsonl(
    engine: duckdb.DuckDBPyConnection, path: Path, schema: TableSchema, tick: encoding.Tick
) -> Staged:
    """Read JSON lines: one object per line, keyed by column; a missing key is a missing value."""
    lines: list[int] = []
    rows = fill(engine, len(schema.columns), _objects(path, schema, lines, tick))
    report = FileReport(
        name=path.name,
        bytes=path.stat().st_size,
        format="jsonl",
        encoding="utf-8",
        encoding_found="the format's",
        delimiter=None,
        rows=rows,
        columns=len(schema.columns),
        rejected_bytes=0,
    )
    return Staged(report, lambda row: row + 1 + sum(1 for blank in lines if blank <= row + 1))


def _objects(
    path: Path, schema: TableSchema, blank: list[int], tick: encoding.Tick
) -> Iterator[list[str | None]]:
    """The rows of a file of JSON lines. `blank` receives, for each blank line, the row it stands before."""
    names = [column.name for column in schema.columns]
    known = set(names)
    row = 0
    for line, text in enumerate(_json_lines(path, tick), 1):
        if not text.strip():
            blank.append(row + 1)
            continue
        place = Place(path.name, line)
        try:
            found = json.loads(
                text,
                parse_int=str,
                parse_float=str,
                parse_constant=_no_constant,
                object_pairs_hook=_no_duplicates,
            )
        except (ValueError, RecursionError):
            raise BadInput(
                "This line is not one JSON object.", do="Write one object per line.", place=place
            ) from None
        if not isinstance(found, dict):
            raise BadInput("This line is not a JSON object.", do="Write one object per line.", place=place)
        if extra := found.keys() - known:
            raise BadInput(
                f"Not in the dataset: {shorten(sorted(extra))}.", do="Correct the keys.", place=place
            )
        yield [_json_text(found.get(name), name, place) for name in names]
        row += 1


def _json_lines(path: Path, tick: encoding.Tick) -> Iterator[str]:
    chosen = encoding.detect(path, "utf-8", tick)
    rest = b""
    for chunk in encoding.utf8(path, chosen, tick):
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > RECORD_LIMIT:
            raise BadInput(
                f"A line is longer than {RECORD_LIMIT} bytes.", do="Split it.", place=Place(path.name)
            )
        for line in whole:
            yield line.decode()
    if rest:
        yield rest.decode()


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


def _json_text(value: Any, name: str, place: Place) -> str | None:
    """A JSON value as text, numbers as written. Raises BadInput for arrays, objects, lone surrogates."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.isascii():
        return value
    try:
        if isinstance(value, str) and value.encode():
            return value
    except UnicodeEncodeError:
        what = "This text is not valid Unicode (half of a surrogate pair)."
    else:
        what = "This is an array or an object; a column holds one value."
    raise BadInput(what, do="Correct the value.", place=Place(place.file, place.line, name))
