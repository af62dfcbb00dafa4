"""(c) What a use costs when there is next to nothing to compute: tiny tables, everything included."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from bench import data
from bench.cache import CACHE
from bench.report import Part
from bench.timing import own_peak, percentile
from publica.instance import Instance

PERSONS = 200
TARGET_MS = 5.0
QUESTIONS = {
    "total": "SELECT municipality, avg(income), count(*) FROM population WHERE income > {} GROUP BY 1",
    "rows": "SELECT person_id, income FROM population WHERE income > {}",
    "join": "SELECT avg(i.income) FROM population p JOIN incomes i USING (person_id) WHERE p.income > {}",
}


def measure(persons: int, *, quick: bool) -> Part:  # noqa: ARG001 (tables are tiny)
    part = Part("c", f"fixed cost of a use: {PERSONS} persons, decision, accounting and receipt included")
    runs = 12 if quick else 300
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as place:
        instance = data.create(Path(place), data.personal(tuple(data.PERSONAL)))
        for name in data.PERSONAL:
            instance.load(name, [data.generate(Path(place), name, PERSONS)], data.OPERATOR)
        data.consents(instance)
        for name, sql in QUESTIONS.items():
            same = sql.format(40_000)
            again = _one_after_another(instance, [same] * runs)
            texts = [sql.format(40_000 + number) for number in range(runs)]
            fresh = _one_after_another(instance, texts)
            target = None if quick else TARGET_MS
            for kind, spent in (("same statement", again), ("a new statement each time", fresh)):
                detail = f"p99 {percentile(spent[5:], 0.99):.1f} ms"
                part.add(f"{name}, {kind}: p50", percentile(spent[5:], 0.5), "ms", target, detail=detail)
        instance.close()
    part.memory["publica"] = own_peak()
    return part


def _one_after_another(instance: Instance, statements: list[str]) -> list[float]:
    """Milliseconds of each use. Nothing is tidied up in between: a collection would empty the caches."""
    spent = []
    for statement in statements:
        start = time.perf_counter()
        data.use(instance, statement)
        spent.append(1000 * (time.perf_counter() - start))
    return spent
