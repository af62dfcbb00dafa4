"""(f) One citizen's list: 10,000 distinct large sets over 1M persons, and 1M look-ups of one person each."""

from __future__ import annotations

import json
import os
import random
import statistics
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from sqlalchemy import func, insert, select

from bench.cache import cached
from bench.report import Part
from bench.timing import own_peak, percentile
from publica.kernel import keys as key_files
from publica.kernel.actor import Actor
from publica.kernel.database import Change, Database
from publica.kernel.ids import draw
from publica.kernel.keys import Keys
from publica.trust.transparency import index, listing, receipts, sealing, store
from publica.trust.transparency.actions import uses_of
from publica.trust.transparency.model import Private, Receipt
from publica.trust.transparency.sets import SubjectSet, padded

ACTOR = Actor("ana", "operator", "bench")
RUNS = 20


def measure(persons: int, *, quick: bool) -> Part:  # noqa: ARG001 (its sizes are fixed by the target)
    """A person's whole list, from the stored sets: median and worst of RUNS persons."""
    size, large, small = (20_000, 256, 5_000) if quick else (1_000_000, 10_000, 1_000_000)
    part = Part("f", f"one citizen's list: {large:,} bulk sets over {size:,} persons, {small:,} look-ups")
    folder = cached(f"citizen-{size}-{large}-{small}", lambda folder: _make(folder, size, large, small))
    made = json.loads((folder / "measured.json").read_text("utf-8"))
    keys, db = key_files.load(folder / "keys"), Database(f"sqlite:///{folder / 'state.db'}")
    target = None if quick else 50
    for name, limit in (("the whole list", None), ("its newest 100", 100)):
        spent, found = _lists(db, keys, size, limit)
        detail = f"p50 of {RUNS}, most {max(spent):.0f} ms; {found:,} uses found"
        part.add(name, statistics.median(spent), "ms", target, detail=detail)
    part.add("with its own ledger entry", _recorded(db, keys, size), "ms", target, detail="newest 100, p50")
    part.add("bytes per bulk set", made["bytes per set"], "", detail=f"its bits: {size / 8:,.0f}")
    part.add("bytes per look-up", made["bytes per look-up"], "")
    part.add(
        "receipt of a bulk set", 1000 * made["seconds per receipt"], "ms", detail="written one at a time"
    )
    part.memory["publica"] = own_peak()
    db.close()
    return part


def _lists(db: Database, keys: Keys, persons: int, limit: int | None) -> tuple[list[float], int]:
    chance, spent, found = random.Random(2), [], 0
    for _ in range(RUNS + 1):
        position = chance.randrange(persons)
        with db.read() as connection:
            start = time.perf_counter()
            found = len(listing.find(connection, keys, position, limit=limit))
            spent.append(1000 * (time.perf_counter() - start))
    return spent[1:], found


def _recorded(db: Database, keys: Keys, persons: int) -> float:
    chance, spent = random.Random(3), []
    for _ in range(RUNS):
        start = time.perf_counter()
        uses_of(db, keys, chance.randrange(persons), ACTOR, limit=100)
        spent.append(1000 * (time.perf_counter() - start))
    return percentile(spent, 0.5)


def _make(folder: Path, persons: int, large: int, small: int) -> None:
    path = folder / "state.db"
    key_files.create(folder / "keys")
    keys, db = key_files.load(folder / "keys"), Database(f"sqlite:///{path}")
    db.create()
    each = _add_large(db, keys, persons, large)
    sets = _size(db, path)
    _add_small(db, keys, persons, small)
    found = {
        "seconds per receipt": each,
        "bytes per set": sets / large,
        "bytes per look-up": (_size(db, path) - sets) / small,
    }
    db.close()
    (folder / "measured.json").write_text(json.dumps(found), "utf-8")


def _size(db: Database, path: Path) -> float:
    """Bytes of the database that hold something (pages that compaction freed are used again)."""
    with db.read() as connection:
        free, page = (
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("freelist_count", "page_size")
        )
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    assert path.exists()
    return float((pages - free) * page)


def _add_large(db: Database, keys: Keys, persons: int, count: int) -> float:
    """Write receipts as the gateway does, compacting on the way; seconds per receipt, compaction left out."""
    spent = 0.0
    private = Private("ana", "operator", "bench", "SELECT …")
    for number in range(count):
        subjects = _random_set(persons)
        start = time.perf_counter()
        prepared = receipts.prepare(keys, _receipt(), private, subjects)
        db.write(lambda change, prepared=prepared: receipts.write(change, prepared))
        spent += time.perf_counter() - start
        if number % index.GROUP == index.GROUP - 1:
            index.compact(db, keys)
    return spent / count


def _random_set(size: int) -> SubjectSet:
    """Half of all persons."""
    bits = bytearray(os.urandom(padded(size)))
    bits[size >> 3 :] = bytes(len(bits) - (size >> 3))
    return SubjectSet(bytes(bits), size)


def _receipt() -> Receipt:
    columns = {"population@1": ("birth_date", "municipality"), "incomes@1": ("income",)}
    return Receipt(
        id=draw("use"),
        organisation="statistics",
        activity="labour_statistics",
        outcome="released",
        purpose="dpv:OfficialStatistics",
        basis="law:statistics",
        authenticated="operator",
        datasets=tuple(columns),
        columns=columns,
        rows=300,
        form="total",
    )


def _add_small(db: Database, keys: Keys, persons: int, count: int) -> None:
    """Rows as look-ups leave them, in bulk (their receipts are no part of what is measured)."""
    key, chance = sealing.tag_key(keys), random.Random(1)
    matter = receipts.matter_id(receipts.matter({**dict.fromkeys(receipts.MATTER), "columns": {}}))
    base = {
        **{"entry": bytes(32), "matter": matter, "actor_tag": bytes(16), "activity": "heating_grant"},
        **{"organisation": "social-services", "recorded_at": "2026-11-23T12:00:00.000Z"},
        **{"rows": 1, "bytes": 90, "outcome": "released", "released_exact": True, "form": "rows"},
    }
    sealed = {"token": bytes(16), "root": "x" * 44, "size": persons, "large": False, "sealed": bytes(48)}

    def work(change: Change) -> None:
        connection = change.connection
        body = '{"agreements":[],"basis":null,"columns":{},"datasets":[],"protection":"rows","purpose":"x"}'
        connection.execute(insert(store.matters), {"id": matter, "body": body})
        first = (connection.scalar(select(func.max(store.subject_sets.c.number))) or 0) + 1
        for some in _batches(range(first, first + count), 20_000):
            tags = [sealing.subject_tag(key, chance.randrange(persons)) for _ in some]
            connection.execute(insert(store.subject_sets), [{"number": n, **sealed} for n in some])
            rows = [{"tag": tag, "in_set": n} for tag, n in zip(tags, some, strict=True)]
            connection.execute(insert(store.tags), rows)
            rows = [{**base, "id": f"use_{n:020}", "touched": n, "released": n} for n in some]
            connection.execute(insert(store.uses), rows)

    db.maintain(work)


def _batches(numbers: range, size: int) -> Iterator[list[int]]:
    left = iter(numbers)
    while some := list(islice(left, size)):
        yield some
