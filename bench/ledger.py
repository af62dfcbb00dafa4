"""(e) Durable ledger entries in one process from 32 threads."""

from __future__ import annotations

import statistics
import tempfile
import threading
from pathlib import Path

from bench.cache import CACHE
from bench.report import Part
from bench.timing import own_peak, seconds
from publica.kernel.database import Change, Database

THREADS = 32


def measure(persons: int, *, quick: bool) -> Part:  # noqa: ARG001 (every part is asked alike)
    """Each thread writes one entry after another; a write returns when it is on disk."""
    part = Part("e", f"durable ledger entries, {THREADS} threads, one process")
    each, runs = (50, 2) if quick else (1_000, 5)
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        db = Database(f"sqlite:///{Path(folder) / 'state.db'}")
        db.create()
        _write(db, 20)
        rates = [THREADS * each / seconds(lambda: _write(db, each)) for _ in range(runs)]
        db.close()
    slowest = f"{THREADS * each:,} entries a run, slowest run {min(rates):,.0f}/s"
    target = None if quick else 10_000
    part.add("entries per second", statistics.median(rates), "/s", target, at="least", detail=slowest)
    part.memory["publica"] = own_peak()
    return part


def _write(db: Database, each: int) -> None:
    threads = [threading.Thread(target=_entries, args=(db, each)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _entries(db: Database, count: int) -> None:
    def work(change: Change) -> bytes:
        return change.enter("reading", {"what": "bench", "use": None})

    for _ in range(count):
        db.write(work)
