"""The header of a CSV file: it must name the columns of the schema, and so tells the delimiter."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from publica.data.ingest.reader import wrong_record
from publica.data.model import TableColumn, TableSchema
from publica.kernel.errors import BadInput, Place

DELIMITERS = (",", ";", "\t", "|")
COLUMN_LIMIT = 2000
HEAD_LIMIT = 4 * 1024 * 1024
"""Bytes within which the header must end."""


@dataclass(frozen=True)
class Header:
    """`order[i]` is the place of the schema's column i in the file; `width` the number of the file's columns.

    Columns at the end without a name are counted in `width` and in nobody's order; they must stay empty.
    `length` is where the body begins (bytes of UTF-8), `lines` how many physical lines stand before it.
    """

    delimiter: str
    order: tuple[int, ...]
    width: int
    length: int
    lines: int


def read_header(head: bytes, schema: TableSchema, name: str) -> Header:
    """The header at the start of a text. Raises BadInput naming the columns that are wrong."""
    lines = _lines(head)
    skipped = schema.csv.skip_lines
    while skipped < len(lines) and not lines[skipped].strip("\r\n"):
        skipped += 1
    if skipped >= len(lines):
        raise BadInput("The file holds no header.", do="Load the file as published.", place=Place(name))
    place = Place(name, skipped + 1)
    tried: list[tuple[int, str, list[str]]] = []
    given = schema.csv.delimiter
    if given is not None and (len(given) != 1 or given in '"\r\n'):
        raise BadInput(f"{given!r} cannot be a delimiter.", do="Use one character, such as ; or a tab.")
    for delimiter in (given,) if given else DELIMITERS:
        try:
            fields, used = _first_record(lines[skipped:], delimiter)
        except csv.Error as error:
            if given:
                raise wrong_record(error, place) from None
            continue
        order, problems = match(fields, schema.columns)
        if not problems:
            count = skipped + used
            length = len("".join(lines[:count]).encode())
            return Header(delimiter, order, len(fields), length, count)
        tried.append((sum(found >= 0 for found in order), delimiter, problems))
    raise _no_header(tried, lines[skipped], place)


def match(fields: Sequence[str], columns: Sequence[TableColumn]) -> tuple[tuple[int, ...], list[str]]:
    """Where each of the columns is among the header's fields (-1: nowhere), and what is wrong."""
    names = [field.strip() for field in fields]
    while names and not names[-1]:
        names.pop()
    known = _known(columns)
    places = [known.get(name, known.get(name.casefold(), -1)) for name in names]
    order = tuple(places.index(i) if i in places else -1 for i in range(len(columns)))
    missing = [column.name for column, found in zip(columns, order, strict=True) if found < 0]
    extra = [name or "(no name)" for name, place in zip(names, places, strict=True) if place < 0]
    twice = [columns[place].name for place in sorted({p for p in places if p >= 0 and places.count(p) > 1})]
    problems = []
    if len(fields) > COLUMN_LIMIT:
        problems.append(f"{len(fields)} columns; the limit is {COLUMN_LIMIT}")
    problems += [
        f"{what} {shorten(which)}"
        for what, which in (("missing:", missing), ("not in the dataset:", extra), ("more than once:", twice))
        if which
    ]
    return order, problems


def _known(columns: Sequence[TableColumn]) -> dict[str, int]:
    """Headings by which columns go: name and title, exactly; and in any case where that names one only."""
    loose: dict[str, int] = {}
    exact: dict[str, int] = {}
    for place, column in enumerate(columns):
        for heading in filter(None, (column.title, column.name)):
            exact[heading.strip()] = place
            folded = heading.strip().casefold()
            loose[folded] = place if loose.get(folded, place) == place else -1
    for place, column in enumerate(columns):
        exact[column.name] = place
    return {**loose, **exact}


def _first_record(lines: list[str], delimiter: str) -> tuple[list[str], int]:
    """The first record's fields, and how many physical lines it takes."""
    reader = csv.reader(iter(lines), delimiter=delimiter, doublequote=True, strict=True)
    fields = next(reader)
    return fields, reader.line_num


def _lines(head: bytes) -> list[str]:
    return list(io.StringIO(head.decode("utf-8", "ignore"), newline=""))


def _no_header(tried: list[tuple[int, str, list[str]]], line: str, place: Place) -> BadInput:
    if line.lstrip().startswith(("{", "[")):
        return BadInput(
            "This looks like JSON, not CSV.",
            do="JSON lines are read from files whose names end in .jsonl.",
            place=place,
        )
    if not tried:
        return BadInput("The header's quotes are not closed.", do="Correct the header.", place=place)
    _, _, problems = max(tried, key=lambda attempt: attempt[0])
    return BadInput(
        f"The header does not fit the dataset: {'; '.join(problems)}.",
        do="Correct the header, or the dataset's record: its columns (name, title), delimiter or skip_lines.",
        place=place,
    )


def shorten(names: Iterable[str], most: int = 8) -> str:
    """Names for a message: the first few, each of bounded length, on one line."""
    shown = [repr(name if len(name) <= 40 else name[:39] + "…") for name in names]
    return ", ".join(shown[:most]) + (f" and {len(shown) - most} more" if len(shown) > most else "")
