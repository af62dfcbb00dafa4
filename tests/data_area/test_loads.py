"""A load is one version or nothing: what is published, what is left after a crash, and two at once."""

from __future__ import annotations

import fcntl
import hashlib
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import pyarrow.parquet as pq
import pytest

from publica.data import ColumnType, TableColumn, TableSchema, subjects, versions
from publica.data.ingest import work
from publica.kernel.errors import BadInput
from publica.kernel.ledger.canonical import commit

from .support import ACTOR, Instance, loaded, person, rows, schema, versions_of

PEOPLE = TableSchema("people", (person(), TableColumn("n", ColumnType.INTEGER)))


def test_a_version(instance: Instance) -> None:
    path = instance.text("p.csv", "n,person_id\n1,a\n2,b\n3,a\n")
    version = loaded(instance.load(PEOPLE, path))
    assert (version.id, version.rows, version.subjects) == ("people@1", 3, 2)
    assert version.columns == ("person_id", "n")
    assert version.digest == hashlib.sha256(version.path.read_bytes()).hexdigest()
    table = pq.read_table(version.path)
    assert [(field.name, str(field.type)) for field in table.schema] == [
        ("person_id", "string"),
        ("n", "int64"),
        ("__subject_person_id", "uint32"),
    ]
    found = rows(version, hidden=True)
    assert [row[2] for row in found] == sorted(row[2] for row in found)
    assert [row[1] for row in found if row[0] == "a"] == [1, 3]  # ties in file order


def test_its_entry(instance: Instance) -> None:
    version = loaded(instance.load(PEOPLE, instance.text("p.csv", "n,person_id\n1,a\n")))
    with instance.db.read() as connection:
        query = "SELECT body, salt FROM ledger_entry JOIN dataset_version ON leaf = entry"
        body, salt = connection.exec_driver_sql(query).one()
        directory = "SELECT body FROM ledger_entry JOIN subject_segment ON leaf = entry"
        segment = json.loads(connection.exec_driver_sql(directory).scalar_one())
    entry = json.loads(body)
    assert entry["kind"] == "version"
    assert entry["digest"] == version.digest
    assert entry["actor"] == commit(salt, ACTOR.canonical)
    assert (entry["dataset"], entry["version"], entry["rows"], entry["subjects"]) == ("people", 1, 1, 1)
    assert (segment["kind"], segment["segment"], segment["first"], segment["count"]) == ("directory", 1, 0, 1)
    assert "a" not in segment.values() and "p.csv" not in body.decode()


def test_versions_of_a_dataset(instance: Instance) -> None:
    open_table = schema("a")
    for text in ("a\n2\n", "a\n1\n3\n"):
        instance.load(open_table, instance.text("t.csv", text))
    with instance.db.read() as connection:
        newest = versions.current(connection, instance.folder, "table")
        first = versions.get(connection, instance.folder, "table", 1)
        assert newest and first
        assert (newest.number, rows(newest)) == (2, [["1"], ["3"]])
        assert versions_of(connection, instance.folder, "table") == (first, newest)
        assert versions.current(connection, instance.folder, "other") is None
        assert versions.get(connection, instance.folder, "table", 3) is None


def test_several_files_are_one_version_in_the_order_given(instance: Instance) -> None:
    columns = schema([TableColumn("a"), TableColumn("n", ColumnType.INTEGER)])
    files = [
        instance.text("1.csv", "a;n\nx;1\n"),
        instance.text("2.tsv", "n\ta\n2\ty\n"),
        instance.text("3.jsonl", '{"a": "z", "n": 3}\n'),
    ]
    report = instance.load(columns, *files)
    assert rows(loaded(report)) == [["x", 1], ["y", 2], ["z", 3]]
    assert [(each.delimiter, each.format, each.rows) for each in report.files] == [
        (";", "csv", 1),
        ("\t", "csv", 1),
        (None, "jsonl", 1),
    ]
    with pytest.raises(BadInput, match=r"4\.csv:2"):
        instance.load(columns, *files, instance.text("4.csv", "a,n\nx,y\n"))
    assert instance.entries() == ["version"]


def test_a_dry_run_checks_and_publishes_nothing(instance: Instance) -> None:
    path = instance.text("p.csv", "person_id,n\na,1\nb,2\n")
    report = instance.load(PEOPLE, path, dry_run=True)
    assert (report.version, report.rows, report.new_subjects) == (None, 2, 2)
    assert instance.entries() == []
    assert instance.files() == set()
    with pytest.raises(BadInput):
        instance.load(PEOPLE, instance.text("p.csv", "person_id,n\na,x\n"), dry_run=True)


def test_progress_is_told(instance: Instance) -> None:
    told: list[tuple[int, int, str]] = []
    path = instance.text("t.csv", "a\n" + "x\n" * 1000)
    instance.load(schema("a"), path, progress=lambda *args: told.append(args))
    done = [each[0] for each in told]
    assert done == sorted(done)
    assert told[-1][0] == told[-1][1] == 2 * path.stat().st_size


def test_nothing_to_load_is_refused(instance: Instance, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no file"):
        instance.load(schema("a"))
    with pytest.raises(BadInput, match="cannot be read"):
        instance.load(schema("a"), tmp_path / "missing.csv")
    with pytest.raises(BadInput, match="not a regular file"):
        instance.load(schema("a"), tmp_path)
    with pytest.raises(BadInput, match="no columns"):
        instance.load(TableSchema("table", ()), instance.text("t.csv", "a\n"))


def test_no_rows_replace_rows_only_where_that_is_meant(instance: Instance) -> None:
    empty, full = instance.text("empty.csv", "a\n"), instance.text("t.csv", "a\n1\n")
    assert loaded(instance.load(schema("a"), empty)).rows == 0  # nothing stood there before
    instance.load(schema("a"), full)
    for options in ({}, {"dry_run": True}):
        with pytest.raises(BadInput, match="no row to load, and table@2 has 1"):
            instance.load(schema("a"), empty, **options)
    assert loaded(instance.load(schema("a"), empty, full)).rows == 1
    assert loaded(instance.load(schema("a"), empty, allow_empty=True)).number == 4


CRASH = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from data_area.support import Instance
from data_area.test_loads import PEOPLE
from publica.data.ingest import actions, mapping, publish
from publica.kernel.database import Database

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

step = sys.argv[1]
if step == "published":
    real = Database.write
    Database.write = lambda self, *words: (real(self, *words), die())
elif step == "publishing":
    publish._enter_segment = die
else:
    module, name = step.split(".")
    setattr(globals()[module], name, die)
instance = Instance(Path(sys.argv[2]), sys.argv[4])
instance.load(PEOPLE, instance.root / "q.csv")
"""


@pytest.mark.parametrize(
    "step",
    ["actions.make_typed", "actions.add_typed", "mapping.root", "publish.settle", "publishing", "published"],
)
def test_a_killed_load_leaves_nothing_half_done(instance: Instance, step: str) -> None:
    instance.load(PEOPLE, instance.text("p.csv", "person_id,n\na,1\n"))
    before = instance.files()
    instance.text("q.csv", "person_id,n\nb,1\nc,2\n")
    tests = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", CRASH, step, str(instance.root), str(tests), instance.url],
        capture_output=True,
        check=False,
    )
    assert done.returncode == -9, done.stderr.decode()
    published = step == "published"
    with instance.db.read() as connection:
        assert len(versions_of(connection, instance.folder, "people")) == 1 + published
        assert subjects.size(connection) == (3 if published else 1)
    version = loaded(instance.load(PEOPLE, instance.root / "q.csv"))
    assert version.number == 2 + published
    assert version.subjects == 3
    left = instance.files()
    assert before <= left
    assert len(left) == len(before) + (5 if published else 4)  # the second load's, published before or now
    with instance.db.read() as connection:
        for each in "abc":
            assert subjects.binding(connection, instance.keys, instance.folder, each) is not None


def test_a_load_that_is_not_locked_yet_is_not_cleaned_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = fcntl.flock

    def slowly(file: IO[str], how: int) -> None:
        if how == fcntl.LOCK_EX:
            work.clean(tmp_path, set)  # another load begins just now
        lock(file, how)

    monkeypatch.setattr(work.fcntl, "flock", slowly)
    with work.working(tmp_path) as folder:
        assert folder.is_dir()
        work.clean(tmp_path, set)
        assert folder.is_dir()


def test_loads_at_once_share_one_directory(instance: Instance) -> None:
    """The loser draws its positions again; nobody has two, and no position is given twice."""
    paths = []
    for n in range(4):
        text = "".join(f"P-{i},{n}\n" for i in range(n * 50, n * 50 + 100))
        paths.append(instance.text(f"p{n}.csv", "person_id,n\n" + text))
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda path: instance.load(PEOPLE, path), paths))
    assert sum(report.new_subjects for report in reports) == 250
    keys = [f"P-{i}" for i in range(250)]
    with instance.db.read() as connection:
        found = subjects.positions(connection, instance.folder, keys)
        assert sorted(found.values()) == list(range(250))
        made = versions_of(connection, instance.folder, "people")
    assert [version.number for version in made] == [1, 2, 3, 4]
    for version in made:
        assert all(row[2] == found[row[0]] for row in rows(version, hidden=True))
