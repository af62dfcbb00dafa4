"""Snapshots: one consistent view, streamed, limited in time and memory, with errors that say nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pytest
from pyroaring import BitMap

from publica.data.engines import EngineLimits
from publica.data.engines.duckdb import Engine
from publica.kernel.errors import BadInput, IntegrityBroken, PublicaError, TimedOut, Unavailable

from .world import Choices, people, publish, rows

ENDLESS = "SELECT sum(a.range * b.range) FROM range(3000000) a, range(3000000) b"


def test_parameters_are_bound_by_name(engine: Engine) -> None:
    found = rows(engine, "SELECT $b || $a AS t, $n + 1 AS n", a="x", b="'; DROP TABLE y", n=1, unused=5)
    assert found == [{"t": "'; DROP TABLE yx", "n": 2}]


def test_a_missing_parameter_is_bad_input(engine: Engine) -> None:
    with pytest.raises(BadInput):
        rows(engine, "SELECT $a")


def test_an_empty_result_still_has_its_columns(engine: Engine) -> None:
    with engine.snapshot(5) as snapshot:
        [batch] = snapshot.batches("SELECT 1 AS a, 'x' AS b WHERE false", {})
    assert batch.num_rows == 0
    assert batch.schema.names == ["a", "b"]


@pytest.mark.parametrize(
    "sql",
    ["SELECT 1; SELECT 2", "", "CREATE TABLE x (a INT)", "DROP TABLE __mask_state", "SET threads = 1",
     "COPY (SELECT 1) TO 'x'", "ATTACH 'x' AS y", "PRAGMA database_list", "EXPLAIN SELECT 1", "CALL range(3)",
     "UPDATE __mask_state SET counter = 0", "INSTALL httpfs", "SELECT 1; DROP TABLE __mask_state"],
)  # fmt: skip
def test_only_one_query_is_run(engine: Engine, sql: str) -> None:
    with pytest.raises(PublicaError):
        rows(engine, sql)
    assert rows(engine, "SELECT 1 AS a") == [{"a": 1}]


def test_batches_stream(engine: Engine) -> None:
    """A result that would fill memory many times over (80 GB) can be begun and left."""
    with engine.snapshot(20) as snapshot:
        batches = snapshot.batches("SELECT range AS i, repeat('x', 1000) AS t FROM range(80000000)", {})
        first = next(batches)
        assert 0 < first.num_rows <= 32_768
        batches.close()
        assert [b.to_pylist() for b in snapshot.batches("SELECT 1 AS a", {})] == [[{"a": 1}]]


def test_a_snapshot_may_be_left_in_the_middle_of_a_stream(engine: Engine) -> None:
    for _ in range(3):
        with engine.snapshot(20) as snapshot:
            batches = snapshot.batches("SELECT range AS i FROM range(80000000)", {})
            next(batches)
    assert rows(engine, "SELECT 1 AS a") == [{"a": 1}]


def test_two_statements_at_once_are_a_mistake_of_ours(engine: Engine) -> None:
    with engine.snapshot(20) as snapshot:
        batches = snapshot.batches("SELECT range AS i FROM range(80000000)", {})
        next(batches)
        with pytest.raises(RuntimeError):
            snapshot.batches("SELECT 1", {})


def test_time_is_limited(engine: Engine) -> None:
    with pytest.raises(TimedOut):
        rows(engine, ENDLESS, seconds=0.2)


def test_time_is_limited_in_the_middle_of_a_stream(engine: Engine) -> None:
    with engine.snapshot(0.3) as snapshot:
        batches = snapshot.batches("SELECT a.range + b.range FROM range(3000000) a, range(3000000) b", {})
        with pytest.raises(TimedOut):
            for _ in batches:
                pass


def test_nothing_starts_once_time_is_up(engine: Engine) -> None:
    with engine.snapshot(0.05) as snapshot:
        time.sleep(0.2)
        with pytest.raises(TimedOut):
            snapshot.batches("SELECT 1", {})


def test_one_limit_does_not_touch_another(engine: Engine) -> None:
    outcomes: list[object] = []

    def slow() -> None:
        try:
            rows(engine, ENDLESS, seconds=0.3)
        except TimedOut as error:
            outcomes.append(error)

    thread = threading.Thread(target=slow)
    thread.start()
    with engine.snapshot(30) as snapshot:
        thread.join()
        assert [batch.to_pylist() for batch in snapshot.batches("SELECT 1 AS a", {})] == [[{"a": 1}]]
    assert len(outcomes) == 1


def test_memory_is_limited_and_spills_into_a_private_folder(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "spill", EngineLimits(memory="60MB", threads=1, spill="1GB"))
    try:
        [folder] = (tmp_path / "spill").glob("spill-*")
        assert folder.stat().st_mode & 0o777 == 0o700
        big = "SELECT count(DISTINCT md5(range::VARCHAR)) AS n FROM range(1500000)"
        assert rows(engine, big) == [{"n": 1_500_000}]
        with pytest.raises(TimedOut):
            rows(engine, "SELECT len(list(repeat('x', 100) || range)) FROM range(5000000)")
        assert rows(engine, "SELECT 1 AS a") == [{"a": 1}]
    finally:
        engine.close()
    assert not folder.exists()


def test_what_a_killed_process_spilled_is_removed(tmp_path: Path) -> None:
    abandoned = tmp_path / "spill" / "spill-abandoned"
    abandoned.mkdir(parents=True)
    (abandoned / "duckdb_temp_storage-0.tmp").write_text("personal")
    first = Engine(tmp_path / "spill", EngineLimits())
    second = Engine(tmp_path / "spill", EngineLimits())
    assert not abandoned.exists()
    assert len(list((tmp_path / "spill").glob("spill-*"))) == 2, "a living engine keeps its folder"
    first.close()
    second.close()
    assert not list((tmp_path / "spill").glob("spill-*"))


SECRET = "Zaphod-4242"

LEAKS = [
    "SELECT CAST(t AS INTEGER) FROM ({})",
    "SELECT CAST(t AS DATE) FROM ({})",
    "SELECT CAST(t AS BOOLEAN) FROM ({})",
    "SELECT CAST(t AS UUID) FROM ({})",
    "SELECT CAST('{{' || t AS JSON) FROM ({})",
    "SELECT error(t) FROM ({})",
    "SELECT strptime(t, '%Y') FROM ({})",
    "SELECT CAST(t AS INTEGER[]) FROM ({})",
    "SELECT sum(CAST(t AS DECIMAL(9,2))) FROM ({})",
    "SELECT regexp_matches('a', '(' || t) FROM ({})",
    "SELECT unhex(t) FROM ({})",
    "SELECT CAST(n * 4242424242 AS INTEGER) FROM ({})",
    "SELECT CAST(n AS TINYINT) FROM ({})",
    "SELECT DATE '2000-01-01' + CAST(n * 1000000 AS INTEGER) FROM ({})",
    "SELECT {}",
    "SELECT Zaphod_4242 FROM ({})",
    "SELECT Zaphod_4242(t) FROM ({})",
    "SELECT * FROM 'Zaphod-4242.parquet'",
    "SELECT 'Zaphod-4242",
    "SELECT CASE WHEN i > 190000 THEN CAST(t AS INT) END FROM range(200000) r(i), ({})",
]  # fmt: skip


@pytest.mark.parametrize("shape", LEAKS)
def test_no_error_carries_a_value(engine: Engine, shape: str) -> None:
    sql = shape.format(f"SELECT '{SECRET}' AS t, 4242 AS n")
    with pytest.raises(PublicaError) as caught:
        rows(engine, sql)
    error: BaseException | None = caught.value
    assert error is not None
    assert error.__cause__ is None
    assert error.__context__ is None, "a traceback would print it"
    for told in (str(error), repr(error), repr(error.args)):
        assert "Zaphod" not in told
        assert "4242" not in told


def test_files_cannot_be_read(engine: Engine, tmp_path: Path) -> None:
    version, schema = publish(tmp_path, people(10))
    engine.table(version, schema)
    for source in (
        f"'{version.path}'", f"read_parquet('{version.path}')", "read_csv('/etc/passwd')",
        "read_text('/etc/passwd')", "glob('/*')", f"parquet_metadata('{version.path}')",
        "read_blob('/etc/passwd')", "sniff_csv('/etc/passwd')",
    ):  # fmt: skip
        with pytest.raises(PublicaError):
            rows(engine, f"SELECT * FROM {source}")


def test_python_variables_cannot_be_read(engine: Engine) -> None:
    secrets = pa.table({"a": [1]})
    with pytest.raises(PublicaError):
        rows(engine, "SELECT * FROM secrets")
    assert secrets.num_rows == 1


def test_time_zones_do_not_depend_on_the_machine(engine: Engine) -> None:
    [row] = rows(engine, "SELECT CAST(TIMESTAMPTZ '2026-07-01 00:00:00+00' AS VARCHAR) AS t")
    assert row["t"] == "2026-07-01 00:00:00+00"


def test_sets_are_packed_most_significant_bit_first(engine: Engine, tmp_path: Path) -> None:
    version, schema = publish(tmp_path, people(5000))
    choices = Choices(BitMap([0, 9, 4999]))
    table = engine.table(version, schema)
    mask = engine.mask(version, schema, "a", 0, (), choices.fetch)
    sql = f'SELECT bitstring_agg(__subject_person_id, 0, $__size - 1)::BLOB FROM "{table}" WHERE "{mask}"'
    expected = bytearray(1024)
    expected[0], expected[1], expected[4999 >> 3] = 0x80, 0x40, 0x80 >> (4999 & 7)
    with engine.snapshot(5) as snapshot:
        assert snapshot.bits(sql, {"__size": 5000}) == bytes(expected)
        assert snapshot.bits(sql.replace("WHERE", "WHERE town = 'none' AND"), {"__size": 5000}) == b""
        few = pa.chunked_array([pa.array([0, None, 9], pa.uint32()), pa.array([4999, 9], pa.uint32())])
        assert snapshot.pack(few, 5000) == bytes(expected)
        assert snapshot.pack(few.chunks, 5000) == bytes(expected)
        assert snapshot.pack([], 5000) == bytes(1024)
        many = pa.chunked_array([pa.array([*range(3000), None, 1], pa.uint32())])
        packed = snapshot.pack(many, 5000)
        assert packed == b"\xff" * 375 + bytes(1024 - 375)
        with pytest.raises(BadInput):
            snapshot.pack(few, 4000)
        with pytest.raises(BadInput):
            snapshot.pack(pa.chunked_array([pa.array(range(6000), pa.uint32())]), 4000)


def test_a_mask_made_later_is_not_in_the_snapshot(engine: Engine, tmp_path: Path) -> None:
    version, schema = publish(tmp_path, people(10))
    table = engine.table(version, schema)
    with engine.snapshot(5) as snapshot:
        list(snapshot.batches(f'SELECT count(*) FROM "{table}"', {}))
        mask = engine.mask(version, schema, "a", 0, (), Choices(BitMap([1])).fetch)
        with pytest.raises(IntegrityBroken):
            snapshot.counter(mask)


@pytest.mark.parametrize("when", ["before the first statement", "while it begins", "after it"])
def test_counters_are_those_of_the_rows_whenever_a_choice_comes(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    version, schema = publish(tmp_path, people(10))
    choices = Choices(BitMap(range(10)))
    table = engine.table(version, schema)
    mask = engine.mask(version, schema, "a", 0, (), choices.fetch)
    count = f'SELECT count(*) AS n FROM "{table}" WHERE "{mask}"'

    def choose() -> None:
        engine.mask(version, schema, "a", choices.change(refuse=[7]), (), choices.fetch)

    with engine.snapshot(5) as known:  # from here on it is known where the masks stand
        assert known.counter(mask) == 0
    with engine.snapshot(5) as snapshot:
        start = snapshot._start

        def starting(sql: str, params: Mapping[str, object]) -> pa.RecordBatchReader:
            monkeypatch.setattr(snapshot, "_start", start)
            begun = start(sql, params)
            choose()
            return begun

        if when == "before the first statement":
            choose()
        elif when == "while it begins":
            monkeypatch.setattr(snapshot, "_start", starting)
        [batch] = snapshot.batches(count, {})
        if when == "after it":
            choose()
        assert batch.to_pylist() == [{"n": 10 - snapshot.counter(mask)}]
        assert snapshot.counter(mask) == (0 if when == "after it" else 1)
        [again] = snapshot.batches(count, {})
        assert again.to_pylist() == batch.to_pylist()


def test_rows_given_to_a_snapshot_are_there_whatever_changes_meanwhile(
    engine: Engine, tmp_path: Path
) -> None:
    version, schema = publish(tmp_path, people(10))
    choices = Choices(BitMap(range(10)))
    engine.mask(version, schema, "a", 0, (), choices.fetch)
    with engine.snapshot(5) as known:
        known.counter(engine.mask(version, schema, "a", 0, (), choices.fetch))
    given = pa.table({"a": [1, 2, 3]})
    with engine.snapshot(5) as snapshot, snapshot.relation("given", given):
        engine.mask(version, schema, "a", choices.change(refuse=[7]), (), choices.fetch)
        for asked, answer in (("sum(a)", 6), ("max(a)", 3)):
            [batch] = snapshot.batches(f"SELECT {asked} AS n FROM given", {})
            assert batch.to_pylist() == [{"n": answer}]
    with pytest.raises(PublicaError):
        rows(engine, "SELECT a FROM given")


def test_an_engine_that_broke_down_is_renewed(engine: Engine, tmp_path: Path) -> None:
    version, schema = publish(tmp_path, people(10))
    engine.table(version, schema)
    engine._copy._connection.close()
    with pytest.raises(Unavailable):
        rows(engine, "SELECT 1")
    name = engine.table(version, schema)
    assert rows(engine, f'SELECT count(*) AS n FROM "{name}"') == [{"n": 10}]
