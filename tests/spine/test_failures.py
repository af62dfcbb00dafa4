"""When something is broken, nothing leaves: no database, no room, no ledger, a limit reached."""

from __future__ import annotations

import errno
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from publica.data.engines.errors import NoMemory
from publica.gateway import execute
from publica.gateway.door import Crowd, Limits
from publica.instance import Instance
from publica.kernel import backends
from publica.kernel.errors import Unavailable

from . import support
from .support import HOW_MANY, Ran, publica

NAMES = "SELECT person_id, birth_date FROM population"


@pytest.fixture
def folder(tmp_path: Path, state: str) -> Path:
    return support.copy(tmp_path / "town")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "BUSY_SECONDS", 0.2)


def query(folder: Path, sql: str = NAMES, *more: str, form: str = "json") -> Ran:
    return publica(
        "query", "--as", "ana", "--activity", "heating_grant", "--format", form, *more, sql, instance=folder
    )


def nothing_left(ran: Ran) -> None:
    """Exit code 5, not a byte of data, and one sentence that says what to do."""
    assert (ran.code, ran.out) == (5, b"")
    assert ran.err.startswith("publica: ") and len(ran.err.splitlines()) == 1
    assert "P-0" not in ran.err and "fault inside" not in ran.err


def works(folder: Path) -> None:
    ran = query(folder)
    assert ran.code == 0 and ran.json["rows"]
    support.sound(folder)


@contextmanager
def each_connection(pragma: str) -> Iterator[None]:
    """Every connection to the state database begins with this."""

    def prepare(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA {pragma}")

    event.listen(Engine, "connect", prepare)
    try:
        yield
    finally:
        event.remove(Engine, "connect", prepare)


@pytest.mark.sqlite
def test_a_locked_database(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "state.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        nothing_left(query(folder))
    works(folder)


@pytest.mark.sqlite
def test_a_database_that_may_only_be_read(folder: Path) -> None:
    with each_connection("query_only = 1"):
        nothing_left(query(folder))
        nothing_left(query(folder, "SELECT name FROM population"))  # a refusal that cannot be recorded
        nothing_left(
            publica(
                "choice",
                "object",
                "--subject",
                "P-0000001",
                "--activity",
                "labour_statistics",
                instance=folder,
            )
        )
        nothing_left(publica("uses", "--subject", "P-0000001", "--format", "json", instance=folder))
    works(folder)


@pytest.mark.sqlite
def test_a_full_disk_under_the_database(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "state.db")) as other:
        [(pages,)] = other.execute("PRAGMA page_count").fetchall()
    long = NAMES + " -- " + "x" * 30_000  # a statement that does not fit into what room there is
    with each_connection(f"max_page_count = {pages}"):
        nothing_left(query(folder, long))
    works(folder)


def test_a_full_disk_under_the_answer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The spool cannot grow: a failed use, with its receipt."""

    class Full:
        def __init__(self, **_: Any) -> None: ...

        def write(self, _: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self) -> None: ...

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", Full)
    nothing_left(query(folder))
    monkeypatch.undo()
    failed_with_receipt(folder)
    works(folder)


def test_a_full_disk_under_the_file_of_the_answer(folder: Path, tmp_path: Path) -> None:
    """What cannot be written is told; no half file stays."""
    out = Path("/dev/full")
    ran = query(folder, NAMES, "--out", str(tmp_path / "none" / "answer.csv"), form="csv")
    assert ran.code in (1, 2) and "fault inside" not in ran.err
    assert support.state(folder)["uses"] == [], "a use that could not be written out was made all the same"
    if out.exists():
        link = tmp_path / "answer.csv.part"
        link.symlink_to(out)
        ran = query(folder, NAMES, "--out", str(tmp_path / "answer.csv"), form="csv")
        assert ran.code == 5 and "fault inside" not in ran.err and "receipt use_" in ran.err
        assert not (tmp_path / "answer.csv").exists() and not link.is_symlink()


@pytest.mark.sqlite
@pytest.mark.parametrize("table", ["ledger_entry", "use", "use_private", "subject_set"])
def test_no_receipt_no_data(folder: Path, table: str) -> None:
    """The log is killed while a warm engine stands ready: nothing leaves."""
    with closing(Instance.open(folder)) as instance:
        assert support.ask(instance, HOW_MANY).rows == 1
        with closing(sqlite3.connect(folder / "state.db")) as other:
            other.execute(f"ALTER TABLE {table} RENAME TO gone")
            other.commit()
        with pytest.raises(Unavailable):
            support.ask(instance, "SELECT person_id FROM population WHERE sex = 'F'")
        with closing(sqlite3.connect(folder / "state.db")) as other:
            other.execute(f"ALTER TABLE gone RENAME TO {table}")
            other.commit()
        assert support.ask(instance, HOW_MANY).rows == 1
    works(folder)


@pytest.mark.sqlite
@pytest.mark.parametrize("table", ["ledger_entry", "use_private"])
def test_no_receipt_no_data_on_the_command_line(folder: Path, table: str) -> None:
    with closing(sqlite3.connect(folder / "state.db")) as other:
        other.execute(
            f"CREATE TRIGGER killed BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'gone'); END"
        )
        other.commit()
    ran = query(folder)
    assert ran.code in (4, 5) and ran.out == b"" and "P-0" not in ran.err


def settings(folder: Path, text: str) -> None:
    with (folder / "publica.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n{text}\n")


def failed_with_receipt(folder: Path) -> None:
    """The last use is a failed one: its receipt says so, and that nobody's row left."""
    with closing(Instance.open(folder)) as instance:
        receipt = list(support.receipts(instance).values())[-1]
    assert receipt["outcome"] == "failed"
    assert [clause["reason"] for clause in receipt["clauses"]] == ["use-failed"]
    assert receipt["rows"] == receipt["bytes"] == 0 and receipt["result"] is None
    assert receipt["touched"] is not None and receipt["datasets"] == ["population@1"]
    support.sound(folder)


CROSS = (
    "SELECT count(DISTINCT a.person_id || b.person_id || c.person_id || d.person_id) AS n "
    "FROM population a, population b, population c, population d"
)


@pytest.mark.parametrize(
    ("limit", "sql", "says"),
    [
        ("[limits]\nseconds = 0.3", CROSS, "longer than a use may take"),
        ("[limits]\nrows = 3", NAMES, "more than 3 rows"),
        ("[limits]\nbytes = 1000", NAMES, "more than 1000 bytes"),
        (
            '[engine]\nmemory = "64MB"',
            "SELECT list(a.person_id || b.person_id || c.person_id ORDER BY a.person_id || b.person_id || "
            "c.person_id) AS n FROM population a, population b, population c",
            "more memory than a use may take",
        ),
    ],
    ids=["time", "rows", "bytes", "memory"],
)
def test_a_limit(folder: Path, limit: str, sql: str, says: str) -> None:
    settings(folder, limit)
    ran = query(folder, sql)
    nothing_left(ran)
    assert says in ran.err
    failed_with_receipt(folder)


def test_a_value_that_cannot_be_converted_is_not_told(folder: Path) -> None:
    ran = query(folder, "SELECT CAST(household_id AS DATE) AS d FROM population")
    assert (ran.code, ran.out) == (1, b"")
    assert len(ran.err.splitlines()) == 1 and "H-" not in ran.err
    failed_with_receipt(folder)
    works(folder)


def test_a_lost_key(folder: Path) -> None:
    (folder / "keys" / "sealing.key").unlink()
    nothing_left(query(folder))


def test_a_version_whose_file_was_altered(folder: Path) -> None:
    [file] = (folder / "data" / "versions" / "population").iterdir()
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    ran = query(folder)
    assert (ran.code, ran.out) == (4, b"") and "altered" in ran.err


@pytest.mark.parametrize(
    ("others", "fails", "seconds", "tries"), [(1, 2, 60, 3), (1, 9, 60, 4), (1, 9, 0.05, 1), (0, 9, 60, 1)]
)
def test_who_finds_no_memory_tries_again_while_there_is_time(
    monkeypatch: pytest.MonkeyPatch, others: int, fails: int, seconds: float, tries: int
) -> None:
    """Others may have taken it all, for a moment; who is alone took it all."""
    monkeypatch.setattr(execute, "PAUSES", (0.06, 0.06, 0.06))
    door = SimpleNamespace(limits=Limits(seconds=seconds), crowd=Crowd())
    door.crowd.size = others
    tried: list[int] = []

    def work() -> str:
        tried.append(1)
        if len(tried) <= fails:
            raise NoMemory("none")
        return "done"

    if tries > fails:
        assert execute.patiently(door, work) == "done"  # type: ignore[arg-type]
    else:
        with pytest.raises(NoMemory):
            execute.patiently(door, work)  # type: ignore[arg-type]
    assert (len(tried), door.crowd.size) == (tries, others)
