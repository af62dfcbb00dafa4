"""Staging CSV: two ways of reading, and a measure that decides between them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import duckdb

from publica.data.ingest import encoding
from publica.data.ingest.header import HEAD_LIMIT, Header, read_header
from publica.data.ingest.reader import records
from publica.data.ingest.scan import Scan, Scanner
from publica.data.ingest.stage import Staged, fill, one
from publica.data.model import FileReport, TableSchema
from publica.data.sql import literal, pattern
from publica.kernel.errors import BadInput, Place

_REPLACEMENT = "\ufffd".encode()


def stage_csv(
    engine: duckdb.DuckDBPyConnection, path: Path, schema: TableSchema, work: Path, tick: encoding.Tick
) -> Staged:
    """Read a CSV file into `raw`. Plain text goes through the engine and is measured against an independent
    scan; anything else, and anything measured differently, goes through the reference reader."""
    found = encoding.detect(path, schema.csv.encoding, tick)
    body = work / "body.csv"
    header, scan, damaged = _write_body(path, found, schema, body, tick)
    rows = _read_plain(engine, body, header, scan) if scan.plain else None
    if rows is None:
        rows = _read_odd(engine, body, header, path.name)
    warnings = ["It holds a header and no row."] if rows == 0 else []
    if damaged:
        warnings.append(f"{damaged} characters had been replaced by U+FFFD before it came here.")
    if header.width > len(header.order):
        warnings.append(f"{header.width - len(header.order)} empty columns without a name were left out.")
    if schema.csv.date_format and "%y" in schema.csv.date_format:
        warnings.append("Years have two digits: 69 to 99 were read as 19.., 00 to 68 as 20..")
    report = FileReport(
        name=path.name,
        bytes=path.stat().st_size,
        format="csv",
        encoding=found.name,
        encoding_found=found.found,
        delimiter=header.delimiter,
        rows=rows,
        columns=header.width,
        rejected_bytes=0,
        warnings=tuple(warnings),
    )
    return Staged(report, lambda row: _csv_line(body, header, path.name, row))


def _write_body(
    path: Path, found: encoding.Encoding, schema: TableSchema, body: Path, tick: encoding.Tick
) -> tuple[Header, Scan, int]:
    """Write all after the header as UTF-8, scanning it on the way; also counts replacement characters."""
    chunks = encoding.utf8(path, found, tick)
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= HEAD_LIMIT:
            break
    header = read_header(head, schema, path.name)
    scanner = Scanner(header.delimiter, header.width)
    damaged = 0
    with body.open("wb") as file:
        for chunk in chain([head[header.length :]], chunks):
            file.write(chunk)
            scanner.feed(chunk)
            damaged += 0 if chunk.isascii() else chunk.count(_REPLACEMENT)
    return header, scanner.finish(), damaged


def _read_plain(engine: duckdb.DuckDBPyConnection, body: Path, header: Header, scan: Scan) -> int | None:
    """Rows read by the engine; None when it read anything but what the scan measured."""
    if header.width != len(header.order):
        return None
    fields = ", ".join(f"f{i}: 'VARCHAR'" for i in range(header.width))
    columns = ", ".join(f"coalesce(f{place}, '') AS c{i}" for i, place in enumerate(header.order))
    quote = "'\"'" if scan.quoted else "''"
    ends = "\\r\\n" if scan.line_end == b"\r\n" else "\\n"
    try:
        engine.execute(
            f"CREATE OR REPLACE TEMP TABLE raw AS SELECT {columns} FROM read_csv({literal(pattern(body))}, "
            f"auto_detect = false, header = false, columns = {{{fields}}}, "
            f"delim = {literal(header.delimiter)}, quote = {quote}, escape = {quote}, "
            f"new_line = '{ends}', encoding = 'utf-8', "
            "strict_mode = true, null_padding = false, ignore_errors = false)"
        )
    except duckdb.InvalidInputException:
        return None
    sizes = " + ".join(f"strlen(c{i})" for i in range(len(header.order)))
    rows, value_bytes = one(engine, f"SELECT count(*), coalesce(sum({sizes}), 0) FROM raw")
    return scan.records if (rows, value_bytes) == (scan.records, scan.value_bytes) else None


def _read_odd(engine: duckdb.DuckDBPyConnection, body: Path, header: Header, name: str) -> int:
    """Rows read by the reference reader. Raises BadInput at the first record of another width."""
    return fill(engine, len(header.order), _odd_rows(body, header, name))


def _odd_rows(body: Path, header: Header, name: str) -> Iterator[list[str | None]]:
    spare = set(range(header.width)) - set(header.order)
    for line, fields in records(body, header.delimiter, header.lines + 1, name):
        if not fields:
            continue
        if len(fields) != header.width:
            raise BadInput(
                f"This record has {len(fields)} values, the header {header.width}.",
                do="Correct the record: a delimiter or a quote is missing or too many, or the delimiter "
                "is another (csv: delimiter in the dataset's record).",
                place=Place(name, line),
            )
        if any(fields[place] for place in spare):
            raise BadInput(
                "There is a value in a column without a name.",
                do="Name the column in the header, or remove it.",
                place=Place(name, line, next(place for place in spare if fields[place]) + 1),
            )
        yield [fields[place] for place in header.order]


def _csv_line(body: Path, header: Header, name: str, row: int) -> int:
    lines = (line for line, fields in records(body, header.delimiter, header.lines + 1, name) if fields)
    return next(islice(lines, row, None))
