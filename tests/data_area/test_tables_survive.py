"""Any table of texts that Python's csv module writes loads back equal, in every encoding and delimiter."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publica.data import TableSchema
from publica.data.ingest.delimited import stage_csv
from publica.data.ingest.reader import records
from publica.data.ingest.scan import Scanner
from publica.data.sql import connect
from publica.kernel.errors import BadInput

from .support import Instance, rows, schema
from .support import loaded as version_of

UNICODE = ("utf-8", "utf-8-sig", "utf-16-le", "utf-16-be")
WESTERN = ("iso-8859-1", "windows-1252")
MARKS = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}
ANY = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=8)
SPIKY = st.text(st.sampled_from('a",;|\t\n\r é€'), max_size=6)


def encodable(encoding: str) -> st.SearchStrategy[str]:
    def fits(text: str) -> bool:
        try:
            return text.encode(encoding).decode(encoding) == text
        except UnicodeError:
            return False

    return (ANY | SPIKY).filter(fits)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[list[str]], str, str, str, int]:
    encoding = draw(st.sampled_from(UNICODE + WESTERN))
    width = draw(st.integers(1, 4))
    cell = encodable(encoding)
    table = draw(st.lists(st.lists(cell, min_size=width, max_size=width), max_size=6))
    delimiter = draw(st.sampled_from(",;\t|"))
    ends = draw(st.sampled_from(("\n", "\r\n", "\r")))
    broken = any(end in value for row in table for value in row for end in "\r\n")
    quoting = csv.QUOTE_ALL if broken or draw(st.booleans()) else csv.QUOTE_MINIMAL  # as Python 3.13 does
    return table, encoding, delimiter, ends, quoting


def written(names: list[str], table: list[list[str]], delimiter: str, ends: str, quoting: int) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=ends, quoting=quoting)  # type: ignore[arg-type]
    writer.writerows([names, *table])
    return text.getvalue()


@pytest.fixture(scope="module")
def shared_instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    made = Instance(tmp_path_factory.mktemp("instance"))
    yield made
    made.db.close()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    return connect(tmp_path_factory.mktemp("spill"), "1GB")


@settings(max_examples=60)
@given(drawn=tables())
def test_what_was_written_is_loaded(
    shared_instance: Instance, drawn: tuple[list[list[str]], str, str, str, int]
) -> None:
    table, encoding, delimiter, ends, quoting = drawn
    names = [f"c{i}" for i in range(len(table[0]) if table else 2)]
    data = written(names, table, delimiter, ends, quoting).encode(encoding)
    path = shared_instance.text("t.csv", MARKS.get(encoding, b"") + data)
    western = encoding in WESTERN
    options = {"encoding": encoding if western else None, "delimiter": delimiter if len(names) == 1 else None}
    report = shared_instance.load(schema(",".join(names), nulls=(), **options), path, allow_empty=True)
    assert rows(version_of(report)) == table
    assert report.files[0].delimiter == delimiter
    assert report.files[0].rejected_bytes == 0


@settings(max_examples=200)
@given(text=st.text(st.sampled_from('ab",\n\r'), max_size=40))
def test_any_text_is_read_as_the_reference_reads_it_or_refused(
    shared_instance: Instance, engine: duckdb.DuckDBPyConnection, text: str
) -> None:
    """Whatever the quotes and line ends are like, the two ways of reading agree."""
    path = shared_instance.text("t.csv", "x,y\n" + text)
    try:
        found = list(records(path, ",", 1, "t.csv"))[1:]
        meant = [fields for _, fields in found if fields]
        refused = any(len(fields) != 2 for fields in meant)
    except BadInput:
        refused = True
    table: TableSchema = schema("x,y", nulls=())
    if refused:
        with pytest.raises(BadInput):
            stage_csv(engine, path, table, shared_instance.root, lambda _: None)
    else:
        staged = stage_csv(engine, path, table, shared_instance.root, lambda _: None)
        assert [list(row) for row in engine.execute("FROM raw").fetchall()] == meant
        assert staged.report.rows == len(meant)


@settings(max_examples=300)
@given(text=st.text(st.sampled_from('ab",\n\r'), max_size=40), cut=st.integers(1, 7))
def test_the_scan_measures_what_the_csv_module_reads(text: str, cut: int) -> None:
    scanner = Scanner(",", 2)
    data = text.encode()
    for start in range(0, len(data), cut):
        scanner.feed(data[start : start + cut])
    scan = scanner.finish()
    if scan.plain:
        read = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        assert all(len(fields) == 2 for fields in read)
        assert scan.records == len(read)
        assert scan.value_bytes == sum(len(value.encode()) for fields in read for value in fields)


def test_plain_text_is_plain() -> None:
    """The fast way is taken at all: quotes, line ends inside values, both line ends."""
    for text in (b'1,2\n"a ""b""\nc",""\n3,"x"', b'1,2\r\n"a\r\nb",c\r\n'):
        scanner = Scanner(",", 2)
        scanner.feed(text)
        assert scanner.finish().plain
