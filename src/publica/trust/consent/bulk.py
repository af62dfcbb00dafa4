"""Reading many choices from a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from publica.kernel.errors import BadInput, Place
from publica.trust.consent.model import CHOSEN, Action

HEADER = ["person_key", "action"]


def parse_choices(path: Path) -> list[tuple[str, Action]]:
    """The choices of a UTF-8 CSV file with the columns `person_key,action`, each person once.

    Raises BadInput, naming file and line, at the first thing that is wrong.
    """
    found: dict[str, Action] = {}
    actions = {str(action): action for action in CHOSEN}
    for line, row in _rows(path):
        if len(row) != len(HEADER):
            raise _wrong(path, line, f"{len(row)} fields where 2 were expected (person_key, action).")
        key, action = row[0], actions.get(row[1])
        if not key:
            raise _wrong(path, line, "The person_key is empty.", column=HEADER[0])
        if action is None:
            expected = ", ".join(actions)
            raise _wrong(path, line, f"{row[1]!r} is no choice; expected {expected}.", column=HEADER[1])
        if found.setdefault(key, action) is not action:
            raise _wrong(path, line, f"{key!r} has another choice on an earlier line.", do="Keep one.")
    return list(found.items())


LONGEST = 100_000
"""Characters of a field."""


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line numbers and fields, after the header; empty lines are passed over."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _records(path, csv.reader(file, strict=True))
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.", do="Check the path.") from None


def _records(path: Path, reader: Any) -> Iterator[tuple[int, list[str]]]:
    try:
        if next(reader, None) != HEADER:
            raise _wrong(path, 1, "The first line must be: person_key,action")
        for row in reader:
            if any(len(field) > LONGEST for field in row):
                raise _wrong(path, reader.line_num, f"A field is longer than {LONGEST:,} characters.")
            if row:
                yield reader.line_num, row
    except UnicodeDecodeError:
        raise _wrong(path, reader.line_num + 1, "The text is not UTF-8.", do="Save it as UTF-8.") from None
    except csv.Error as error:
        raise _wrong(path, reader.line_num, f"This is not CSV: {error}.") from None


def _wrong(path: Path, line: int, what: str, *, column: str | None = None, do: str = "") -> BadInput:
    return BadInput(
        what, do=do or "Correct the line; nothing was loaded.", place=Place(str(path), line, column)
    )
