"""An Arrow answer over HTTP, opened by pyarrow, pandas and Polars as it is: same types, same values."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from spine.office import Office

from publica.api.app import create_app
from publica.instance import credentials

from .served import Reply, Served, serving

ARROW = "application/vnd.apache.arrow.stream"
USES = "/api/v1/uses"

KINDS: dict[str, tuple[str, pa.DataType, list[Any]]] = {
    # name: an expression over the code of a municipality (m1, m2), its type in Arrow, its values
    "text": ("code", pa.string(), ["m1", "m2"]),
    "unicode": ("concat(code, ' é𝄞')", pa.string(), ["m1 é𝄞", "m2 é𝄞"]),
    "empty_text": ("repeat(code, 0)", pa.string(), ["", ""]),
    "flag": ("code = 'm1'", pa.bool_(), [True, False]),
    "tiny": ("CAST(length(code) AS TINYINT)", pa.int8(), [2, 2]),
    "small": ("CAST(length(code) AS SMALLINT)", pa.int16(), [2, 2]),
    "whole": ("CAST(length(code) AS INTEGER)", pa.int32(), [2, 2]),
    "large": ("9223372036854775807 - length(code)", pa.int64(), [2**63 - 3] * 2),
    "number": ("length(code) / 3", pa.float64(), [2 / 3, 2 / 3]),
    "infinite": ("CAST('-Infinity' AS DOUBLE)", pa.float64(), [float("-inf")] * 2),
    "money": ("CAST(1234567.89 AS DECIMAL(12, 2))", pa.decimal128(12, 2), [Decimal("1234567.89")] * 2),
    "exact": (
        "CAST('12345678901234567890123456789.123456789' AS DECIMAL(38, 9))",
        pa.decimal128(38, 9),
        [Decimal("12345678901234567890123456789.123456789")] * 2,
    ),
    "day": ("DATE '1970-01-01' + CAST(length(code) AS INTEGER)", pa.date32(), [date(1970, 1, 3)] * 2),
    "old_day": ("DATE '1600-02-29'", pa.date32(), [date(1600, 2, 29)] * 2),
    "instant": (
        "TIMESTAMP '2026-11-23 12:34:56.789012'",
        pa.timestamp("us"),
        [datetime(2026, 11, 23, 12, 34, 56, 789012)] * 2,
    ),
    "hour": ("TIME '12:34:56.789012'", pa.time64("us"), [time(12, 34, 56, 789012)] * 2),
    "missing": ("nullif(code, 'm1')", pa.string(), [None, "m2"]),
    "missing_number": ("CASE WHEN code = 'm2' THEN 2 END", pa.int32(), [None, 2]),
    "missing_money": (
        "CASE WHEN code = 'm2' THEN CAST(0.10 AS DECIMAL(4, 2)) END",
        pa.decimal128(4, 2),
        [None, Decimal("0.10")],
    ),
    "missing_day": (
        "CASE WHEN code = 'm2' THEN DATE '2000-02-29' END",
        pa.date32(),
        [None, date(2000, 2, 29)],
    ),
    "missing_flag": ("nullif(code = 'm1', true)", pa.bool_(), [None, False]),
    "nothing": ("nullif(code, code)", pa.string(), [None, None]),
    "several": ("[code, NULL, 'x']", pa.list_(pa.string()), [["m1", None, "x"], ["m2", None, "x"]]),
    "nested": ("[[1, 2], [NULL], NULL]", pa.list_(pa.list_(pa.int32())), [[[1, 2], [None], None]] * 2),
    "rows": ("count(*) OVER ()", pa.int64(), [2, 2]),
    "huge": ("sum(length(code)) OVER ()", pa.decimal128(38, 0), [Decimal(4)] * 2),
    "unsigned": ("CAST(18446744073709551615 AS UBIGINT)", pa.uint64(), [2**64 - 1] * 2),
    "short_number": ("CAST(0.5 AS REAL)", pa.float32(), [0.5, 0.5]),
}


@pytest.fixture(scope="module")
def office(tmp_path_factory) -> Iterator[Office]:
    made = Office(tmp_path_factory.mktemp("answers"))
    yield made
    made.instance.close()


@pytest.fixture(scope="module")
def served(office) -> Iterator[Served]:
    actor = credentials.Actor("operator", "operator", "tester")
    _, token = credentials.create(office.instance, "ana", "tests", actor)
    with serving(create_app(office.instance), Authorization=f"Bearer {token}", Accept=ARROW) as found:
        yield found


def ask(served: Served, sql: str, activity: str = "care", **headers: str) -> Reply:
    body = json.dumps({"sql": sql, "activity": activity}).encode()
    found = served.ask("POST", USES, body, Content_Type="application/json", **headers)
    assert found.status == 200, found.body
    return found


def table(reply: Reply) -> pa.Table:
    assert reply.headers["content-type"] == ARROW
    with pa.ipc.open_stream(reply.body) as reader:
        return reader.read_all()


def kinds_statement(where: str = "") -> str:
    columns = ", ".join(f"{expression} AS {name}" for name, (expression, _, _) in KINDS.items())
    return f"SELECT {columns} FROM municipalities {where} ORDER BY code"


@pytest.fixture(scope="module")
def every_kind(served) -> Reply:
    return ask(served, kinds_statement(), "open-access")


def test_pyarrow_reads_every_type(every_kind):
    found = table(every_kind)
    assert {f.name: f.type for f in found.schema} == {name: kind for name, (_, kind, _) in KINDS.items()}
    assert found.to_pydict() == {name: values for name, (_, _, values) in KINDS.items()}
    found.validate(full=True)


def test_pandas_reads_every_type(every_kind):
    frame = table(every_kind).to_pandas(types_mapper=pd.ArrowDtype)
    for name, (_, kind, values) in KINDS.items():
        assert frame[name].dtype == pd.ArrowDtype(kind)
        got = [None if _is_null(value) else value for value in frame[name].tolist()]
        assert [_plain(value) for value in got] == values, name
    plain = table(every_kind).to_pandas()
    assert list(plain.columns) == list(KINDS)
    assert plain["money"].tolist() == [Decimal("1234567.89")] * 2
    assert plain["instant"].dtype.kind == "M"


def test_polars_reads_every_type(every_kind):
    frame = pl.read_ipc_stream(io.BytesIO(every_kind.body), use_pyarrow=False)
    assert frame.columns == list(KINDS)
    for name, (_, _, values) in KINDS.items():
        assert frame[name].to_list() == values, name
    assert frame.schema["money"] == pl.Decimal(12, 2)
    assert frame.schema["instant"] == pl.Datetime("us")
    assert frame.schema["old_day"] == pl.Date
    assert frame.schema["several"] == pl.List(pl.String)
    assert frame.equals(pl.from_arrow(table(every_kind)))


def _is_null(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT


def _plain(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    return list(value) if hasattr(value, "tolist") and not isinstance(value, str) else value


def test_an_empty_answer_keeps_its_types(served):
    reply = ask(served, kinds_statement("WHERE code = 'nowhere'"), "open-access")
    found = table(reply)
    assert found.num_rows == 0
    assert {f.name: f.type for f in found.schema} == {name: kind for name, (_, kind, _) in KINDS.items()}
    assert list(found.to_pandas().columns) == list(KINDS)
    frame = pl.read_ipc_stream(io.BytesIO(reply.body))
    assert (frame.height, frame.columns) == (0, list(KINDS))
    assert frame.schema["exact"] == pl.Decimal(38, 9)


def test_rows_about_people_and_totals(served, office):
    """Those that went through masks, pseudonyms and output protection, with their receipts."""
    reply = ask(served, "SELECT person_id, sex, birth_date, municipality FROM population ORDER BY sex")
    assert reply.headers["publica-receipt"].startswith("use_")
    found = table(reply)
    assert found.num_rows == 3
    frame = pl.read_ipc_stream(io.BytesIO(reply.body))
    assert frame.to_dicts() == found.to_pylist() == table(reply).to_pandas().to_dict("records")


def test_totals_say_how_they_are_protected(tmp_path):
    """In the schema's metadata, which every reader hands on or leaves alone."""
    from aggregate.office import OPERATOR
    from aggregate.office import Office as Statistics

    office = Statistics(tmp_path)
    rows = [(f"r{n % 2}", n) for n in range(200)]
    office.table("people", {"region": ("dimension", "string"), "income": ("measure", "integer")}, rows)
    _, token = credentials.create(office.instance, "stella", "tests", OPERATOR)
    sql = "SELECT region, count(*) AS n, avg(income) AS mean FROM people GROUP BY region ORDER BY region"
    with serving(create_app(office.instance), Authorization=f"Bearer {token}", Accept=ARROW) as served:
        reply = ask(served, sql, "people")
    office.instance.close()
    found = table(reply)
    told = json.loads(found.schema.metadata[b"publica"])
    assert told["receipt"] == reply.headers["publica-receipt"]
    assert told["protection"]["k"] == 10
    assert [set(margins) for margins in told["uncertainty"]] == [{"n", "mean"}] * 2
    frame = pl.read_ipc_stream(io.BytesIO(reply.body))
    assert frame["region"].to_list() == ["r0", "r1"]
    assert all(80 < n < 120 for n in frame["n"])
    assert frame.to_dicts() == found.to_pylist() == found.to_pandas().to_dict("records")


def test_intervals_are_for_those_who_know_them(served):
    """Polars has no months and days in one: docs/api.md says how to ask instead."""
    sql = "SELECT {} AS x FROM municipalities WHERE code = 'm1'"
    span = table(ask(served, sql.format("INTERVAL '36 hours'"), "open-access"))
    assert span["x"].to_pylist() == [pa.MonthDayNano([0, 0, 36 * 3600 * 10**9])]
    seconds = ask(served, sql.format("epoch(INTERVAL '36 hours')"), "open-access")
    assert pl.read_ipc_stream(io.BytesIO(seconds.body))["x"].to_list() == [129_600.0]


def test_many_rows_in_many_batches(served):
    """Longer than one batch of the stream, and than what is sent whole."""
    sql = (
        "SELECT n, n % 3 AS third, CASE n % 7 WHEN 0 THEN NULL ELSE concat('x', n % 11) END AS word, "
        "DATE '2000-01-01' + CAST(n % 9999 AS INTEGER) AS day FROM range(0, 10000) AS a(n) CROSS JOIN "
        "(SELECT unnest(range(0, 40)) AS m FROM municipalities WHERE code = 'm1') AS b ORDER BY n, m"
    )
    reply = ask(served, sql, "open-access")
    with pa.ipc.open_stream(reply.body) as reader:
        batches = [batch.num_rows for batch in reader]
    assert sum(batches) == 400_000
    assert len(batches) > 1
    found, frame = table(reply), pl.read_ipc_stream(io.BytesIO(reply.body))
    assert frame.height == found.num_rows == 400_000
    assert frame["n"].sum() == pa.compute.sum(found["n"]).as_py() == 40 * sum(range(10_000))
    assert (
        frame["word"].null_count() == found["word"].null_count == int(found.to_pandas()["word"].isna().sum())
    )
    assert frame.equals(pl.from_arrow(found))


def test_polars_scans_what_was_saved(served, tmp_path):
    file = tmp_path / "answer.arrows"
    file.write_bytes(ask(served, "SELECT code, name FROM municipalities ORDER BY code", "open-access").body)
    assert pl.read_ipc_stream(file).rows() == [("m1", "Aaby"), ("m2", "Beck")]
    with pa.memory_map(str(file)) as source, pa.ipc.open_stream(source) as reader:
        assert reader.read_pandas().to_dict("list") == {"code": ["m1", "m2"], "name": ["Aaby", "Beck"]}


def test_the_same_answer_in_every_form(served):
    sql = (
        "SELECT code, length(code) AS n, CAST(0.5 AS DECIMAL(3, 1)) AS half FROM municipalities ORDER BY code"
    )
    arrow = pl.from_arrow(table(ask(served, sql, "open-access")))
    parquet = ask(served, sql, "open-access", Accept="application/vnd.apache.parquet")
    assert pl.read_parquet(io.BytesIO(parquet.body)).equals(arrow)
    assert pd.read_parquet(io.BytesIO(parquet.body)).to_dict("list") == arrow.to_dict(as_series=False)
    csv = ask(served, sql, "open-access", Accept="text/csv")
    assert pl.read_csv(io.BytesIO(csv.body)).rows() == [("m1", 2, 0.5), ("m2", 2, 0.5)]
    said = json.loads(ask(served, sql, "open-access", Accept="application/json").body)
    assert said["rows"] == [{"code": "m1", "n": 2, "half": "0.5"}, {"code": "m2", "n": 2, "half": "0.5"}]


def test_instants_of_what_was_loaded_stay_instants(served):
    """`timestamp` columns have no zone: they must not be moved by whoever reads them elsewhere."""
    sql = "SELECT TIMESTAMP '2026-03-29 02:30:00' AS at FROM municipalities WHERE code = 'm1'"
    reply = ask(served, sql, "open-access")
    assert table(reply).to_pylist() == [{"at": datetime(2026, 3, 29, 2, 30)}]
    assert pl.read_ipc_stream(io.BytesIO(reply.body))["at"].to_list() == [datetime(2026, 3, 29, 2, 30)]
    at = table(reply).to_pandas()["at"][0].tz_localize(UTC)
    assert at == datetime(2026, 3, 29, 2, 30, tzinfo=UTC)
