"""`./dev bench web`: what pages cost, on the demo as `publica demo` serves it, in a process of its own.

Requests come at fixed moments, whether or not the ones before are answered; a time runs from the moment at
which a request was due. Beside it, in the same run, Datasette's page of a table of the same people.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import random
import re
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

from bench.cache import CACHE, cached
from bench.clients import Connection, Lost, Server
from bench.http import datasette
from bench.report import Part, table
from bench.timing import percentile
from publica.demo.prepare import prepare as prepare_demo
from publica.demo.tour import run
from publica.instance import Instance
from publica.kernel.database import Change
from publica.kernel.ids import draw
from publica.trust.transparency import SubjectSet, index
from publica.trust.transparency.model import Private, Receipt
from publica.trust.transparency.receipts import Prepared, prepare, write

PERSONS, QUICK_PERSONS, USES, QUICK_USES = 50_000, 1_000, 10_000, 200
RATE, SECONDS, ONCE = 20, 30, 40
PAGE_MS, TIMELINE_MS, MOST_KB, WAITING_MS = 50.0, 100.0, 300.0, 1000.0
HTML = "text/html"
RATES = "\n[rates]\naddress_per_minute = 1000000\nactor_per_minute = 1000000\nsign_in_per_minute = 1000000\n"
PLACES: dict[str, tuple[str, ...]] = {
    "": (
        "/",
        "/sign-in",
        "/register",
        "/register/activities/labour_statistics",
        "/register/agreements/civil-registry-social-services",
        "/ledger",
        "/ledger/verify",
        "/accessibility",
    ),
    "citizen-1": ("/my-data", "/my-uses", "/my-choices", "/my-corrections"),
    "stella": ("/workbench", "/workbench/uses", "/requests"),
    "sam": ("/stewardship",),
    "carla": ("/office", "/office/accountability", "/office/refusals", "/office/clocks"),
}
"""Who asks for which pages."""
TIMELINE = ("citizen-1", "/my-uses")
_LOADED = re.compile(r'(?:src|href|data-verify)="(/static/[^"]+)"')
_COOKIE = re.compile(r"(?:__Host-)?publica(?:-sign-in)?=[^;]+")


@dataclass(frozen=True)
class Asked:
    """A page, and the cookie of who asks for it."""

    path: str
    cookie: str


def main(arguments: list[str] | None = None) -> int:
    """Run the parts asked for; 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="./dev bench web", description=__doc__)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, such as pages,timeline")
    parser.add_argument("--quick", action="store_true", help="small sizes, no targets: only that it runs")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--datasette", default=sys.executable, help="a Python that has Datasette")
    asked = parser.parse_args(arguments)
    CACHE.mkdir(parents=True, exist_ok=True)
    found = []
    for name in asked.only.split(","):
        start = time.perf_counter()
        part = PARTS[name](asked)
        part.seconds = time.perf_counter() - start
        found.append(part)
        if asked.format == "table":
            print(table(part), end="\n\n", flush=True)
    if asked.format == "json":
        print(json.dumps([part.as_json() for part in found], indent=2))
    return int(not all(part.met for part in found))


# pages at a steady rate


def pages(asked: argparse.Namespace) -> Part:
    """Every page in turn, at 20 requests a second."""
    persons = QUICK_PERSONS if asked.quick else PERSONS
    part = Part("pages", f"every page in turn, {RATE} requests/s, the demo of {persons} persons")
    with _town(persons) as folder, _served(folder, persons) as server:
        every = _everything(server.port)
        for each in every:
            _page(server.port, each)  # warms templates and files
        before = server.spent()
        spent = _at_a_rate(server.port, every, 3 if asked.quick else SECONDS)
        worked = server.spent() - before
        target = None if asked.quick else PAGE_MS
        together = [value for values in spent.values() for value in values]
        part.add("all pages: p50", percentile(together, 0.5), "ms")
        part.add(
            "all pages: p95", percentile(together, 0.95), "ms", target, detail=f"{len(together)} requests"
        )
        part.add("processor time of a page", 1000 * worked / len(together), "ms")
        slowest = max(spent, key=lambda each: percentile(spent[each], 0.95))
        part.add("slowest page: p95", percentile(spent[slowest], 0.95), "ms", detail=slowest.path)
        part.memory["publica"] = server.peak()
    return part


def sizes(asked: argparse.Namespace) -> Part:
    """What a page weighs with all that it loads, uncompressed, for somebody who comes the first time."""
    persons = QUICK_PERSONS if asked.quick else PERSONS
    part = Part("sizes", "each page with all that it loads, uncompressed")
    with _town(persons) as folder, _served(folder, persons) as server:
        weighed: dict[str, float] = {}
        for each in _everything(server.port):
            body = _page(server.port, each)
            loaded = {
                found: len(_get(server.port, found, "")) for found in set(_LOADED.findall(body.decode()))
            }
            weighed[each.path] = (len(body) + sum(loaded.values())) / 1000
        heaviest, lightest = max(weighed, key=weighed.__getitem__), min(weighed, key=weighed.__getitem__)
        target = None if asked.quick else MOST_KB
        part.add("heaviest page", weighed[heaviest], "KB", target, detail=heaviest)
        part.add("lightest page", weighed[lightest], "KB", detail=lightest)
    return part


def timeline(asked: argparse.Namespace) -> Part:
    """A citizen's list of uses, when ten thousand concerned them."""
    persons, uses = (QUICK_PERSONS, QUICK_USES) if asked.quick else (PERSONS, USES)
    part = Part("timeline", f"who used my data, {uses} uses of one citizen of {persons}")
    with _town(persons) as folder:
        _add_uses(folder, persons, uses)
        with _served(folder, persons) as server:
            who, path = TIMELINE
            mine = Asked(path, _signed_in(server.port, who))
            body = _page(server.port, mine)
            before = server.spent()
            spent = _one_after_another(server.port, mine, 5 if asked.quick else ONCE)
            worked = server.spent() - before
            target = None if asked.quick else TIMELINE_MS
            part.add("processor time of a page", 1000 * worked / len(spent), "ms")
            part.add("p50", percentile(spent, 0.5), "ms")
            part.add(
                "p95", percentile(spent, 0.95), "ms", target, detail=f"{len(body) / 1000:.0f} KB of HTML"
            )
            part.memory["publica"] = server.peak()
    return part


def beside(asked: argparse.Namespace) -> Part:
    """Datasette's page of a table, and our page of who uses which data; sides take turns."""
    persons = QUICK_PERSONS if asked.quick else PERSONS
    part = Part("beside", f"ours of data uses, Datasette's of a table of {persons} rows")
    with _town(persons) as folder, tempfile.TemporaryDirectory(dir=CACHE) as place:
        database = _people(folder, Path(place) / "people.db")
        with _served(folder, persons) as ours, datasette(asked.datasette, database) as theirs:
            sides = {
                "publica": (ours, Asked("/register", "")),
                "datasette": (theirs, Asked("/people/population", "")),
            }
            spent: dict[str, list[float]] = {name: [] for name in sides}
            for server, each in sides.values():
                _get(server.port, each.path, each.cookie)
            for _ in range(1 if asked.quick else 3):
                for name, (server, each) in sides.items():
                    spent[name] += _one_after_another(server.port, each, 5 if asked.quick else ONCE)
            for name, values in spent.items():
                part.add(f"{name}, one after another: p50", percentile(values, 0.5), "ms")
                part.add(f"{name}, one after another: p95", percentile(values, 0.95), "ms")
            for name, (server, each) in sides.items():
                found = _at_a_rate(server.port, [each], 2 if asked.quick else SECONDS / 3)[each]
                detail = "more than it can answer: they wait" if median(found) > WAITING_MS else ""
                part.add(f"{name}, {RATE} requests/s: p95", percentile(found, 0.95), "ms", detail=detail)
            part.memory = {"publica": ours.peak(), "datasette": theirs.peak()}
    return part


# asking


def _one_after_another(port: int, each: Asked, times: int) -> list[float]:
    """Milliseconds of each request, the next once the last is answered."""
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        _page(port, each)
        spent.append(1000 * (time.perf_counter() - start))
    return spent


def _at_a_rate(port: int, every: Sequence[Asked], seconds: float) -> dict[Asked, list[float]]:
    """Milliseconds from when each request was due until its answer was whole, by page."""
    spent: dict[Asked, list[float]] = {each: [] for each in every}

    async def one(each: Asked, due: float, free: dict[str, list[Connection]]) -> None:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        mine = free.setdefault(each.cookie, [])
        connection = mine.pop() if mine else Connection(port, {"Cookie": each.cookie} if each.cookie else {})
        try:
            reply = await connection.ask("GET", each.path, accept=HTML)
        except Lost:  # idle for so long that the server closed it
            reply = await connection.ask("GET", each.path, accept=HTML)
        spent[each].append(1000 * (time.perf_counter() - due))
        mine.append(connection)
        if reply.status != 200:
            raise SystemExit(f"{each.path}: {reply.status}: {reply.body[:500]!r}")

    async def all_of_them() -> None:
        start = time.perf_counter() + 0.2
        free: dict[str, list[Connection]] = {}
        count = int(RATE * seconds)
        await asyncio.gather(*(one(every[n % len(every)], start + n / RATE, free) for n in range(count)))
        for mine in free.values():
            for connection in mine:
                connection.close()

    asyncio.run(all_of_them())
    return {each: values for each, values in spent.items() if values}


def _everything(port: int) -> list[Asked]:
    """Every page, with the cookie of who sees it."""
    found = []
    for who, paths in PLACES.items():
        cookie = _signed_in(port, who) if who else ""
        found += [Asked(path, cookie) for path in paths]
    return found


def _page(port: int, asked: Asked) -> bytes:
    return _get(port, asked.path, asked.cookie)


def _get(port: int, path: str, cookie: str) -> bytes:
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", path, headers={"Accept": HTML, **({"Cookie": cookie} if cookie else {})})
        answer = connection.getresponse()
        body = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{path}: {answer.status}: {body[:500]!r}")
    return body


def _signed_in(port: int, who: str) -> str:
    """The cookie of somebody of the cast."""
    path, cookie = f"/sign-in/{who}", ""
    for _ in range(2):
        with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
            answer = connection.getresponse()
            answer.read()
        path = answer.getheader("Location") or ""
        given = [value for name, value in answer.getheaders() if name.lower() == "set-cookie"]
        cookies = [
            found[0] for value in given if (found := _COOKIE.match(value)) and not found[0].endswith('=""')
        ]
        if answer.status != 303 or not cookies:
            raise SystemExit(f"{who} could not sign in: {answer.status}")
        cookie = cookies[0]
    return cookie


# the demo


@contextmanager
def _town(persons: int) -> Iterator[Path]:
    """A copy of the demo's instance, toured, with rates that do not stop us."""
    held = cached(f"town-{persons}", partial(_build, persons=persons))
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="run-") as place:
        folder = Path(place) / "town"
        shutil.copytree(held / "town", folder)
        with (folder / "publica.toml").open("a", encoding="utf-8") as settings:
            settings.write(RATES)
        yield folder


def _build(folder: Path, persons: int) -> None:
    run(folder / "town", persons, _silent)


def _silent(_: str) -> None:
    """Nothing is shown of the tour."""


@contextmanager
def _served(folder: Path, persons: int) -> Iterator[Server]:
    """`publica demo` of that folder."""
    command = [sys.executable, "-m", "publica", "demo", "--dir", str(folder), "--persons", str(persons)]
    server = Server([*command, "--port", "0"], folder.parent / "server.log")
    try:
        yield server
    finally:
        server.stop()


def _add_uses(folder: Path, persons: int, count: int) -> None:
    """Receipts of uses that touched the first citizen, among others, written as the gateway writes them."""
    chance = random.Random(5)
    with closing(Instance.open(folder)) as instance:
        citizen = _first_citizen(instance, persons)
        size = persons
        private = Private("stella", "operator", "bench", "SELECT …")
        for at in range(0, count, 100):
            some = [
                prepare(instance.keys, _receipt(), private, _set(chance, citizen, size))
                for _ in range(min(100, count - at))
            ]
            instance.db.write(partial(_write_all, some))
            index.compact(instance.db, instance.keys)
        instance.checkpoint()


def _write_all(prepared: Sequence[Prepared], change: Change) -> None:
    for each in prepared:
        write(change, each)


def _first_citizen(instance: Instance, persons: int) -> int:
    """The position of whom `citizen-1` is."""
    stage = prepare_demo(instance.folder, persons, _silent)
    try:
        return instance.position(stage.citizen.key)
    finally:
        stage.instance.close()


def _set(chance: random.Random, citizen: int, size: int) -> SubjectSet:
    """The citizen and others: mostly few, now and then a tenth of everybody."""
    many = size // 10 if chance.random() < 0.05 else 20
    return SubjectSet.from_positions({citizen, *(chance.randrange(size) for _ in range(many))}, size)


def _receipt() -> Receipt:
    columns = {"population": ("birth_date", "municipality"), "hospital_stays": ("admitted", "diagnosis_code")}
    return Receipt(
        id=draw("use"),
        organisation="statistics",
        activity="health_research",
        outcome="released",
        purpose="dpv:ScientificResearch",
        basis="consent",
        authenticated="operator",
        agreements=("health-statistics", "civil-registry-statistics-research"),
        datasets=("population@1", "hospital_stays@1"),
        columns=columns,
        rows=20,
        form="rows",
        protection="pseudonymous rows",
    )


def _people(folder: Path, file: Path) -> Path:
    """The demo's people in SQLite, for Datasette."""
    source = next((folder / "material").rglob("population.csv"))
    with source.open(encoding="utf-8", newline="") as opened, sqlite3.connect(file) as database:
        lines = csv.reader(opened)
        names = next(lines)
        database.execute(f"CREATE TABLE population ({', '.join(f'{name} TEXT' for name in names)})")
        database.executemany(f"INSERT INTO population VALUES ({', '.join('?' * len(names))})", lines)
    return file


PARTS: dict[str, Callable[[argparse.Namespace], Part]] = {
    "pages": pages,
    "sizes": sizes,
    "timeline": timeline,
    "beside": beside,
}

if __name__ == "__main__":
    sys.exit(main())
