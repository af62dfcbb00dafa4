"""`./dev bench http`: what a use costs over HTTP, with a real server (`publica serve`) of its own process."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from urllib.parse import quote

import duckdb

from bench import data
from bench.cache import CACHE
from bench.clients import Connection, Lost, Server
from bench.report import Part, table
from bench.timing import percentile
from publica.instance import Instance, credentials
from publica.kernel.actor import Actor

SMALL_PERSONS, OFFICE_PERSONS, MANY_PERSONS = 200, 50_000, 1_450_000
SMALL_MS, SHARE, TIMES, CLIENTS = 12.0, 0.7, 1.0, 32
WARM = 0.25
"""Part of the time that warms both sides and is not counted."""
MANNERS = (("asked again", False), ("computed each time", True))
"""As an instance is, and with no answer kept (`[engine] answers = 0`)."""
USES = "/api/v1/uses"
ARROW, JSON = "application/vnd.apache.arrow.stream", "application/json"
TOTAL = (
    "SELECT municipality, avg(income) AS mean, count(*) AS n FROM population WHERE income > 40000 GROUP BY 1"
)
ONE = "SELECT municipality, income FROM population WHERE person_id = 'P-{:08d}'"
ALL = "SELECT person_id, sex, birth_year, municipality, income FROM population"
OPEN = "open_population"
OPERATOR = Actor("operator", "operator", "bench")


@dataclass(frozen=True)
class Office:
    """An instance that is served, and a token to ask it with."""

    folder: Path
    token: str

    def connection(self, port: int) -> Connection:
        return Connection(port, {"Authorization": f"Bearer {self.token}"})


def main(arguments: list[str] | None = None) -> int:
    """Run the parts asked for; 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="./dev bench http", description=__doc__)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, such as small,rows")
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


# small uses


def small(asked: argparse.Namespace) -> Part:
    """One client, one use after the other, over next to no data."""
    part = Part("small", f"a small use over HTTP: {SMALL_PERSONS} persons, one client, JSON")
    runs = 20 if asked.quick else 400
    with tempfile.TemporaryDirectory(dir=CACHE) as place:
        office = made(Path(place), SMALL_PERSONS)
        for how, computed in MANNERS:
            data.compute(office.folder, computed)
            with served(office) as server:
                for name, sql in (("total", TOTAL), ("rows", "SELECT person_id, income FROM population")):
                    spent = asyncio.run(_one_after_another(office.connection(server.port), sql, runs))
                    target = None if asked.quick or computed else SMALL_MS
                    detail = f"p99 {percentile(spent, 0.99):.1f} ms"
                    part.add(f"{name}, {how}: p50", percentile(spent, 0.5), "ms", target, detail=detail)
                health = asyncio.run(_health(office.connection(server.port), runs))
                part.memory[f"publica, {how}"] = server.peak()
        part.add("for comparison, /health: p50", percentile(health, 0.5), "ms")
    return part


async def _one_after_another(connection: Connection, sql: str, runs: int) -> list[float]:
    """Milliseconds of each use, the first ones left out."""
    spent = []
    for number in range(runs + 20):
        start = time.perf_counter()
        reply = await connection.ask("POST", USES, _question(sql), JSON)
        if number >= 20:
            spent.append(1000 * (time.perf_counter() - start))
        if reply.status != 200 or "publica-receipt" not in reply.headers:
            raise SystemExit(f"{reply.status}: {reply.body[:500]!r}")
    connection.close()
    return spent


async def _health(connection: Connection, runs: int) -> list[float]:
    spent = []
    for _ in range(runs):
        start = time.perf_counter()
        await connection.ask("GET", "/health")
        spent.append(1000 * (time.perf_counter() - start))
    connection.close()
    return spent


# many rows


def rows(asked: argparse.Namespace) -> Part:
    """About a million rows as Arrow, beside DuckDB writing as many rows of the same file to a pipe."""
    persons = 20_000 if asked.quick else MANY_PERSONS
    part = Part("rows", "many rows as an Arrow stream, beside plain DuckDB writing one to a pipe")
    folder = data.people(persons)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="run-") as place:
        office = copied(folder, Path(place), "[limits]\nrows = 2000000\n")
        opened = Instance.open(office.folder)
        file = data.version(opened, "population").path
        opened.close()
        with served(office) as server:
            ours = Reading(office, server.port)
            count = ours.count()
            plain = Piped(file, count)
            spent: dict[str, list[float]] = {"ours": [], "plain": []}
            for turn in range(2 if asked.quick else 7):
                for name, side in sorted((("ours", ours), ("plain", plain)), reverse=bool(turn % 2)):
                    seconds = side.run()
                    if turn:  # the first turn warms both
                        spent[name].append(seconds)
            plain.close()
            part.memory["publica"] = server.peak()
    speed = {name: count / median(values) for name, values in spent.items()}
    size = f"{ours.size / 1e6:.0f} MB; DuckDB {plain.size / 1e6:.0f} MB"
    part.add("rows", count, "rows", detail=size)
    part.add("publica over HTTP", speed["ours"] / 1e6, "M rows/s")
    part.add("DuckDB to a pipe", speed["plain"] / 1e6, "M rows/s")
    target = None if asked.quick else SHARE
    part.add("share of DuckDB's speed", speed["ours"] / speed["plain"], "×", target, at="least")
    return part


class Reading:
    """Answers of the server, read as fast as they come and thrown away."""

    def __init__(self, office: Office, port: int) -> None:
        self.command = [sys.executable, "-c", _READ, str(port), office.token, _question(ALL).decode()]
        self.size = 0

    def run(self) -> float:
        said = json.loads(subprocess.run(self.command, check=True, capture_output=True).stdout)
        self.size = said["size"]
        return float(said["seconds"])

    def count(self) -> int:
        done = subprocess.run([*self.command, "count"], check=True, capture_output=True)
        return int(json.loads(done.stdout)["rows"])


_READ = """
import http.client, json, sys, time
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=600)
headers = {"Authorization": "Bearer " + sys.argv[2], "Content-Type": "application/json",
    "Accept": "application/vnd.apache.arrow.stream"}
start, size, rows = time.perf_counter(), 0, 0
connection.request("POST", "/api/v1/uses", sys.argv[3].encode(), headers)
answer = connection.getresponse()
assert answer.status == 200 and answer.getheader("Publica-Receipt"), answer.read(2000)
if len(sys.argv) > 4:
    import pyarrow
    rows = sum(batch.num_rows for batch in pyarrow.ipc.open_stream(answer))
else:
    while piece := answer.read1(1 << 20):
        size += len(piece)
print(json.dumps({"seconds": time.perf_counter() - start, "size": size, "rows": rows}))
"""


class Piped:
    """DuckDB in a process of its own, writing Arrow streams to a pipe whenever it is told to."""

    def __init__(self, file: Path, count: int) -> None:
        columns = ALL.removeprefix("SELECT ").partition(" FROM ")[0]
        sql = f"SELECT {columns} FROM read_parquet('{file}') LIMIT {count}"
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([sys.executable, "-c", _PIPE, sql], stdin=pipe, stdout=pipe)
        self.size = 0

    def run(self) -> float:
        asks, answers = self.process.stdin, self.process.stdout
        assert asks is not None
        assert answers is not None
        start, self.size = time.perf_counter(), 0
        asks.write(b"\n")
        asks.flush()
        # Each stream is sent in pieces after their length, so that its end shows; 0 is the end.
        while length := int.from_bytes(answers.read(4), "big"):
            self.size += len(answers.read(length))
        return time.perf_counter() - start

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


_PIPE = """
import sys, duckdb, pyarrow as pa
out = sys.stdout.buffer
class Framed:
    closed = False
    def write(self, piece):
        out.write(len(piece).to_bytes(4, "big")); out.write(piece); return len(piece)
    def flush(self): pass
connection = duckdb.connect()
for _ in sys.stdin:
    reader = connection.execute(sys.argv[1]).to_arrow_reader(100_000)
    with pa.ipc.new_stream(pa.PythonFile(Framed(), mode="w"), reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)
    out.write(bytes(4)); out.flush()
"""


# many clients


@dataclass(frozen=True)
class Case:
    """A statement that both sides answer. `computed`: ours keeps no answers. `target`: of the ratio."""

    name: str
    sql: str
    activity: str = data.ACTIVITY
    computed: bool = True
    target: float | None = TIMES


CASES = (
    Case("total, asked again", TOTAL, computed=False),
    Case("one person, another each time", ONE, computed=False, target=None),
    Case("total, computed each time", TOTAL),
    Case("total, as open data, computed each time", TOTAL.replace("population", OPEN), "open-access"),
)


def clients(asked: argparse.Namespace) -> Part:
    """Uses a second, beside Datasette with the same rows and statement, unprotected and unrecorded."""
    persons = 2_000 if asked.quick else OFFICE_PERSONS
    part = Part("clients", f"{CLIENTS} clients, {persons} persons, JSON; the sides take turns")
    folder = data.people(persons)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="run-") as place:
        rates = "[rates]\naddress_per_minute = 100000000\nactor_per_minute = 100000000\n"
        office = copied(folder, Path(place), rates)
        database = _open_too(office.folder, Path(place))
        with datasette(asked.datasette, database) as other:
            for computed in (False, True):
                data.compute(office.folder, computed)
                with served(office) as server:
                    for case in (each for each in CASES if each.computed is computed):
                        _beside(part, case, server, other, office, persons, quick=asked.quick)
                    part.memory[f"publica, {'computing' if computed else 'keeping'}"] = server.peak()
            part.memory["datasette"] = other.peak()
    return part


def _beside(
    part: Part, case: Case, server: Server, other: Server, office: Office, persons: int, *, quick: bool
) -> None:
    """Rates and processor time of both sides, in turns, and their ratio."""
    seconds, turns = (1.0, 1) if quick else (8.0, 3)
    make = partial(_statement, case.sql, persons)
    sides = {"Publica": (server, _uses(office, make, case.activity)), "Datasette": (other, _selects(make))}
    found: dict[str, list[float]] = {side: [] for side in sides}
    spent = dict.fromkeys(sides, 0.0)
    for _ in range(turns):
        for side, (at, request) in sides.items():
            before = at.spent()
            found[side].append(_rate(at.port, request, seconds))
            spent[side] += (at.spent() - before) / (found[side][-1] * seconds * (1 + WARM))
    for side, rates in found.items():
        detail = f"{1000 * spent[side] / turns:.1f} ms of a processor each"
        part.add(f"{case.name}: {side}", median(rates), "answers/s", detail=detail)
    times = median(found["Publica"]) / median(found["Datasette"])
    target = None if quick else case.target
    part.add(f"{case.name}: Publica ÷ Datasette", times, "×", target, at="least")


Asked = tuple[dict[str, str], str, str, bytes]
"""Headers, method, path and body of a request."""


def _statement(sql: str, persons: int, number: int) -> str:
    return sql.format(1 + number * 7919 % persons)


def _uses(office: Office, make: Callable[[int], str], activity: str) -> Callable[[int], Asked]:
    headers = {"Authorization": f"Bearer {office.token}"}
    return lambda number: (headers, "POST", USES, _question(make(number), activity))


def _selects(make: Callable[[int], str]) -> Callable[[int], Asked]:
    return lambda number: ({}, "GET", f"/people.json?_shape=objects&sql={quote(make(number))}", b"")


def _rate(port: int, request: Callable[[int], Asked], seconds: float) -> float:
    """Answers a second of all clients together, after one to warm each."""

    async def client(first: int, times: list[float]) -> int:
        headers, *_ = request(first)
        connection, done, number = Connection(port, headers), 0, first
        while time.perf_counter() < times[1]:
            _, method, path, body = request(number)
            reply = await connection.ask(method, path, body, JSON)
            if reply.status != 200:
                raise SystemExit(f"{reply.status}: {reply.body[:300]!r}")
            done += time.perf_counter() >= times[0]
            number += CLIENTS
        connection.close()
        return done

    async def all_of_them() -> float:
        begins = time.perf_counter() + seconds * WARM
        times = [begins, begins + seconds]
        done = await asyncio.gather(*(client(number, times) for number in range(CLIENTS)))
        return sum(done) / (time.perf_counter() - begins)

    return asyncio.run(all_of_them())


def _open_too(folder: Path, place: Path) -> Path:
    """The same rows as an open dataset, and in SQLite, indexed by the key; the SQLite file."""
    opened = Instance.open(folder)
    file, columns = data.version(opened, "population").path, data.columns("population")
    names = ", ".join(column["name"] for column in columns)
    duckdb.sql(f"COPY (SELECT {names} FROM read_parquet('{file}')) TO '{place / 'open.parquet'}'")
    plain = [{**column, "role": "attribute"} for column in columns]
    (place / "open.yaml").write_text(json.dumps(data.dataset(OPEN, "open", plain)), "utf-8")
    opened.apply([place / "open.yaml"], OPERATOR)
    opened.load(OPEN, [place / "open.parquet"], OPERATOR)
    opened.close()
    people = duckdb.sql(f"SELECT {names} FROM read_parquet('{place / 'open.parquet'}')").fetchall()
    with sqlite3.connect(place / "people.db") as database:
        for table in ("population", OPEN):
            database.execute(
                f"CREATE TABLE {table} (person_id TEXT PRIMARY KEY, sex TEXT, birth_year INTEGER, "
                "municipality TEXT, income INTEGER)"
            )
            database.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?)", people)
    return place / "people.db"


@contextmanager
def datasette(python: str, database: Path) -> Iterator[Server]:
    """Datasette serving a database as it is usually served: immutable, unlimited in time as ours is."""
    command = [python, "-m", "datasette", "serve", "-i", str(database), "--host", "127.0.0.1", "--port", "0"]
    command += ["--setting", "sql_time_limit_ms", "60000", "--setting", "max_returned_rows", "100000"]
    server = Server(command, database.with_suffix(".log"))
    try:
        yield server
    finally:
        server.stop()


# instances


def made(place: Path, persons: int) -> Office:
    """A fresh instance of so many persons."""
    instance = data.create(place, data.personal(tuple(data.PERSONAL)))
    for name in data.PERSONAL:
        instance.load(name, [data.generate(place, name, persons)], data.OPERATOR)
    data.consents(instance)
    return _with_token(instance)


def copied(folder: Path, place: Path, settings: str) -> Office:
    """A copy of a cached instance with further settings."""
    shutil.copytree(folder / "instance", place / "instance", copy_function=data.link_data)
    with (place / "instance" / "publica.toml").open("a", encoding="utf-8") as file:
        file.write("\n" + settings)
    return _with_token(Instance.open(place / "instance"))


def _with_token(instance: Instance) -> Office:
    _, token = credentials.create(instance, "stella", "bench", OPERATOR)
    instance.close()
    return Office(instance.folder, token)


@contextmanager
def served(office: Office) -> Iterator[Server]:
    """The instance served in a process of its own."""
    server = Server.publica(office.folder, office.folder.parent / "server.log")
    try:
        yield server
    except Lost as lost:
        raise SystemExit(f"The server lost a connection: {lost}; {server.log.read_text()[-2000:]}") from lost
    finally:
        server.stop()


def _question(sql: str, activity: str = data.ACTIVITY) -> bytes:
    return json.dumps({"sql": sql, "activity": activity}).encode()


PARTS: dict[str, Callable[[argparse.Namespace], Part]] = {"small": small, "rows": rows, "clients": clients}

if __name__ == "__main__":
    sys.exit(main())
