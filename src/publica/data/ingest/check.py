"""The values of `raw` against the schema: each becomes its type exactly as written, or the load ends.

Nothing is rounded, trimmed or completed: `1.0` is no integer, ` 1` no number, 30 February no date.
"""

from __future__ import annotations

import re

import duckdb

from publica.data.ingest.stage import Staged
from publica.data.model import ColumnType, CsvOptions, TableColumn, TableSchema
from publica.data.sql import literal, literals
from publica.kernel.errors import BadInput, Place

KEY_BYTES = 256

_SPACES = "\u00a0\u202f"
"""The spaces that group digits where the comma is the decimal sign."""
_INTEGER = "[+-]?[0-9]+"
_DECIMAL = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)"
_NUMBER = _DECIMAL + "([eE][+-]?[0-9]+)?"
_COMMA = rf"[+-]?([0-9]+|[0-9]{{1,3}}([{_SPACES}][0-9]{{3}})+)(,[0-9]+)?([eE][+-]?[0-9]+)?"
_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIMESTAMP = (
    _DATE + r"([T ][0-2][0-9]:[0-9]{2}(:[0-5][0-9](\.[0-9]{1,6}0*)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?"
)
_TIME_PARTS = re.compile("%[-]?[HIMSfpTXcR]")

EXPECTED = {
    ColumnType.STRING: "text",
    ColumnType.INTEGER: "a whole number of at most 64 bits, digits only",
    ColumnType.DECIMAL: "a decimal number",
    ColumnType.NUMBER: "a finite number",
    ColumnType.BOOLEAN: "true, false, 1 or 0",
    ColumnType.DATE: "a date, YYYY-MM-DD",
    ColumnType.TIMESTAMP: "a time, YYYY-MM-DDTHH:MM:SS, with or without Z or an offset",
}


def make_typed(engine: duckdb.DuckDBPyConnection, schema: TableSchema) -> None:
    """Make the empty table `typed`, to which each checked file is added. Refuses an unusable date format."""
    if schema.csv.date_format:
        try:
            engine.execute(f"SELECT try_strptime('x', {literal(schema.csv.date_format)})")
        except duckdb.InvalidInputException:
            raise BadInput(
                f"{schema.csv.date_format!r} is not a date format.",
                do="Use strptime's letters, such as %d/%m/%Y, in the dataset's record.",
            ) from None
    columns = ", ".join(f"t{i} {column.sql_type}" for i, column in enumerate(schema.columns))
    engine.execute(f"CREATE OR REPLACE TEMP TABLE typed ({columns})")


def add_typed(engine: duckdb.DuckDBPyConnection, schema: TableSchema, staged: Staged) -> None:
    """Check `raw` and add it to `typed`, in file order. Raises BadInput at the first bad row."""
    options = schema.csv if staged.report.format == "csv" else CsvOptions(nulls=())
    places = range(len(schema.columns))
    source = f"(SELECT rowid AS r, {', '.join(_given(i, options) for i in places)} FROM raw)"
    values = [value(column, f"c{i}", options) for i, column in enumerate(schema.columns)]
    before = _counts(engine, "SELECT count(*) FROM typed")[0]
    engine.execute(f"INSERT INTO typed SELECT {', '.join(values)} FROM {source}")
    given = _counts(engine, f"SELECT {', '.join(f'count(c{i})' for i in places)} FROM {source}")
    kept = _counts(
        engine, f"SELECT {', '.join(f'count(t{i})' for i in places)} FROM typed WHERE rowid >= {before}"
    )
    rows = staged.report.rows
    wrong = [
        i
        for i, column in enumerate(schema.columns)
        if given[i] != kept[i] or (_required(column) and kept[i] != rows)
    ]
    if wrong:
        raise _first_bad(engine, schema, staged, options, source, {i: values[i] for i in wrong})


def value(column: TableColumn, text: str, options: CsvOptions) -> str:
    """SQL for the typed value of a text column; NULL when it may not be."""
    found = _typed(column, text, options)
    if column.codes:
        found = f"CASE WHEN {text} IN {literals(column.codes)} THEN {found} END"
    if column.subject_key:
        plain = (
            f"strlen({text}) BETWEEN 1 AND {KEY_BYTES} AND NOT regexp_matches({text}, '[\\x00-\\x1f\\x7f]')"
        )
        found = f"CASE WHEN {plain} THEN {found} END"
    return found


def _typed(column: TableColumn, text: str, options: CsvOptions) -> str:
    match column.type:
        case ColumnType.STRING:
            return text
        case ColumnType.BOOLEAN:
            low = f"lower({text})"
            return f"CASE WHEN {low} IN ('true', '1') THEN true WHEN {low} IN ('false', '0') THEN false END"
        case ColumnType.DATE | ColumnType.TIMESTAMP:
            return _instant(column.type, text, options.date_format)
        case ColumnType.INTEGER:
            number = _number(text, options)
            return f"CASE WHEN {_is(number, _INTEGER)} THEN TRY_CAST({number} AS BIGINT) END"
        case ColumnType.DECIMAL:
            number = _number(text, options)
            exact = f"strlen(rtrim(split_part({number}, '.', 2), '0')) <= {int(column.scale)}"
            cast = f"TRY_CAST({number} AS {column.sql_type})"
            return f"CASE WHEN {_is(number, _DECIMAL)} AND {exact} THEN {cast} END"
        case ColumnType.NUMBER:
            number = _number(text, options)
            cast = f"TRY_CAST({number} AS DOUBLE)"
            return f"CASE WHEN {_is(number, _NUMBER)} AND isfinite({cast}) THEN {cast} END"


def _number(text: str, options: CsvOptions) -> str:
    """SQL for a number's text with a decimal point and no grouping; NULL when it is not so written."""
    if options.decimal != "comma":
        return text
    plain = f"translate({text}, {literal(',' + _SPACES)}, '.')"
    return f"CASE WHEN {_is(text, _COMMA)} THEN {plain} END"


def _instant(kind: ColumnType, text: str, date_format: str | None) -> str:
    timed = bool(date_format and _TIME_PARTS.search(date_format))
    if date_format and timed == (kind is ColumnType.TIMESTAMP):
        parsed = f"try_strptime({text}, {literal(date_format)})"
        found = f"CASE WHEN {text} = trim({text}) THEN CAST({parsed} AS {kind.name}) END"
    elif kind is ColumnType.DATE:
        found = f"CASE WHEN {_is(text, _DATE)} THEN TRY_CAST({text} AS DATE) END"
    else:
        found = f"CASE WHEN {_is(text, _TIMESTAMP)} THEN timezone('UTC', TRY_CAST({text} AS TIMESTAMPTZ)) END"
    return f"CASE WHEN year({found}) BETWEEN 1 AND 9999 THEN {found} END"


def _is(text: str, shape: str) -> str:
    return f"regexp_full_match({text}, {literal(shape)})"


def _given(place: int, options: CsvOptions) -> str:
    if not options.nulls:
        return f"c{place}"
    return f"CASE WHEN c{place} IN {literals(options.nulls)} THEN NULL ELSE c{place} END AS c{place}"


def _required(column: TableColumn) -> bool:
    return column.required or column.subject_key


def _first_bad(
    engine: duckdb.DuckDBPyConnection,
    schema: TableSchema,
    staged: Staged,
    options: CsvOptions,
    source: str,
    values: dict[int, str],
) -> BadInput:
    """The first row with a value that may not be, and how many rows have one."""
    tests = []
    for i, typed in values.items():
        bad = f"(c{i} IS NOT NULL AND ({typed}) IS NULL)"
        tests.append(f"({bad} OR c{i} IS NULL)" if _required(schema.columns[i]) else bad)
    flags = ", ".join(f"{test} AS b{i}" for i, test in zip(values, tests, strict=True))
    shown = ", ".join(f"c{i}, b{i}" for i in values)
    bad_rows = f"FROM (SELECT *, {flags} FROM {source}) WHERE {' OR '.join(f'b{i}' for i in values)}"
    total = _counts(engine, f"SELECT count(*) {bad_rows}")[0]
    row, *pairs = engine.execute(f"SELECT r, {shown} {bad_rows} ORDER BY r LIMIT 1").fetchall()[0]
    place = next(i for n, i in enumerate(values) if pairs[2 * n + 1])
    found = pairs[2 * list(values).index(place)]
    column = schema.columns[place]
    others = f" {total} rows have such values." if total > 1 else ""
    return BadInput(
        f"{_found(found)}; expected {expected(column, found, options)}.{others}",
        do="Correct the value in the file, or the column in the dataset's record. Nothing was loaded.",
        place=Place(staged.report.name, staged.line_of(row), column.name),
    )


def _found(text: str | None) -> str:
    if text is None:
        return "There is no value"
    return f"Found {text!r}" if len(text) <= 60 else f"Found {text[:59]!r}…"


def expected(column: TableColumn, text: str | None, options: CsvOptions) -> str:
    """What a column wants, in words, seeing what it was given."""
    if text is None:
        return "a person's key" if column.subject_key else "one, since the column is required"
    if column.codes and text not in column.codes:
        shown = ", ".join(column.codes[:8]) + (", …" if len(column.codes) > 8 else "")
        return f"one of the codes {shown}"
    if column.subject_key and column.type is ColumnType.STRING:
        return f"a key of 1 to {KEY_BYTES} bytes without control characters"
    if column.type in (ColumnType.DATE, ColumnType.TIMESTAMP) and options.date_format:
        return f"{EXPECTED[column.type].split(',')[0]} (date_format of this dataset: {options.date_format})"
    if column.type is ColumnType.DECIMAL:
        after = f"{column.scale} of them after the decimal {options.decimal}"
        return f"a decimal number of at most {column.precision} digits, {after}"
    comma = (
        ", with a decimal comma" if options.decimal == "comma" and column.type is ColumnType.NUMBER else ""
    )
    return EXPECTED[column.type] + comma


def _counts(engine: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    row = engine.execute(query).fetchone()
    return tuple(row) if row is not None else ()
