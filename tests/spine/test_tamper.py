"""Whatever is altered in the state database or its rows, `ledger verify` reports it and never fails."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from publica.instance import Instance, citizens, requests
from publica.instance.breach import report
from publica.kernel.clock import parse
from publica.kernel.errors import Refused
from publica.trust.consent import notices

from .support import actor, ask, copy, people, publica, template

SCHEMA = "alembic_version"
"""What decides whether anything is opened at all: tests/kernel/test_migrations.py."""
HARMLESS = {
    "ledger_entry.id": "orders the entries that await a position; the signed tree orders the others",
    "reading.number": "readings are found by their entries",
    "notice.number": "terms are told apart by their versions",
    "notice_answer.number": "answers are counted",
    "notice_answer.passed": "whatever is not 0 is read as true; NULL and 0 show",
    "access_request.number": "requests are found by their ids",
    "rights_request.number": "requests are found by their ids",
    "breach_report.number": "reports are found by their ids",
    "record_revision.seq": "the order of a record's revisions is checked; among records it means nothing",
    "released_cell.id": "tells only which cells came while an answer was made; the rest is in the receipt",
    "use.released_exact": "whatever is not 0 is read as true; NULL and 0 show",
    "agreement_spent.agreement": "no entry says what was spent (docs/security.md)",
    "agreement_spent.period": "no entry says what was spent (docs/security.md)",
    "agreement_spent.uses": "no entry says what was spent (docs/security.md)",
    "agreement_spent.rows": "no entry says what was spent (docs/security.md)",
}
"""`table.column`, and why nothing rests on it."""


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A town in which something of everything happened, its columns freed of NOT NULL; never altered."""
    folder = copy(tmp_path_factory.mktemp("tamper") / "town")
    with closing(Instance.open(folder)) as instance:
        key = people(template().material)[0]
        ask(instance, "SELECT count(*) AS n FROM population")
        ask(instance, "SELECT person_id FROM population ORDER BY 1 LIMIT 3")
        instance.choose(key, "health_research", "withdraw", actor("operator"))
        instance.choose(key, "health_research", "grant", actor("operator"))
        ask(instance, "SELECT count(*) AS n FROM hospital_stays")
        ask(instance, "SELECT sex, count(*) AS n FROM population GROUP BY sex", activity="labour_statistics")
        instance.uses(key, actor("operator"))
        _requested(instance, key)
        instance.checkpoint()
    with closing(sqlite3.connect(folder / "state.db")) as connection:
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute("UPDATE sqlite_master SET sql = replace(sql, ' NOT NULL', '')")
        connection.commit()
    return folder


def _requested(instance: Instance, key: str) -> None:
    """What people ask of officials, and officials of one another; answered."""
    stella, cdo = actor("stella"), actor("carla")
    question = notices.QUESTIONS[0]
    notices.answer(instance.db, "health_research", 1, question, "en", passed=True)
    with pytest.raises(Refused) as refused:
        ask(instance, "SELECT name FROM population")
    use = str(refused.value.receipt)
    gap = next(each for each in requests.refusal(instance, use, stella).gaps if each.official)
    asked = requests.ask(instance, use, gap.reason, gap.about, "To write letters.", stella)
    requests.withdraw(instance, asked.id, stella)
    wrong = citizens.ask_correction(instance, key, "population", "name", "It is Ana.", actor("operator"))
    citizens.answer(instance, wrong.id, done=True, words="It is now.", actor=actor("sam"))
    report(instance, "stella", parse("2020-01-01"), parse("2100-01-01"), "A lost device.", cdo)


def verified(folder: Path) -> list[str]:
    with closing(Instance.open(folder, to_verify=True)) as instance:
        return list(instance.verify_ledger()["problems"])


def test_nothing_altered(used: Path) -> None:
    assert verified(used) == []


REMOVED = (
    "DELETE FROM use_private WHERE use = (SELECT max(number) FROM use)",
    "DELETE FROM use WHERE number = (SELECT max(number) FROM use)",
    "DELETE FROM ledger_entry WHERE id = (SELECT max(id) FROM ledger_entry WHERE kind = 'receipt')",
    "UPDATE ledger_entry SET position = NULL",
    "DELETE FROM ledger_tile",
    "DELETE FROM checkpoint",
    "UPDATE ledger_state SET size = 0",
)
"""Without any key: a use is taken out, and the ledger is made to look as if it had never been signed."""


@pytest.mark.parametrize("file_too", [False, True])
def test_a_receipt_removed_with_all_that_was_signed(used: Path, tmp_path: Path, file_too: bool) -> None:
    folder = tmp_path / "town"
    shutil.copytree(used, folder)
    with closing(sqlite3.connect(folder / "state.db")) as connection:
        for statement in REMOVED:
            connection.execute(statement)
        connection.commit()
    if file_too:
        (folder / "checkpoints" / "latest").unlink()
    for _ in range(2):  # nor does closing sign what is left
        Instance.open(folder, to_verify=True).close()
        problems = verified(folder)
        assert any("no checkpoint" in problem for problem in problems)
        assert file_too or any("entries were removed" in problem for problem in problems)
    assert publica("ledger", "verify", instance=folder).code == 4


def test_what_awaits_a_signature_is_told_and_verifying_changes_nothing(used: Path, tmp_path: Path) -> None:
    folder = tmp_path / "town"
    shutil.copytree(used, folder)
    with closing(Instance.open(folder)) as instance:
        instance.uses(people(template().material)[1], actor("operator"))
        for _ in range(2):
            found = instance.verify_ledger()
            assert (found["sound"], found["waiting"], found["unsigned"]) == (True, 1, 1)
    with closing(Instance.open(folder)) as instance:  # closing signed it
        found = instance.verify_ledger()
        assert (found["sound"], found["waiting"], found["unsigned"]) == (True, 0, 0)
        assert (folder / "checkpoints" / "latest").read_text("utf-8") == instance.checkpoint()


FORGOTTEN = (
    "DELETE FROM released_cell",
    "DELETE FROM released_cell WHERE id = (SELECT min(id) FROM released_cell)",
    "UPDATE released_cell SET recipient = 'others'",
    "INSERT INTO released_cell SELECT id + 100, recipient, activity, zeroblob(46), rows, per_person, key,"
    " entry FROM released_cell LIMIT 1",
)
"""Each makes room for a total that differs by one person from one that came out, or takes room away."""


@pytest.mark.parametrize("statement", FORGOTTEN)
def test_a_cell_taken_out_of_the_release_history(used: Path, tmp_path: Path, statement: str) -> None:
    folder = tmp_path / "town"
    shutil.copytree(used, folder)
    with closing(sqlite3.connect(folder / "state.db")) as connection:
        assert connection.execute(statement).rowcount > 0
        connection.commit()
    assert any("cells" in problem.lower() for problem in verified(folder))


def columns(folder: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(folder / "state.db")) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [
            (table, row[1])
            for table in sorted(tables)
            if not table.startswith("sqlite_") and table != SCHEMA
            for row in connection.execute(f'PRAGMA table_info("{table}")')
        ]


def others(value: Any) -> Iterator[Any]:
    """NULL, values of other types, damaged bytes, and a value like it."""
    yield None
    yield b"\xcb\xcb"
    yield "\udc80x".encode("utf-8", "surrogatepass").decode("utf-8", "replace") + "x"
    match value:
        case int():
            yield from (value + 1, -1, 10**14)
        case str():
            yield from (value + "x", value[:-1], 7)
        case bytes():
            middle = len(value) // 2
            yield from (value[:middle] + bytes([value[middle] ^ 1]) + value[middle + 1 :], value[:-1], b"", 7)
        case _:
            yield 1


def verdicts(folder: Path, table: str, column: str) -> Iterator[tuple[Any, list[str]]]:
    """Each alteration of the column in its first row that the database takes, and what `verify` says."""
    with closing(sqlite3.connect(folder / "state.db", isolation_level=None)) as connection:
        keys = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")') if row[5]]
        query = "SELECT " + ", ".join(f'"{name}"' for name in (*keys, column)) + f' FROM "{table}" LIMIT 1'
        found = connection.execute(query).fetchone()
        if found is None:
            return
        *values, before = found
        where = " AND ".join(f'"{key}" IS ?' for key in keys)
        change = f'UPDATE "{table}" SET "{column}" = ? WHERE {where}'
        for other in others(before):
            if other == before:
                continue
            try:
                connection.execute(change, (other, *values))
            except sqlite3.Error:  # a key, or of a type that a row id cannot have
                continue
            yield other, verified(folder)
            now = [other if key == column else value for key, value in zip(keys, values, strict=True)]
            connection.execute(change, (before, *now))


@pytest.mark.slow
def test_every_column_of_every_table(used: Path, tmp_path: Path) -> None:
    folder = tmp_path / "town"
    shutil.copytree(used, folder)
    missed: dict[str, list[Any]] = {}
    for table, column in columns(folder):
        for other, problems in verdicts(folder, table, column):
            if not problems and f"{table}.{column}" not in HARMLESS:
                missed.setdefault(f"{table}.{column}", []).append(other)
    assert not missed, str(missed)
    assert verified(folder) == []
