"""The tree in the database: sequencing, tiles, checkpoints, and proofs from them."""

from __future__ import annotations

import multiprocessing
import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from publica.kernel.database import Database
from publica.kernel.errors import BadInput, IntegrityBroken
from publica.kernel.ledger import merkle, note, tiles
from publica.kernel.ledger.canonical import leaf_hash
from publica.kernel.ledger.checkpoint import consistency, inclusion, latest
from publica.kernel.ledger.sequencer import sequence
from publica.kernel.ledger.store import entries, state

from .conftest import Ledger
from .naive import NaiveTree

TESSERA = Path(__file__).parents[1] / "data" / "tlog" / "tessera" / "log" / "tile"
WORDS = (Path(__file__).parents[1] / "data" / "tlog" / "tessera" / "words").read_text().split()


def leaves(ledger: Ledger) -> list[bytes]:
    with ledger.db.read() as connection:
        return list(connection.execute(select(entries.c.leaf).order_by(entries.c.id)).scalars())


def positions(ledger: Ledger) -> list[int | None]:
    with ledger.db.read() as connection:
        return list(connection.execute(select(entries.c.position).order_by(entries.c.id)).scalars())


def test_the_tiles_and_bundles_of_tessera(ledger: Ledger) -> None:
    for size, word in enumerate(WORDS, 1):
        body = word.encode()
        ledger.db.maintain(
            lambda change, body=body: change.connection.execute(
                entries.insert().values(kind="word", body=body, leaf=leaf_hash(body))
            )
        )
        assert sequence(ledger.db) == 1
        with ledger.db.read() as connection:
            assert tiles.tile(connection, 0, 0) == (TESSERA / "0" / "000.p" / str(size)).read_bytes()
            assert tiles.tile(connection, 0, 0, size) == (TESSERA / "0" / "000.p" / str(size)).read_bytes()
            bundle = (TESSERA / "entries" / "000.p" / str(size)).read_bytes()
            assert tiles.bundle(connection, 0, size) == bundle


def test_positions_are_gapless_in_the_order_of_ids(ledger: Ledger) -> None:
    ledger.fill(300)
    assert sequence(ledger.db) == 300
    assert sequence(ledger.db) == 0
    ledger.fill(5000, 300)
    assert sequence(ledger.db) == 5000
    assert positions(ledger) == list(range(5300))
    with ledger.db.read() as connection:
        assert connection.execute(select(state.c.size)).scalar_one() == 5300


def test_the_tiles_of_70_000_entries(ledger: Ledger) -> None:
    """The example of the specification."""
    ledger.fill(70_000)
    assert sequence(ledger.db) == 70_000
    with ledger.db.read() as connection:
        assert len(tiles.tile(connection, 0, 272) or b"") == 256 * 32
        assert len(tiles.tile(connection, 0, 273) or b"") == 112 * 32
        assert len(tiles.tile(connection, 1, 0) or b"") == 256 * 32
        assert len(tiles.tile(connection, 1, 1) or b"") == 17 * 32
        assert len(tiles.tile(connection, 2, 0) or b"") == 32
        assert tiles.tile(connection, 0, 274) is None
        assert tiles.tile(connection, 3, 0) is None
        assert tiles.tile(connection, 1, 1, 18) is None
        assert tiles.tile(connection, 1, 1, 0) is None
        assert tiles.bundle(connection, 273) is None
        assert tiles.bundle(connection, 273, 0) is None
        naive, tree, draw = NaiveTree(leaves(ledger)), tiles.Tree(connection), random.Random(2)
        for size in [1, 255, 256, 257, 65535, 65536, 65537, 70_000, *draw.choices(range(1, 70_000), k=20)]:
            position, old = draw.randrange(size), draw.randint(1, size)
            root = naive.mth(0, size)
            assert tree.root(size) == root
            proof = inclusion(connection, naive.leaves[position], size)
            assert proof.position == position
            assert list(proof.path) == naive.path(position, 0, size)
            assert list(consistency(connection, old, size)) == naive.proof(old, size)


def test_the_tiles_do_not_depend_on_how_the_tree_grew(make_ledger: Callable[[], Ledger]) -> None:
    whole, parts = make_ledger(), make_ledger()
    whole.fill(3000)
    sequence(whole.db)
    stored = [(row.kind, row.body, row.leaf) for row in rows(whole)]
    draw, at = random.Random(3), 0
    while at < len(stored):
        step = draw.choice([1, 7, 255, 256, 257, 600])
        batch = [{"kind": k, "body": b, "leaf": leaf} for k, b, leaf in stored[at : at + step]]
        parts.db.maintain(lambda change, batch=batch: change.connection.execute(entries.insert(), batch))
        at += sequence(parts.db)
    assert kept(whole) == kept(parts)


def rows(ledger: Ledger) -> list[object]:
    with ledger.db.read() as connection:
        return list(connection.execute(select(entries).order_by(entries.c.id)))


def kept(ledger: Ledger) -> list[tuple[object, ...]]:
    with ledger.db.read() as connection:
        return [tuple(row) for row in connection.exec_driver_sql("SELECT * FROM ledger_tile ORDER BY 1, 2")]


def test_a_checkpoint_is_signed_once_for_each_size(ledger: Ledger) -> None:
    verifier = note.Verifier.parse(ledger.vkey)
    empty = ledger.checkpoint()
    assert note.open_checkpoint(empty, verifier).root == merkle.EMPTY
    assert ledger.checkpoint() == empty
    leaf = ledger.enter("test", n=1)
    first = ledger.checkpoint()
    assert note.open_checkpoint(first, verifier) == note.Checkpoint("example.org/ledger", 1, leaf)
    assert ledger.checkpoint() == first
    with ledger.db.read() as connection:
        stored = latest(connection)
    assert stored is not None
    assert (stored.size, stored.root, stored.note) == (1, leaf, first)


def test_proofs_hold_against_checkpoints(ledger: Ledger) -> None:
    verifier = note.Verifier.parse(ledger.vkey)
    ledger.fill(300)
    old = note.open_checkpoint(ledger.checkpoint(), verifier)
    leaf = ledger.enter("test", n=1)
    ledger.fill(50, 300)
    new = note.open_checkpoint(ledger.checkpoint(), verifier)
    with ledger.db.read() as connection:
        proof = inclusion(connection, leaf, new.size)
        assert proof.position == 300
        assert merkle.includes(leaf, proof.position, new.size, proof.path, new.root)
        grown = consistency(connection, old.size, new.size)
        assert merkle.extends(old.size, new.size, old.root, new.root, grown)
        with pytest.raises(BadInput, match="not in the ledger of 300"):
            inclusion(connection, leaf, old.size)
        with pytest.raises(BadInput, match="has 351 entries"):
            inclusion(connection, leaf, 352)
        with pytest.raises(BadInput, match="not in the ledger"):
            inclusion(connection, bytes(32), 351)
        for pair in ((0, 351), (351, 300), (1, 400)):
            with pytest.raises(BadInput):
                consistency(connection, *pair)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_tile SET hashes = randomblob(32) WHERE level = 0 AND number = 1",
        "DELETE FROM ledger_tile WHERE level = 1",
        "UPDATE checkpoint SET root = randomblob(32)",
        "UPDATE ledger_state SET size = 299",
        "DELETE FROM ledger_state",
    ],
)
def test_nothing_is_signed_that_contradicts_the_last_checkpoint(ledger: Ledger, statement: str) -> None:
    ledger.fill(300)
    ledger.checkpoint()
    ledger.tamper(statement)
    for _ in range(2):
        with pytest.raises(IntegrityBroken):
            ledger.checkpoint()
        ledger.enter("test", n=1)
    with ledger.db.read() as connection:
        stored = latest(connection)
    assert stored is not None and stored.size == 300


def test_an_entry_that_is_not_committed_has_no_position(ledger: Ledger) -> None:
    def fail(change: object) -> None:
        raise ValueError

    ledger.enter("test", n=1)
    with pytest.raises(ValueError):
        ledger.db.write(fail)
    ledger.enter("test", n=2)
    assert sequence(ledger.db) == 2
    assert positions(ledger) == [0, 1]


def _sequence_and_write(url: str, count: int) -> None:
    db = Database(url)
    for n in range(count):
        db.write(lambda change, n=n: change.enter("test", {"n": n}))
        if n % 5 == 0:
            sequence(db)
    db.close()


def test_several_processes_and_threads_sequence_at_once(ledger: Ledger) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=_sequence_and_write, args=(ledger.db.url.render_as_string(), 100))
        for _ in range(2)
    ]
    threads = [
        threading.Thread(target=lambda: [(ledger.enter("test"), sequence(ledger.db)) for _ in range(50)])
        for _ in range(4)
    ]
    for runner in [*processes, *threads]:
        runner.start()
    for runner in [*processes, *threads]:
        runner.join(60)
    ledger.checkpoint()
    assert sorted(positions(ledger)) == list(range(400))  # type: ignore[type-var]
    assert ledger.verify().problems == ()
