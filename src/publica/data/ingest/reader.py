"""The reference reader of CSV: exact and strict, with the line of each record. Slow; used for what is odd.

The grammar: a record ends with LF, CR LF or CR; a field may be quoted, and a quote in it is doubled; after
a closing quote comes a delimiter or the end of the record. A quote inside an unquoted field is a character.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from publica.kernel.errors import BadInput, Place

RECORD_LIMIT = 16 * 1024 * 1024
"""Characters of a line, and of a field."""

_WRONG = {
    "unexpected end of data": "A quote opens in this record and is never closed.",
    "field larger than field limit": "A value of this record is too long: is a quote left open?",
    "expected after": "After a closing quote comes neither a delimiter nor the end of the record.",
}


def records(path: Path, delimiter: str, first_line: int, name: str) -> Iterator[tuple[int, list[str]]]:
    """(line, fields) of each record of a UTF-8 file; blank lines are records without fields.

    `first_line` is the number of the file's first line, `name` what to call the file. Raises BadInput.
    """
    csv.field_size_limit(RECORD_LIMIT)
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(
            _lines(file, first_line, name), delimiter=delimiter, doublequote=True, strict=True
        )
        line = first_line
        while True:
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise wrong_record(error, Place(name, line)) from None
            yield line, fields
            line = first_line + reader.line_num


def wrong_record(error: csv.Error, place: Place) -> BadInput:
    """What the csv module found wrong, in our words."""
    what = next((text for said, text in _WRONG.items() if said in str(error)), "This record is not CSV.")
    return BadInput(what, do="Correct the quotes of this record.", place=place)


def _lines(file: TextIO, first: int, name: str) -> Iterator[str]:
    """Physical lines, none of them longer than the limit."""
    number = first
    while line := file.readline(RECORD_LIMIT):
        if len(line) == RECORD_LIMIT:
            raise BadInput(
                f"This line is longer than {RECORD_LIMIT} characters.",
                do="See that the file is a table with one record per line.",
                place=Place(name, number),
            )
        number += 1
        yield line
