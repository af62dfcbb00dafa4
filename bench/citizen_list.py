"""One citizen's list: 10,000 distinct random large sets over 1M persons, and 1M look-ups of one person each.

python bench/citizen_list.py [persons] [sets] [look-ups]
"""

from __future__ import annotations

import os
import random
import secrets
import statistics
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

from sqlalchemy import func, insert, select

from publica.kernel.actor import Actor
from publica.kernel.database import Change, Database
from publica.kernel.ids import draw
from publica.kernel.keys import KINDS, SIZE, Keys
from publica.trust.transparency import index, listing, receipts, sealing, store
from publica.trust.transparency.actions import uses_of
from publica.trust.transparency.model import Private, Receipt
from publica.trust.transparency.sets import SubjectSet, padded

ACTOR = Actor("ana", "operator", "bench")


def random_set(size: int) -> SubjectSet:
    """Half of all persons."""
    bits = bytearray(os.urandom(padded(size)))
    bits[size >> 3 :] = bytes(len(bits) - (size >> 3))
    return SubjectSet(bytes(bits), size)


def receipt() -> Receipt:
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


def add_large(db: Database, keys: Keys, persons: int, count: int) -> float:
    """Write receipts through the front door, compacting on the way; seconds per receipt."""
    spent = 0.0
    for number in range(count):
        subjects = random_set(persons)
        start = time.perf_counter()
        prepared = receipts.prepare(
            keys, receipt(), Private("ana", "operator", "bench", "SELECT …"), subjects
        )
        db.write(lambda change, prepared=prepared: receipts.write(change, prepared))
        spent += time.perf_counter() - start
        if number % index.GROUP == index.GROUP - 1:
            index.compact(db, keys)
    return spent / count


def add_small(db: Database, keys: Keys, persons: int, count: int) -> None:
    """Rows as look-ups leave them, in bulk (their receipts are no part of what is measured)."""
    key, chance = sealing.tag_key(keys), random.Random(1)
    matter = receipts.matter_id(receipts.matter({**dict.fromkeys(receipts.MATTER), "columns": {}}))
    base = {"entry": bytes(32), "matter": matter, "actor_tag": bytes(16), "activity": "heating_grant"}
    base |= {
        "organisation": "social-services",
        "recorded_at": "2026-11-23T12:00:00.000Z",
        "rows": 1,
        "bytes": 90,
    }
    base |= {"outcome": "released", "released_exact": True, "form": "rows"}

    def work(change: Change) -> None:
        connection = change.connection
        body = '{"agreements":[],"basis":null,"columns":{},"datasets":[],"protection":"rows","purpose":"x"}'
        connection.execute(insert(store.matters), {"id": matter, "body": body})
        first = (connection.scalar(select(func.max(store.subject_sets.c.number))) or 0) + 1
        numbers = iter(range(first, first + count))
        sealed = {"token": bytes(16), "root": "x" * 44, "size": persons, "large": False, "sealed": bytes(48)}
        while some := list(islice(numbers, 20_000)):
            tags = [sealing.subject_tag(key, chance.randrange(persons)) for _ in some]
            connection.execute(insert(store.subject_sets), [{"number": n, **sealed} for n in some])
            rows = [{"tag": tag, "in_set": n} for tag, n in zip(tags, some, strict=True)]
            connection.execute(insert(store.tags), rows)
            rows = [{**base, "id": f"use_{n:020}", "touched": n, "released": n} for n in some]
            connection.execute(insert(store.uses), rows)

    db.maintain(work)


def measure(db: Database, keys: Keys, persons: int) -> None:
    chance = random.Random(2)
    for name, limit in (("all of it", None), ("newest 100", 100)):
        spent, found = [], 0
        for _ in range(20):
            position = chance.randrange(persons)
            with db.read() as connection:
                start = time.perf_counter()
                found = len(listing.find(connection, keys, position, limit=limit))
                spent.append(1000 * (time.perf_counter() - start))
        shown = f"{statistics.median(spent):.1f} ms median, {max(spent):.1f} ms most ({found} uses)"
        print(f"one citizen's list, {name}: {shown}")
    start = time.perf_counter()
    uses_of(db, keys, 1, ACTOR, limit=100)
    print(f"the same, newest 100, with its own ledger entry: {1000 * (time.perf_counter() - start):.1f} ms")


def main(persons: int = 1_000_000, large: int = 10_000, small: int = 1_000_000) -> None:
    keys = Keys(**{kind: secrets.token_bytes(SIZE) for kind in KINDS})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.db"
        db = Database(f"sqlite:///{path}")
        db.create()
        each = add_large(db, keys, persons, large)
        print(f"receipt of a large set: {1000 * each:.1f} ms")
        print(f"bytes per large set: {path.stat().st_size / large:,.0f} (its bits: {persons / 8:,.0f})")
        before = path.stat().st_size
        add_small(db, keys, persons, small)
        print(f"bytes per look-up: {(path.stat().st_size - before) / small:,.0f}")
        measure(db, keys, persons)
        db.close()


if __name__ == "__main__":
    main(*(int(value) for value in sys.argv[1:]))
