"""Whatever is changed behind Publica's back is found and named; what is not changed is not complained of."""

from __future__ import annotations

import ast
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, insert

from publica.kernel import clock
from publica.kernel.errors import BadInput
from publica.kernel.ledger import verify as module
from publica.kernel.ledger.canonical import canonical, leaf_hash
from publica.kernel.ledger.checkpoint import checkpoint, vkey
from publica.kernel.ledger.laws import Law, Linked, Problem, Seen
from publica.kernel.ledger.sequencer import sequence
from publica.kernel.ledger.store import entries
from publica.kernel.ledger.verify import verify

from .conftest import ORIGIN, Ledger, open_ledger

linked = Table(
    "test_linked", MetaData(), Column("n", Integer, primary_key=True), Column("entry", LargeBinary(32))
)


@pytest.fixture
def ledger(ledger: Ledger) -> Ledger:
    """600 entries with checkpoints at 0, 100, 300 and 600, then two that await sequencing."""
    ledger.checkpoint()
    for start, count in ((0, 100), (100, 200), (300, 300)):
        ledger.fill(count, start)
        ledger.checkpoint()
    ledger.fill(2, 600)
    return ledger


def said(ledger: Ledger, *laws: Law, kept: tuple[str, ...] = ()) -> list[tuple[int | None, str]]:
    return [(problem.position, problem.what) for problem in ledger.verify(*laws, kept=kept).problems]


def test_a_ledger_nobody_touched(ledger: Ledger) -> None:
    report = ledger.verify()
    assert report.problems == () and report.sound and report.further == 0
    assert (report.size, report.waiting, report.checkpoints, report.kinds) == (600, 2, 4, {"test": 602})


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 65536, 66000])
def test_sizes_at_the_edges_of_tiles(make_ledger: Callable[[], Ledger], size: int) -> None:
    ledger = make_ledger()
    assert ledger.verify().problems == ()
    ledger.fill(size)
    ledger.checkpoint()
    report = ledger.verify()
    assert (report.problems, report.size) == ((), size)


LOST = ": entries were removed, or an older copy of the database was put in its place"
ALTERED = "was altered: it does not have the hash it was entered with"
HERE = "The entry is not the one that the tree has here."


def contradicts(size: int) -> str:
    how = "an entry before it was altered, moved, added or removed"
    return f"The checkpoint of size {size} contradicts the entries: {how}."


@pytest.mark.sqlite
def test_a_tampered_body(ledger: Ledger) -> None:
    body = """CAST(replace(CAST(body AS TEXT), '"n":42', '"n":43') AS BLOB)"""
    ledger.tamper(f"UPDATE ledger_entry SET body = {body} WHERE position = 42")
    assert said(ledger) == [
        (42, f"The entry {ALTERED}."),
        (None, contradicts(100)),
        (42, HERE),
        (None, "Tile 1/0 does not follow from the tiles below it."),
        (None, "2 later checkpoints contradict the entries, too."),
    ]


@pytest.mark.sqlite
def test_a_body_that_became_text(ledger: Ledger) -> None:
    ledger.tamper("UPDATE ledger_entry SET body = CAST(body AS TEXT) WHERE position = 42")
    assert said(ledger) == [(42, "The entry is stored as text.")]


def test_a_body_and_its_hash_tampered(ledger: Ledger) -> None:
    body = canonical({"at": "2026-01-01T00:00:00.000Z", "kind": "test", "n": 42, "v": 1})
    values = f"body = x'{body.hex()}', leaf = x'{leaf_hash(body).hex()}'"
    ledger.tamper(f"UPDATE ledger_entry SET {values} WHERE position = 42")
    found = said(ledger)
    assert (42, HERE) in found
    assert (None, contradicts(100)) in found
    assert any(position == 42 and "before the entry that it follows" in what for position, what in found)


def test_time_may_go_back_by_a_minute_and_no_more(make_ledger: Callable[[], Ledger]) -> None:
    """Servers write beside each other; nobody writes into the past."""
    ledger = make_ledger()
    for seconds, sound in ((0, True), (10, True), (-49, True), (5, True), (-51, False)):
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
        body = canonical({"at": clock.text(at), "kind": "test", "n": seconds, "v": 1})
        row = {"kind": "test", "body": body, "leaf": leaf_hash(body)}
        ledger.db.maintain(lambda change, row=row: change.connection.execute(insert(entries), row))
        assert ledger.verify().sound is sound, seconds


def test_a_body_that_is_not_canonical(ledger: Ledger) -> None:
    for body in (
        b'{"b":1,"a":2}',
        b"[]",
        b"\xff",
        b"",
        b'{"a":NaN}',
        b'{"a":1.0}',
        b'{"a":1,"a":1}',
        b"[" * 60000,
        b'"\\ud800"',
    ):
        ledger.tamper(f"UPDATE ledger_entry SET body = x'{body.hex()}' WHERE position = 599")
        assert (599, "The entry is no JSON object in canonical form (RFC 8785).") in said(ledger)


def test_numbers_and_keys_in_canonical_form_pass(ledger: Ledger) -> None:
    values = {"a": 0.5, "b": 1e21, "\U00010000": 1, "\ufb01": 2, "n": 2**53 - 1}
    ledger.enter("test", **values)
    ledger.checkpoint()
    assert said(ledger) == []


def test_a_tampered_hash(ledger: Ledger) -> None:
    ledger.tamper("UPDATE ledger_entry SET leaf = randomblob(32) WHERE position = 42")
    assert said(ledger) == [(42, f"The entry {ALTERED}.")]


def test_a_changed_kind(ledger: Ledger) -> None:
    ledger.tamper("UPDATE ledger_entry SET kind = 'receipt' WHERE position = 42")
    assert said(ledger) == [(42, "The entry says that it is a test, but is filed as a receipt.")]


def test_a_deleted_entry(ledger: Ledger) -> None:
    ledger.tamper("DELETE FROM ledger_entry WHERE position = 42")
    found = said(ledger)
    assert found[:2] == [(42, "The entry is missing."), (None, contradicts(100))]
    assert not any(position not in (None, 42) for position, _ in found)


def test_entries_deleted_at_the_end(ledger: Ledger) -> None:
    ledger.tamper("DELETE FROM ledger_entry WHERE position >= 590")
    assert said(ledger) == [
        (None, "Tile 0/2 does not hold the 78 hashes that it should."),
        (None, "The ledger has 590 entries in its tree, but [600] on record."),
        (None, f"The checkpoint of size 600 is of 600 entries, but only 590 are there{LOST}."),
    ]


def test_everything_deleted(ledger: Ledger) -> None:
    ledger.tamper("DELETE FROM ledger_entry")
    found = said(ledger)
    assert (None, f"The checkpoint of size 100 is of 100 entries, but only 0 are there{LOST}.") in found
    assert (None, "Tile 0/0 belongs to no entry.") in found


def test_swapped_positions(ledger: Ledger) -> None:
    ledger.tamper(
        "UPDATE ledger_entry SET position = -1 WHERE position = 42",
        "UPDATE ledger_entry SET position = 42 WHERE position = 350",
        "UPDATE ledger_entry SET position = 350 WHERE position = -1",
    )
    found = said(ledger)
    assert {position for position, what in found if what == HERE} == {42, 350}
    assert (None, contradicts(100)) in found


@pytest.mark.sqlite
@pytest.mark.parametrize("position", [-7, 10**15, "'x'", "x'00'", 2.5])
def test_a_falsified_position(ledger: Ledger, position: object) -> None:
    ledger.tamper(f"UPDATE ledger_entry SET position = {position} WHERE position = 42")
    found = said(ledger)
    assert (42, "The entry is missing.") in found
    assert any(what.startswith("The entry's position is") for _, what in found)


def test_a_position_taken_away(ledger: Ledger) -> None:
    ledger.tamper("UPDATE ledger_entry SET position = NULL WHERE position = 42")
    assert said(ledger)[0] == (42, "The entry is missing.")
    assert ledger.verify().waiting == 3


def test_a_position_given_twice(ledger: Ledger) -> None:
    ledger.tamper(
        "CREATE TABLE other AS SELECT * FROM ledger_entry",
        "DROP TABLE ledger_entry",
        "ALTER TABLE other RENAME TO ledger_entry",
        "UPDATE ledger_entry SET position = 42 WHERE position IS NULL AND id = 601",
    )
    assert (42, "The entry's position is 42, where 43 comes next.") in said(ledger)


@pytest.mark.sqlite
def test_a_changed_checkpoint(ledger: Ledger) -> None:
    ledger.tamper(
        "UPDATE checkpoint SET note = replace(note, x'0a' || '300', x'0a' || '301') WHERE size = 300"
    )
    unsigned = (None, "The checkpoint of size 300 does not have a right signature of the ledger's key.")
    assert said(ledger) == [unsigned]
    for note in (
        "''",
        "'a' || char(10) || char(10)",
        "x'ff00'",
        "(SELECT substr(note, 1, 70) FROM checkpoint WHERE size = 300)",
    ):
        ledger.tamper(f"UPDATE checkpoint SET note = {note} WHERE size = 300")
        assert said(ledger) == [unsigned]


def test_a_checkpoint_exchanged_for_another(ledger: Ledger) -> None:
    ledger.tamper(
        "UPDATE checkpoint SET note = (SELECT note FROM checkpoint WHERE size = 100) WHERE size = 300"
    )
    assert said(ledger) == [
        (None, "The checkpoint of size 300 is not of this ledger at that size, by its note.")
    ]


def test_a_changed_root_on_record(ledger: Ledger) -> None:
    ledger.tamper("UPDATE checkpoint SET root = randomblob(32) WHERE size = 300")
    assert said(ledger) == [(None, "The checkpoint of size 300 has another root on record than in its note.")]


def test_a_checkpoint_that_another_key_signed(ledger: Ledger, make_ledger: Callable[[], Ledger]) -> None:
    other: Ledger = make_ledger()
    ledger.keys = other.keys
    found = said(ledger)
    assert len(found) == 4 and all("right signature" in what for _, what in found)
    with ledger.db.read() as connection:
        assert verify(connection, (vkey(other.keys, ORIGIN), "x" + ledger.vkey)[:1]).problems != ()


def test_after_a_change_of_key_both_keys_are_given(ledger: Ledger, make_ledger: Callable[[], Ledger]) -> None:
    old, new = ledger.keys, make_ledger().keys
    checkpoint(ledger.db, new, ORIGIN)
    with ledger.db.read() as connection:
        assert verify(connection, (vkey(old, ORIGIN), vkey(new, ORIGIN))).problems == ()
        assert len(verify(connection, (vkey(old, ORIGIN),)).problems) == 1


@pytest.mark.parametrize("level, number", [(0, 0), (0, 2), (1, 0)])
def test_a_changed_tile(ledger: Ledger, level: int, number: int) -> None:
    ledger.tamper(
        "UPDATE ledger_tile SET hashes = CAST(randomblob(32) || substr(hashes, 33) AS BLOB) "
        f"WHERE level = {level} AND number = {number}"
    )
    if level:
        assert said(ledger) == [(None, "Tile 1/0 does not follow from the tiles below it.")]
    else:
        assert said(ledger) == [(number * 256, HERE)]


@pytest.mark.parametrize(
    "statement, what",
    [
        ("DELETE FROM ledger_tile WHERE level = 0 AND number = 1", "Tile 0/1 does not hold the 256 hashes"),
        ("DELETE FROM ledger_tile WHERE level = 1", "Tile 1/0 does not hold the 2 hashes"),
        ("UPDATE ledger_tile SET width = 87 WHERE number = 2", "Tile 0/2 does not hold the 88 hashes"),
        ("INSERT INTO ledger_tile VALUES (0, 3, 1, randomblob(32))", "Tile 0/3 belongs to no entry."),
        ("INSERT INTO ledger_tile VALUES (2, 0, 1, randomblob(32))", "Tile 2/0 belongs to no entry."),
        ("UPDATE ledger_state SET size = 599", "600 entries in its tree, but [599] on record."),
        ("DELETE FROM ledger_state", "600 entries in its tree, but [] on record."),
    ],
)
def test_tiles_and_state(ledger: Ledger, statement: str, what: str) -> None:
    ledger.tamper(statement)
    assert [what in found for _, found in said(ledger)] == [True]


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "statement, what",
    [
        ("UPDATE ledger_tile SET width = 'x' WHERE number = 2", "Tile 0/2 does not hold the 88 hashes"),
        ("UPDATE ledger_tile SET hashes = 'x' WHERE number = 2", "Tile 0/2 does not hold the 88 hashes"),
        ("INSERT INTO ledger_tile VALUES ('x', 0, 1, randomblob(32))", "Tile x/0 belongs to no entry."),
    ],
)
def test_values_of_another_type(ledger: Ledger, statement: str, what: str) -> None:
    ledger.tamper(statement)
    assert [what in found for _, found in said(ledger)] == [True]


def rewrite(ledger: Ledger) -> None:
    """Insert an entry at 42 and build everything anew, as one could who holds the database but no key."""
    ledger.tamper(
        "UPDATE ledger_entry SET position = -position - 2 WHERE position >= 42",
        "UPDATE ledger_entry SET position = -position - 1 WHERE position < 0",
        "UPDATE ledger_entry SET position = 42 WHERE position IS NULL AND id = 603",
        "UPDATE ledger_entry SET id = -id",
        "UPDATE ledger_entry SET id = position + 1 WHERE position IS NOT NULL",
        "UPDATE ledger_entry SET id = 1000 WHERE id < 0",
        "UPDATE ledger_entry SET position = NULL",
        "DELETE FROM ledger_tile",
        "UPDATE ledger_state SET size = 0",
    )
    sequence(ledger.db)


def test_an_inserted_entry_that_rewrites_history(ledger: Ledger) -> None:
    kept = ledger.checkpoint()
    ledger.fill(2, 602)
    rewrite(ledger)
    found = said(ledger)
    assert (None, contradicts(100)) in found
    ledger.tamper("DELETE FROM checkpoint WHERE size > 0")
    ledger.checkpoint()
    assert all("before the entry that it follows" in what for _, what in said(ledger))
    assert (None, contradicts(602).replace("602 ", "602 kept elsewhere ")) in said(ledger, kept=(kept,))


def test_history_cut_off_shows_by_a_checkpoint_kept_elsewhere(ledger: Ledger) -> None:
    kept = ledger.checkpoint()
    assert said(ledger, kept=(kept,)) == []
    ledger.tamper(
        "DELETE FROM ledger_entry WHERE position >= 256 OR position IS NULL",
        "DELETE FROM ledger_tile WHERE level = 0 AND number > 0",
        "UPDATE ledger_tile SET width = 1, hashes = substr(hashes, 1, 32) WHERE level = 1",
        "UPDATE ledger_state SET size = 256",
        "DELETE FROM checkpoint WHERE size > 256",
    )
    assert said(ledger) == []
    assert said(ledger, kept=(kept,)) == [
        (None, f"The checkpoint of size 602 kept elsewhere is of 602 entries, but only 256 are there{LOST}.")
    ]


def test_what_was_kept_must_be_a_checkpoint(ledger: Ledger) -> None:
    for kept in ("", "\n\n", "example.org/ledger\n100\nx\n\n— a b\n"):
        assert ["kept elsewhere" in what for _, what in said(ledger, kept=(kept,))] == [True]


def test_a_waiting_entry_is_checked_too(ledger: Ledger) -> None:
    ledger.tamper("UPDATE ledger_entry SET kind = 'x' WHERE id = 602")
    assert said(ledger) == [(None, "The entry says that it is a test, but is filed as a x.")]


@pytest.mark.sqlite
def test_a_table_that_cannot_be_read(ledger: Ledger) -> None:
    ledger.tamper("UPDATE ledger_entry SET kind = CAST(x'ff' AS TEXT) WHERE position = 42")
    assert said(ledger)[-1] == (None, "The ledger's tables cannot be read to the end: they are damaged.")
    ledger.tamper("ALTER TABLE checkpoint RENAME TO lost")
    assert said(ledger) == [(None, "The ledger's tables cannot be read to the end: they are damaged.")]


def test_many_problems_are_counted(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 10)
    ledger.tamper("UPDATE ledger_entry SET leaf = randomblob(32)")
    report = ledger.verify()
    assert (len(report.problems), report.further) == (10, 592)


def test_a_key_is_needed(ledger: Ledger) -> None:
    with ledger.db.read() as connection:
        for keys in ((), ("x",), (ledger.vkey[:-4],), (ledger.vkey.replace("ledger", "other"),)):
            with pytest.raises(BadInput):
                verify(connection, keys)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    ledger = open_ledger(tmp_path_factory.mktemp("small"))
    ledger.fill(20)
    ledger.checkpoint()
    yield ledger
    ledger.db.close()


@settings(max_examples=40)
@given(position=st.integers(0, 19), bit=st.integers(0, 400))
def test_no_bit_of_an_entry_can_be_changed(small: Ledger, position: int, bit: int) -> None:
    select = f"SELECT body FROM ledger_entry WHERE position = {position}"
    with small.db.read() as connection:
        body = connection.exec_driver_sql(select).scalar_one()
    altered = bytearray(body)
    altered[bit // 8 % len(body)] ^= 1 << bit % 8
    small.tamper(f"UPDATE ledger_entry SET body = x'{altered.hex()}' WHERE position = {position}")
    assert (position, f"The entry {ALTERED}.") in said(small)
    small.tamper(f"UPDATE ledger_entry SET body = x'{body.hex()}' WHERE position = {position}")
    assert said(small) == []


# Choices and receipts


def choice(ledger: Ledger, activity: str, counter: int) -> None:
    ledger.enter("choice", activity=activity, counter=counter, action="withdraw")


def receipt(ledger: Ledger, **states: int) -> None:
    ledger.enter("receipt", choice_state=states)


def test_choices_and_receipts_in_order(make_ledger: Callable[[], Ledger]) -> None:
    ledger = make_ledger()
    receipt(ledger, health=0, labour=0)
    choice(ledger, "health", 1)
    receipt(ledger, health=1, labour=0)
    choice(ledger, "labour", 1)
    choice(ledger, "health", 2)
    receipt(ledger, health=2)
    receipt(ledger)
    ledger.enter("receipt", outcome="refused")
    assert said(ledger) == []  # not yet sequenced
    ledger.checkpoint()
    assert said(ledger) == []


@pytest.mark.parametrize("waiting", [False, True])
def test_a_receipt_on_an_older_choice(make_ledger: Callable[[], Ledger], waiting: bool) -> None:
    ledger = make_ledger()
    choice(ledger, "health", 1)
    choice(ledger, "health", 2)
    receipt(ledger, health=1)
    if not waiting:
        ledger.checkpoint()
    what = "The receipt was decided on choice 1 about health, but 2 had been made before it."
    assert said(ledger) == [(None if waiting else 2, what)]


def test_a_receipt_on_a_choice_nobody_made(make_ledger: Callable[[], Ledger]) -> None:
    ledger = make_ledger()
    choice(ledger, "health", 1)
    receipt(ledger, health=2)
    receipt(ledger, labour=1)
    ledger.checkpoint()
    assert said(ledger) == [
        (1, "The receipt was decided on choice 2 about health, but 1 had been made before it."),
        (2, "The receipt was decided on choice 1 about labour, but 0 had been made before it."),
    ]


@pytest.mark.parametrize("counter", [1, 3])
def test_a_choice_out_of_turn(make_ledger: Callable[[], Ledger], counter: int) -> None:
    ledger = make_ledger()
    choice(ledger, "health", 1)
    choice(ledger, "health", counter)
    receipt(ledger, health=counter)
    ledger.checkpoint()
    assert said(ledger) == [(1, f"The choice about health is number {counter} of its activity, not 2.")]


def test_malformed_choices_and_receipts(make_ledger: Callable[[], Ledger]) -> None:
    ledger = make_ledger()
    ledger.enter("choice", activity="health")
    ledger.enter("choice", activity=["health"], counter=1)
    ledger.enter("receipt", choice_state=["health"])
    ledger.enter("receipt", choice_state={"health": None})
    ledger.checkpoint()
    assert [position for position, _ in said(ledger)] == [0, 1, 2, 3]


# Laws that callers bring


class Numbers(Law):
    """Entries count up from 0; there are as many as the state says."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []

    def entry(self, seen: Seen, /) -> Iterable[Problem]:
        if seen.body["n"] != len(self.seen):
            yield Problem(seen.position, f"This is number {seen.body['n']}.", "Count again.")
        self.seen.append(seen)

    def finish(self, connection: object, /) -> Iterable[Problem]:
        if len(self.seen) != 602:
            yield Problem(None, "Not 602.", "Count again.")


def test_a_law_sees_every_entry_in_order(ledger: Ledger) -> None:
    law = Numbers()
    assert said(ledger, law) == []
    assert [seen.position for seen in law.seen] == [*range(600), None, None]
    assert law.seen[7].leaf == leaf_hash(canonical(dict(law.seen[7].body)))
    ledger.tamper("DELETE FROM ledger_entry WHERE position = 599")
    found = said(ledger, Numbers())
    assert (None, "This is number 600.") in found and (None, "Not 602.") in found


def test_rows_and_entries_that_lost_each_other(make_ledger: Callable[[], Ledger]) -> None:
    ledger = make_ledger()
    ledger.db.administer(linked.create)
    for n in range(3):
        ledger.db.write(
            lambda change, n=n: change.connection.execute(
                insert(linked).values(n=n, entry=change.enter("linked", {"n": n}))
            )
        )
    ledger.enter("other")
    ledger.checkpoint()
    law = Linked(linked, {"linked"})
    assert said(ledger, law) == []
    ledger.tamper("UPDATE test_linked SET entry = x'00' WHERE n = 1")
    assert said(ledger, law) == [
        (None, "A row of test_linked has no ledger entry (00)."),
        (1, "The entry has lost its row in test_linked."),
    ]
    ledger.tamper("DELETE FROM test_linked WHERE n = 1")
    assert said(ledger, law) == [(1, "The entry has lost its row in test_linked.")]
    assert said(ledger, Linked(linked, {"linked"}, each=False)) == []
    ledger.tamper("UPDATE test_linked SET entry = (SELECT leaf FROM ledger_entry WHERE kind = 'other')")
    assert len(said(ledger, law)) == 2 + 3


# The house of it


def test_it_shares_no_code_with_what_it_checks() -> None:
    tree = ast.parse(Path(module.__file__).read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    ours = {name for name in imported if name and name.startswith("publica")}
    assert ours == {"publica.kernel.errors", "publica.kernel.ledger.laws"}


def test_memory_does_not_grow_with_the_ledger(make_ledger: Callable[[], Ledger]) -> None:
    peaks = []
    for size in (2_000, 20_000):
        ledger = make_ledger()
        ledger.fill(size)
        ledger.checkpoint()
        ledger.verify()
        tracemalloc.start()
        ledger.verify()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.5
