"""An independent measure of a CSV body: how many records, how wide, how many bytes of values.

It parses nothing into values. It holds for *plain* text only: every quote opens at the start of a field and
closes at its end, every record has the header's width, line ends are all alike, no line is blank. Whatever
is not plain goes to the reference reader, which says what is wrong or reads it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

PIECE_LIMIT = 1024 * 1024
"""Bytes of one record; longer ones are not plain."""


@dataclass(frozen=True)
class Scan:
    """What was measured; only `plain` means something when it is False."""

    plain: bool
    records: int
    value_bytes: int
    line_end: bytes
    quoted: bool


class Scanner:
    """Fed with the body in chunks; cuts them into pieces of whole records and measures each."""

    def __init__(self, delimiter: str, width: int) -> None:
        self._delimiter = delimiter.encode()
        self._width = width
        self._rest = b""
        self._plain = len(self._delimiter) == 1
        self._records = self._bytes = 0
        self._line_end = b""
        self._quoted = False
        before = rb"(?:(?<=[" + re.escape(self._delimiter) + rb"\n])|\A)"
        after = rb"(?=[" + re.escape(self._delimiter) + rb"\r\n]|\Z)"
        self._field = re.compile(before + rb'"[^"]*+(?:""[^"]*+)*+"' + after)

    def feed(self, chunk: bytes) -> None:
        """Measure the next chunk of the body."""
        if not self._plain:
            return
        text = self._rest + chunk
        end = _last_record_end(text)
        if len(text) - end > PIECE_LIMIT:
            self._plain = False
            self._rest = b""
            return
        self._rest = text[end:]
        if end:
            self._measure(text[:end])

    def finish(self) -> Scan:
        """The measure of the whole body; its last record may lack a line end."""
        if self._plain and self._rest:
            self._measure(self._rest + (self._line_end or b"\n"))
        return Scan(self._plain, self._records, self._bytes, self._line_end or b"\n", self._quoted)

    def _measure(self, text: bytes) -> None:
        """Add one piece of whole records; anything odd ends the scan."""
        bare, inside = self._without_quoted(text)
        end = b"\r\n" if b"\r" in bare else b"\n"
        self._line_end = self._line_end or end
        lines = bare.split(end)
        widths = {line.count(self._delimiter) for line in lines[:-1]}
        odd = (
            b'"' in bare
            or self._line_end != end
            or lines.pop() != b""
            or (end == b"\r\n" and not len(lines) == bare.count(b"\r") == bare.count(b"\n"))
            or widths != {self._width - 1}
            or b"" in lines
            or max(map(len, lines)) > PIECE_LIMIT
        )
        if odd:
            self._plain = False
            return
        self._records += len(lines)
        self._bytes += inside + len(bare) - len(lines) * (len(end) + self._width - 1)

    def _without_quoted(self, text: bytes) -> tuple[bytes, int]:
        """The piece with `q` for each well-formed quoted field, and the bytes of their values less `q`s."""
        if b'"' not in text:
            return text, 0
        self._quoted = True
        bare, fields = self._field.subn(b"q", text)
        quotes = text.count(b'"')
        doubled = quotes // 2 - fields  # pairs inside fields, each standing for one quote
        taken = len(text) - len(bare) + fields  # bytes of the quoted fields, quotes included
        return bare, taken - 2 * fields - doubled - fields


def _last_record_end(text: bytes) -> int:
    """Just after the last LF that no open quote encloses; 0 when there is none."""
    quotes, end = text.count(b'"'), len(text)
    while (at := text.rfind(b"\n", 0, end)) >= 0:
        quotes -= text.count(b'"', at, end)
        if quotes % 2 == 0:
            return at + 1
        end = at
    return 0
