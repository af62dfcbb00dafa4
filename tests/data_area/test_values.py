"""Each value becomes its type exactly as written, or the load ends with its place."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from publica.data import ColumnType, TableColumn
from publica.kernel.errors import BadInput

from .support import Instance, one, person, schema

T = ColumnType

GOOD: list[tuple[TableColumn, dict[str, Any], str, Any]] = [
    (one(T.INTEGER), {}, "-9223372036854775808", -(2**63)),
    (one(T.INTEGER), {}, "+007", 7),
    (one(T.STRING), {}, "007", "007"),
    (one(T.STRING), {}, " x ", " x "),
    (one(T.DECIMAL, precision=5, scale=2), {}, "123.4500", Decimal("123.45")),
    (one(T.DECIMAL), {"decimal": "comma"}, '"1\u00a0234,5"', Decimal("1234.50")),
    (one(T.NUMBER), {}, "1.5e3", 1500.0),
    (one(T.NUMBER), {"decimal": "comma"}, '"-0,5"', -0.5),
    (one(T.BOOLEAN), {}, "TRUE", True),
    (one(T.BOOLEAN), {}, "0", False),
    (one(T.DATE), {}, "0001-01-01", date(1, 1, 1)),
    (one(T.DATE), {}, "9999-12-31", date(9999, 12, 31)),
    (one(T.DATE), {}, "2024-02-29", date(2024, 2, 29)),
    (one(T.DATE), {"date_format": "%d/%m/%Y"}, "03/04/2021", date(2021, 4, 3)),
    (one(T.TIMESTAMP), {}, "2024-01-01T10:00:00+02:00", datetime(2024, 1, 1, 8)),
    (one(T.TIMESTAMP), {}, "2024-01-01 10:00", datetime(2024, 1, 1, 10)),
    (one(T.TIMESTAMP), {"date_format": "%d.%m.%Y %H:%M"}, "31.12.2023 23:59", datetime(2023, 12, 31, 23, 59)),
    (one(T.INTEGER), {"nulls": ("", "n/a")}, "n/a", None),
    (one(T.STRING, codes=("A", "B'")), {}, "B'", "B'"),
]

BAD: list[tuple[TableColumn, dict[str, Any], str, str]] = [
    (one(T.INTEGER), {}, "1.0", "Found '1.0'; expected a whole number"),
    (one(T.INTEGER), {}, "1e3", "expected a whole number"),
    (one(T.INTEGER), {}, "1_000", "expected a whole number"),
    (one(T.INTEGER), {}, "0x1f", "expected a whole number"),
    (one(T.INTEGER), {}, " 1", "Found ' 1'"),
    (one(T.INTEGER), {}, "٣", "expected a whole number"),
    (one(T.INTEGER), {}, "9223372036854775808", "at most 64 bits"),
    (one(T.DECIMAL, precision=5, scale=2), {}, "1.005", "2 of them after the decimal point"),
    (one(T.DECIMAL, precision=5, scale=2), {}, "1234.5", "at most 5 digits"),
    (one(T.DECIMAL), {"decimal": "comma"}, "1.234", "after the decimal comma"),
    (one(T.NUMBER), {"decimal": "comma"}, "1.5", "with a decimal comma"),
    (one(T.NUMBER), {}, "1e999", "a finite number"),
    (one(T.NUMBER), {}, "NaN", "a finite number"),
    (one(T.NUMBER), {}, "inf", "a finite number"),
    (one(T.NUMBER), {}, '"1,5"', "a finite number"),
    (one(T.BOOLEAN), {}, "yes", "true, false, 1 or 0"),
    (one(T.DATE), {}, "0000-01-01", "a date, YYYY-MM-DD"),
    (one(T.DATE), {"date_format": "%Y"}, "0000", "%Y"),
    (one(T.TIMESTAMP), {}, "0001-01-01T00:00:00+05:00", "a time"),
    (one(T.TIMESTAMP), {}, "9999-12-31T23:59:59-05:00", "a time"),
    (one(T.DATE), {}, "2024-02-30", "a date, YYYY-MM-DD"),
    (one(T.DATE), {}, "03/04/2021", "a date, YYYY-MM-DD"),
    (one(T.DATE), {"date_format": "%d/%m/%Y"}, "13/13/2021", "%d/%m/%Y"),
    (one(T.DATE), {"date_format": "%d/%m/%Y"}, "01/01/2021 ", "%d/%m/%Y"),
    (one(T.TIMESTAMP), {}, "2024-01-01T25:00:00", "a time"),
    (one(T.TIMESTAMP), {}, "2024-01-01T10:00:00.1234567", "a time"),
    (one(T.STRING, codes=("A", "B")), {}, "C", "one of the codes A, B"),
    (one(T.STRING, required=True), {}, '""', "There is no value"),
    (person("v"), {}, '""', "a person's key"),
    (person("v"), {}, '"a\tb"', "without control characters"),
    (person("v"), {}, "k" * 257, "1 to 256 bytes"),
]


@pytest.mark.parametrize(("column", "options", "text", "meant"), GOOD)
def test_good(instance: Instance, column: TableColumn, options: Any, text: str, meant: Any) -> None:
    assert instance.read(schema([column], **options), instance.text("t.csv", f"v\n{text}\n")) == [[meant]]


@pytest.mark.parametrize(("column", "options", "text", "said"), BAD)
def test_bad(instance: Instance, column: TableColumn, options: Any, text: str, said: str) -> None:
    fine = {T.STRING: "A", T.BOOLEAN: "1", T.INTEGER: "1", T.NUMBER: "1", T.DECIMAL: "1"}.get(
        column.type, '""'
    )
    with pytest.raises(BadInput) as caught:
        instance.load(schema([column], **options), instance.text("t.csv", f"v\n{fine}\n\n{text}\n"))
    assert said in str(caught.value)
    assert (caught.value.place and str(caught.value.place)) == "t.csv:4, column v"
    assert "\n" not in str(caught.value)
    assert instance.entries() == []
    assert not [name for name in instance.files() if name.startswith("versions")]


def test_the_line_is_the_one_in_the_original_file(instance: Instance) -> None:
    """After skipped lines, values with line ends, blank lines, in UTF-16; and bad rows are counted."""
    text = 'Table 1\r\n"a\r\nb",v\r\n"x\r\ny",1\r\n\r\n"é",2\r\nz,bad\r\nz,worse\r\n'
    path = instance.text("t.csv", text.encode("utf-16"))
    columns = [TableColumn("a", title="a\r\nb"), one(T.INTEGER)]
    with pytest.raises(BadInput, match=r"t\.csv:8, column v: Found 'bad'.* 2 rows have such values"):
        instance.load(schema(columns, skip_lines=1), path)


def test_an_unusable_date_format_is_refused(instance: Instance) -> None:
    path = instance.text("t.csv", "v\n2024-01-01\n")
    with pytest.raises(BadInput, match="not a date format"):
        instance.load(schema([one(T.DATE)], date_format="%Q"), path)


def test_json_lines(instance: Instance) -> None:
    columns = [one(T.INTEGER), TableColumn("s"), TableColumn("b", T.BOOLEAN)]
    text = '\ufeff{"v": 1, "s": "é\\n", "b": true}\n\n{"v": null, "s": ""}\n{"s": 1.10, "v": "2"}'
    assert instance.read(schema(columns), instance.text("t.jsonl", text)) == [
        [1, "é\n", True],
        [None, "", None],
        [2, "1.10", None],
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"v": 1.0}', "Found '1.0'"),
        ('{"v": 1', "not one JSON object"),
        ("[1]", "not a JSON object"),
        ('{"v": NaN}', "not one JSON object"),
        ('{"v": 1, "v": 2}', "not one JSON object"),
        ('{"w": 1}', "Not in the dataset: 'w'"),
        ('{"v": [1]}', "an array or an object"),
        ('{"v": "\\ud800"}', "half of a surrogate pair"),
        ('{"v": ' + "[" * 100_000, "not one JSON object"),
    ],
)
def test_bad_json_lines(instance: Instance, line: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        instance.load(schema([one(T.INTEGER)]), instance.text("t.jsonl", f'{{"v": 1}}\n\n{line}\n'))
    assert said in str(caught.value)
    assert str(caught.value).startswith("t.jsonl:3")


def parquet(path: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def test_parquet(instance: Instance) -> None:
    day = datetime(2024, 1, 1, 12, 30)
    path = parquet(instance.root / "t.parquet", V=[1, None], at=[day, day], s=["", "é"])
    columns = [one(T.INTEGER), TableColumn("s"), TableColumn("at", T.TIMESTAMP)]
    assert instance.read(schema(columns), path) == [[1, "", day], [None, "é", day]]


def test_bad_parquet(instance: Instance) -> None:
    table = schema([one(T.INTEGER)])
    root = instance.root
    cut = parquet(root / "cut.parquet", v=list(range(1000)))
    cut.write_bytes(cut.read_bytes()[:-100])
    for path, said in (
        (cut, "damaged"),
        (parquet(root / "f.parquet", v=[1.5]), r"f.parquet:1, column v: Found '1.5'"),
        (parquet(root / "w.parquet", w=[1]), "missing: 'v'; not in the dataset: 'w'"),
        (parquet(root / "n.parquet", v=[[1]]), "not one plain value: 'v'"),
        (instance.text("x.parquet", "v\n1\n"), "not a Parquet file"),
        (parquet(root / "p.csv", v=[1]), "This is a Parquet file"),
    ):
        with pytest.raises(BadInput, match=said):
            instance.load(table, path)
