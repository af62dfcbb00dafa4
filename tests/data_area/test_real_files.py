"""Files from the wild and hostile ones: each is loaded exactly, or refused with one clear line."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from publica.data import ColumnType, TableColumn, TableSchema
from publica.kernel.errors import BadInput

from .support import FILES, Instance, schema, shared

INTEGER, NUMBER, DATE = ColumnType.INTEGER, ColumnType.NUMBER, ColumnType.DATE


def typed(**columns: ColumnType | str) -> list[TableColumn]:
    return [
        TableColumn(name, kind) if isinstance(kind, ColumnType) else TableColumn(name, title=kind)
        for name, kind in columns.items()
    ]


PEOPLE = typed(id=INTEGER, name=ColumnType.STRING, amount=NUMBER, date=DATE)
EMPTY_ROWS: list[list[Any]] = []

LOADED: dict[str, tuple[TableSchema, int, list[Any] | None]] = {
    # file: schema, rows, one of its rows (or None)
    "generated/blank_lines.csv": (schema("a,b"), 2, ["3", "4"]),
    "generated/caret.csv": (schema("a,b,c", delimiter="^"), 2, ["4", "5", "6"]),
    "generated/cr_only.csv": (schema(PEOPLE), 3, None),
    "generated/currency_percent.csv": (schema("id,price,share"), 2, ["2", "€3,40", "7 %"]),
    "generated/emoji_astral.csv": (schema("a"), 2, ["𝔘"]),
    "generated/homoglyph_header.csv": (schema("incоme,income"), 1, ["1", "2"]),
    "generated/html_script.csv": (schema("a,b"), 3, ["1", "<script>alert(1)</script>"]),
    "generated/mixed_eol.csv": (schema("a,b"), 3, ["5", "6"]),
    "generated/na_tokens.csv": (schema("v", nulls=("NA", "N/A", "-")), 11, [None]),
    "generated/nfc_nfd.csv": (schema("name"), 2, ["Jose\u0301"]),
    "generated/quoted_newlines.csv": (schema("a,b"), 2, ["1", "line 1\nline 2"]),
    "generated/reserved_names.csv": (
        schema("select,from,order,group,rowid,_id,__proto__,constructor"),
        1,
        list("12345678"),
    ),
    "generated/rtl_override.csv": (schema("a,b"), 1, ["1", "invoice\u202egpj.exe"]),
    "generated/sci_ids.csv": (schema("code"), 3, ["1E10"]),
    "generated/space_thousands.csv": (
        schema(typed(id=INTEGER, amount=NUMBER), decimal="comma"),
        2,
        [2, 12345.75],
    ),
    "generated/tab_in_csv.csv": (schema("a,b"), 1, ["1", "x\ty"]),
    "generated/trailing_delimiter.csv": (schema("a,b"), 2, ["3", "4"]),
    "generated/true_ids.csv": (schema("code"), 4, ["NO"]),
    "generated/utf16be_bom.csv": (schema(PEOPLE), 3, None),
    "generated/utf8_bom.csv": (schema(PEOPLE), 3, None),
    "generated/latin1.csv": (schema(PEOPLE), 3, None),
    "generated/two_digit_year.csv": (
        schema(typed(id=INTEGER, d=DATE), date_format="%d.%m.%y"),
        2,
        None,
    ),
    "generated/ambiguous_dates.csv": (schema("id,d"), 2, ["1", "03/04/2021"]),
    "generated/login_page.csv": (schema("please log in,to continue"), 0, None),
    "messytables/long.csv": (schema("foo"), 3999, ["foo"]),
    "messytables/simple.csv": (
        schema(typed(date=DATE, temperature=INTEGER, place=ColumnType.STRING)),
        6,
        None,
    ),
    "messytables/simple.ssv": (schema("date,temperature,place"), 6, ["2011-01-02", "-1", "Galway"]),
    "messytables/skip_initials.csv": (schema("field1,field2"), 2, ["hello", "    goodbye"]),
    "messytables/utf8bom.csv": (schema("kitten,win"), 0, None),
    "messytables/small.csv": (schema("a"), 0, None),
}

REFUSED: dict[str, tuple[TableSchema, str]] = {
    "generated/comment_lines.csv": (schema("a,b", skip_lines=1), "comment_lines.csv:4: This record has 1"),
    "generated/duplicate_headers.csv": (schema("a,b"), "more than once: 'a'"),
    "generated/gz_as.csv": (schema("a"), "compressed with gzip"),
    "generated/gzip_bomb_256MiB.csv.gz": (schema("a"), "compressed with gzip"),
    "generated/html_as.csv": (schema("a"), "HTML"),
    "generated/json_as.csv": (schema("a"), "looks like JSON"),
    "generated/lfs_pointer.csv": (schema("a"), "Git LFS pointer"),
    "generated/many_columns.csv": (schema("a"), "the limit is 2000"),
    "generated/only_bom.csv": (schema("a"), "no header"),
    "generated/pdf_as.csv": (schema("a"), "PDF"),
    "generated/ragged_long.csv": (schema("a,b,c"), "ragged_long.csv:3: This record has 4 values"),
    "generated/two_level_header.csv": (schema("region,men,women"), "two_level_header.csv:1: The header"),
    "generated/two_tables.csv": (schema("a,b"), "two_tables.csv:4: This record has 3 values"),
    "generated/unclosed_quote.csv": (schema("a,b"), "unclosed_quote.csv:2: A quote opens"),
    "generated/utf32.csv": (schema(PEOPLE), "UTF-32"),
    "generated/zip_bomb_256MiB.zip": (schema("a"), "ZIP archive"),
    "generated/zip_ok.zip": (schema(PEOPLE), "ZIP archive"),
    "generated/zip_symlink.zip": (schema("a"), "ZIP archive"),
    "generated/zip_traversal.zip": (schema("a"), "ZIP archive"),
    "generated/zip_truncated.zip": (schema("a"), "ZIP archive"),
    "generated/zip_two.zip": (schema("a"), "ZIP archive"),
    "messytables/badcolspan.html": (schema("a"), "HTML"),
    "messytables/rowcolspan.html": (schema("a"), "HTML"),
    "messytables/encrypted_no_password.xls": (schema("a"), "old Excel"),
    "messytables/simple.zip": (schema("a"), "ZIP archive"),
    "messytables/null.csv": (schema("id,a,b,c"), "null.csv:1: The header does not fit"),
    "messytables/complex.csv": (
        schema("date,another date,temperature,place"),
        "complex.csv:4: This record has 6 values",
    ),
}


def path_of(name: str) -> Path:
    return FILES / name if (FILES / name).exists() else shared(name)


@pytest.mark.parametrize("name", LOADED)
def test_loaded(instance: Instance, name: str) -> None:
    table, count, row = LOADED[name]
    found = instance.read(table, path_of(name))
    assert len(found) == count
    assert row is None or row in found


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_one_line(instance: Instance, name: str) -> None:
    table, said = REFUSED[name]
    with pytest.raises(BadInput) as caught:
        instance.load(table, path_of(name))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert instance.entries() == []


def test_every_file_has_its_place() -> None:
    here = {
        f"generated/{entry['file']}" for entry in json.loads((FILES / "generated/manifest.json").read_text())
    }
    here |= {f"messytables/{path.name}" for path in (FILES / "messytables").iterdir()}
    assert here == LOADED.keys() | REFUSED.keys()
    assert not LOADED.keys() & REFUSED.keys()


def test_names_of_people_survive_every_encoding(instance: Instance) -> None:
    encodings = {"utf8_bom": "utf-8", "utf16be_bom": "utf-16-be", "latin1": "iso-8859-1", "cr_only": "utf-8"}
    for name, encoding in encodings.items():
        report = instance.load(schema(PEOPLE), FILES / "generated" / f"{name}.csv")
        assert report.files[0].encoding == encoding
        assert report.version is not None
        assert "Bénédicte" in [row["name"] for row in _dicts(report.version.path)]


def _dicts(path: Path) -> list[dict[str, Any]]:
    return pq.read_table(path).to_pylist()


@dataclass(frozen=True)
class Wild:
    """A file of a public body: how it is written, and the line of its header (from 0)."""

    name: str
    encoding: str
    given: bool = False
    delimiter: str = ","
    skip: int = 0


WILD = (
    Wild("211.csv", "iso-8859-1", given=True),
    Wild("characters.csv", "big5", given=True),
    Wild("example.tsv", "utf-8", delimiter="\t"),
    Wild("excel_pasting.csv", "windows-1252", skip=3),
    Wild("mixedGLB.csv", "utf-8", skip=3),
    Wild("simple.psv", "utf-8", delimiter="|"),
    Wild("spanish_chars.csv", "iso-8859-1"),
    Wild("utf-16le_encoded.csv", "utf-16"),
)
"""Loaded, and equal to what Python's csv module reads."""

WILD_REFUSED = {
    "211.csv": (schema("a"), "neither UTF-8 nor Windows-1252"),
    "characters.csv": (schema("a"), "encodings are mixed"),
    "begrotingsanalyse-2011.csv": (schema("nr,cluster"), "begrotingsanalyse-2011.csv:1: The header"),
    "sparse_with_column_errors.csv": (
        schema("LP,Bezeichnung,Kapitel/Titel"),
        "sparse_with_column_errors.csv:312, column 4: There is a value in a column without a name",
    ),
    "weird_head_padding.csv": (schema("fach,1985", skip_lines=10), "weird_head_padding.csv:11: The header"),
}


@pytest.mark.parametrize("wild", WILD, ids=lambda wild: wild.name)
def test_wild_files_equal_the_csv_module(instance: Instance, wild: Wild) -> None:
    path = shared(f"messytables/{wild.name}")
    text = path.read_bytes().decode(wild.encoding).removeprefix("\ufeff")
    header, *meant = list(csv.reader(io.StringIO(text, newline=""), delimiter=wild.delimiter))[wild.skip :]
    columns = [TableColumn(f"c{i}", title=name) for i, name in enumerate(header)]
    given = wild.encoding if wild.given else None
    table = schema(columns, encoding=given, nulls=(), skip_lines=wild.skip)
    assert instance.read(table, path) == [row for row in meant if row]


@pytest.mark.parametrize("name", WILD_REFUSED)
def test_wild_files_refused_with_one_line(instance: Instance, name: str) -> None:
    table, said = WILD_REFUSED[name]
    with pytest.raises(BadInput) as caught:
        instance.load(table, shared(f"messytables/{name}"))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_whose_name_is_a_pattern(instance: Instance) -> None:
    instance.text("t.csv", "id,name\n9,wrong\n")
    assert instance.read(schema("id,name"), instance.text("[t]*.csv", "id,name\n1,right\n")) == [
        ["1", "right"]
    ]
