"""Readers and withdrawals at once: nobody waits for anybody, and every answer fits the counter it names."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path

import pytest
from pyroaring import BitMap

from publica.data.engines import duckdb as engine_module
from publica.data.engines.duckdb import Engine
from publica.kernel.errors import IntegrityBroken

from .world import Choices, people, publish, rows

COUNT = 200_000


def _run(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_every_reader_sees_the_state_that_its_snapshot_names(engine: Engine, tmp_path: Path) -> None:
    version, schema = publish(tmp_path, people(COUNT))
    choices = Choices(BitMap(range(0, COUNT, 2)))
    name = engine.table(version, schema)
    sums = {}
    wrong: list[object] = []
    seen: set[int] = set()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            mask = engine.mask(version, schema, "a", choices.counter, (), choices.fetch)
            sql = (
                f"SELECT count(*) AS n, sum(__subject_person_id)::BIGINT AS s,"
                f' bitstring_agg(__subject_person_id, 0, $__size - 1)::BLOB AS b FROM "{name}" WHERE "{mask}"'
            )
            with engine.snapshot(30) as snapshot:
                counter = snapshot.counter(mask)
                for _ in range(2):  # the same again, while others change it
                    [batch] = snapshot.batches(sql, {"__size": COUNT})
                    [row] = batch.to_pylist()
                    state = choices.states[counter]
                    if (row["n"], row["s"]) != (len(state), sums.setdefault(counter, sum(state))):
                        wrong.append((counter, row["n"], len(state)))
                    if int.from_bytes(row["b"], "big").bit_count() != len(state):
                        wrong.append((counter, "bits"))
            seen.add(counter)

    def withdraw(seed: int) -> None:
        draw = random.Random(seed)
        until = time.monotonic() + 2.5
        while time.monotonic() < until:
            size = draw.choice([1, 1, 1, 50, 500])
            some = draw.sample(range(COUNT), size)
            if draw.random() < 0.5:
                choices.change(refuse=some)
            else:
                choices.change(allow=some)
            time.sleep(0.005)

    readers = [threading.Thread(target=read) for _ in range(8)]
    for reader in readers:
        reader.start()
    _run([threading.Thread(target=withdraw, args=(seed,)) for seed in range(2)])
    stop.set()
    for reader in readers:
        reader.join()
    assert not wrong
    assert len(seen) > 10, "the readers met many states"


def test_a_long_reader_keeps_its_snapshot_and_stops_nobody(engine: Engine, tmp_path: Path) -> None:
    version, schema = publish(tmp_path, people(COUNT))
    choices = Choices(BitMap(range(COUNT)))
    name = engine.table(version, schema)
    mask = engine.mask(version, schema, "a", 0, (), choices.fetch)
    with engine.snapshot(30) as snapshot:
        batches = snapshot.batches(f'SELECT __subject_person_id AS s FROM "{name}" WHERE "{mask}"', {})
        read = next(batches).num_rows
        for person in range(COUNT - 200, COUNT):
            counter = choices.change(refuse=[person])
            engine.mask(version, schema, "a", counter, (), choices.fetch)
        engine.mask(version, schema, "another", counter, (), choices.fetch)
        engine.pseudonyms(version, schema, "person_id", "person", b"secret")
        assert rows(engine, f'SELECT count(*) AS n FROM "{name}" WHERE "{mask}"') == [{"n": COUNT - 200}]
        assert snapshot.counter(mask) == 0
        assert read + sum(batch.num_rows for batch in batches) == COUNT
        [batch] = snapshot.batches(f'SELECT count(*) AS n FROM "{name}" WHERE "{mask}"', {})
        assert batch.to_pylist() == [{"n": COUNT}]


def test_many_threads_load_and_mask_once(engine: Engine, tmp_path: Path) -> None:
    version, schema = publish(tmp_path, people(20_000))
    choices = Choices(BitMap(range(0, 20_000, 2)))
    found: list[object] = []
    asked: list[int | None] = []

    def fetch(since: int | None) -> object:
        asked.append(since)
        return choices.fetch(since)

    def use() -> None:
        name = engine.table(version, schema)
        mask = engine.mask(version, schema, "a", 0, (), fetch)  # type: ignore[arg-type]
        made = engine.pseudonyms(version, schema, "person_id", "person", b"secret")
        found.extend(rows(engine, f'SELECT count("{made}") AS p, count(*) AS n FROM "{name}" WHERE "{mask}"'))

    _run([threading.Thread(target=use) for _ in range(16)])
    assert found == [{"p": 10_000, "n": 10_000}] * 16
    assert asked == [None]


def test_a_superseded_version_is_dropped_when_idle(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody = Choices(BitMap(range(20)))
    old, schema = publish(tmp_path, people(10), number=1)
    new, _ = publish(tmp_path, people(20), number=2)
    other, other_schema = publish(tmp_path, people(5), "others")
    for version, its in ((old, schema), (other, other_schema)):
        engine.mask(version, its, "a", 0, (), everybody.fetch)
    mask, name = engine.mask(old, schema, "a", 0, (), everybody.fetch), engine.table(old, schema)
    assert name != engine.table(other, other_schema) and name.removeprefix("people@1:").isalnum()
    with engine.snapshot(30) as snapshot:
        engine.table(new, schema)
        assert set(engine._copy.tables) == {"people@1", "people@2", "others@1"}, "not idle yet"
        monkeypatch.setattr(engine_module, "IDLE_SECONDS", 0.0)
        engine.table(new, schema)
        assert set(engine._copy.tables) == {"people@2", "others@1"}
        sql = f'SELECT count(*) AS n FROM "{name}" WHERE "{mask}"'
        assert [batch.to_pylist() for batch in snapshot.batches(sql, {})] == [[{"n": 10}]]
    monkeypatch.setattr(engine_module, "IDLE_SECONDS", 60.0)
    assert engine.mask(old, schema, "a", 0, (), everybody.fetch) == mask, "and loaded again when wanted"
    assert rows(engine, sql) == [{"n": 10}]
    with engine.snapshot(5) as snapshot:
        assert snapshot.counter(mask) == 0


def test_an_altered_file_is_not_loaded(engine: Engine, tmp_path: Path) -> None:
    version, schema = publish(tmp_path, people(10))
    version.path.write_bytes(version.path.read_bytes() + b"x")
    with pytest.raises(IntegrityBroken, match="people@1"):
        engine.table(version, schema)
    version.path.unlink()
    with pytest.raises(IntegrityBroken, match="people@1"):
        engine.table(version, schema)


def test_a_file_that_does_not_fit_its_manifest_is_not_loaded(engine: Engine, tmp_path: Path) -> None:
    version, _ = publish(tmp_path, people(10), subjects=9)
    _, other = publish(tmp_path, people(10).drop(["town"]), "others")
    for its in (publish(tmp_path, people(10), subjects=9)[1], other):
        with pytest.raises(IntegrityBroken):
            engine.table(version, its)
    assert not engine._copy.tables


def test_what_is_made_is_compressed_while_others_read(engine: Engine, tmp_path: Path) -> None:
    """Compressed, a table takes a fraction of the memory and of the time; readers keep their snapshot."""
    version, schema = publish(tmp_path, people(COUNT))
    choices = Choices(BitMap(range(0, COUNT, 2)))
    with engine.snapshot(30) as reader:
        list(reader.batches("SELECT 1 AS one", {}))
        name = engine.table(version, schema)
        mask = engine.mask(version, schema, "a", choices.counter, (), choices.fetch)
        assert "Uncompressed" in _compressions(engine, name), "an older reader puts it off"
    engine.table(version, schema)
    assert "Uncompressed" not in _compressions(engine, name)
    choices.change(refuse=BitMap([2]))
    engine.mask(version, schema, "a", choices.counter, (), choices.fetch)
    assert rows(engine, f'SELECT count(*) AS n FROM "{name}" WHERE "{mask}"') == [{"n": COUNT // 2 - 1}]


def _compressions(engine: Engine, name: str) -> set[str]:
    with engine._copy.cursor() as cursor:
        found = cursor.execute(
            "SELECT DISTINCT compression FROM pragma_storage_info(?) WHERE segment_type <> 'VALIDITY'",
            [name],
        )
        return {kind for (kind,) in found.fetchall()}
