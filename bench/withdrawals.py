"""(b) From the call that withdraws a consent until a use that names the new counter may run, warm."""

from __future__ import annotations

import random
import time

from bench import data
from bench.report import Part
from bench.timing import own_peak, percentile
from publica.gateway.door import Request
from publica.gateway.use import govern, know, seen, understand
from publica.instance import Instance

QUESTION = Request(data.ACTOR, data.ACTIVITY, "SELECT count(*) FROM population")
TARGET_MS = 50


def measure(persons: int, *, quick: bool) -> Part:
    part = Part("b", f"withdrawal until its mask is in effect: {persons:,} persons, warm")
    times = 10 if quick else 100
    with data.working(data.people(persons)) as instance:
        data.use(instance, QUESTION.sql)
        _withdraw(instance, persons, 3, 0)
        chosen, effective = _withdraw(instance, persons, times, 1)
    part.add("p50", percentile(effective, 0.5), "ms", detail=f"of {times} persons, one after another")
    part.add("p99", percentile(effective, 0.99), "ms", None if quick else TARGET_MS)
    part.add("of it the choice itself, p50", percentile(chosen, 0.5), "ms", detail="durable, in the ledger")
    part.add("of it the choice itself, p99", percentile(chosen, 0.99), "ms")
    part.memory["publica"] = own_peak()
    return part


def _withdraw(instance: Instance, persons: int, times: int, seed: int) -> tuple[list[float], list[float]]:
    """Milliseconds until the choice is durable, and until the engine's mask stands at its counter."""
    chance, chosen, effective = random.Random(seed), list[float](), list[float]()
    while len(chosen) < times:
        key = data.key(1 + chance.randrange(persons))
        start = time.perf_counter()
        made = instance.choose(key, data.ACTIVITY, "withdraw", data.ACTOR)
        middle = time.perf_counter()
        _prepare(instance)
        if made["changed"]:
            chosen.append(1000 * (middle - start))
            effective.append(1000 * (time.perf_counter() - start))
    return chosen, effective


def _prepare(instance: Instance) -> None:
    """Steps 1 to 6 of a use: afterwards its mask stands at the counter that its facts name, or later."""
    with seen(instance.door, QUESTION) as now:
        statement = understand(instance.door, QUESTION, now)
        facts = know(instance.door, QUESTION, statement, now)
    govern(instance.door, QUESTION, facts, statement)
