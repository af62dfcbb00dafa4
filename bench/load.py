"""`./dev bench load`: many clients at once on the demo, and the server killed in their midst.

Clients ask without a pause, each over a connection of its own, from an address of its own (named by a proxy).
Whatever answer a client received must have its receipt in the ledger; that is looked up afterwards, in the
state database and by verifying the whole ledger.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from bench.cache import CACHE
from bench.clients import Connection, Lost, Server, lasting
from bench.report import Part, table
from bench.timing import percentile
from publica.demo.prepare import prepare
from publica.instance import Instance, credentials
from publica.kernel.actor import Actor
from publica.trust.transparency.store import uses

OPERATOR = Actor("operator", "operator", "bench")
USES = "/api/v1/uses"
RECEIPT = "publica-receipt"
ASKS = {
    "stella": (
        ("health_research", "SELECT count(*) AS stays FROM hospital_stays WHERE hospital <> '{0}'"),
        ("health_research", "SELECT diagnosis_code, count(*) AS n FROM hospital_stays GROUP BY 1 ORDER BY 1"),
        ("labour_statistics", "SELECT year, count(*) AS people, avg(income) AS mean FROM incomes GROUP BY 1"),
        ("open-access", "SELECT country, value FROM open_data_index ORDER BY country, value"),
    ),
    "ana": (
        ("heating_grant", "SELECT person_id, household_id FROM population WHERE municipality = '{0}'"),
        ("heating_grant", "SELECT address FROM population"),  # refused: the receipt is in the refusal
        ("open-access", "SELECT socket, count(*) AS points FROM charging_points GROUP BY 1 ORDER BY 1"),
    ),
    "axel": (("software_tests", "SELECT name FROM population"),),  # refused
}
"""What the demo's officials ask. `{0}` differs from question to question."""
READS = ("/api/v1/ledger/checkpoint", "/api/v1/datasets", "/health")
MEMORY_MIB, GROWTH = 1500.0, 1.25


@dataclass
class Tally:
    """What the clients saw."""

    statuses: Counter[int] = field(default_factory=Counter)
    receipts: list[str] = field(default_factory=list)
    spent: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    cut: int = 0


@dataclass(frozen=True)
class Town:
    """The demo, and a token of each official who asks."""

    folder: Path
    tokens: dict[str, str]


def main(arguments: list[str] | None = None) -> int:
    """Run both parts; 1 when anything was lost."""
    parser = argparse.ArgumentParser(prog="./dev bench load", description=__doc__)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--persons", type=int, default=50_000)
    parser.add_argument(
        "--kills", type=int, default=3, help="how often the server is killed in the second part"
    )
    parser.add_argument("--only", default="steady,killed")
    parser.add_argument("--format", choices=("table", "json"), default="table")
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


def steady(asked: argparse.Namespace) -> Part:
    """All clients for the whole time: no error, no lost receipt, memory bounded."""
    part = Part(
        "steady", f"{asked.clients} clients for {asked.seconds:g} s on the demo of {asked.persons} persons"
    )
    with town(asked.persons) as made:
        server = Server.publica(made.folder, made.folder.parent / "server.log")
        tally, memory = asyncio.run(_steady(server, made, asked.clients, asked.seconds))
        peak = server.peak()
        part.add("exit code of the server", server.stop(), "", 0)
        _told(part, tally, asked.seconds)
        part.add("answers that are errors", sum(tally.errors.values()), "", 0, detail=str(dict(tally.errors)))
        part.add("connections lost", tally.lost + tally.cut, "", 0)
        _kept(part, made.folder, tally)
        later = memory[len(memory) // 2 :]
        part.add("memory: peak", peak, "MiB", MEMORY_MIB)
        part.add("memory: end of the run ÷ its middle", later[-1] / later[0], "×", GROWTH)
        part.memory["publica"] = peak
    return part


async def _steady(server: Server, made: Town, many: int, seconds: float) -> tuple[Tally, list[float]]:
    tally, until, memory = Tally(), time.monotonic() + seconds, [server.memory()]

    async def watch() -> None:
        while time.monotonic() < until:
            await asyncio.sleep(min(1.0, seconds / 10))
            memory.append(server.memory())

    over = lambda: time.monotonic() >= until  # noqa: E731
    clients = [client(server.port, made, number, over, tally) for number in range(many)]
    await asyncio.gather(watch(), *clients)
    return tally, memory


def killed(asked: argparse.Namespace) -> Part:
    """The same, and the server is killed (SIGKILL) and started again while they ask."""
    part = Part("killed", f"{asked.clients} clients; the server killed {asked.kills} times and started again")
    with town(asked.persons) as made:
        server = Server.publica(made.folder, made.folder.parent / "server.log", lasting())
        tally = asyncio.run(_killed(server, made, asked.clients, asked.seconds, asked.kills))
        part.add("exit code of the server", server.stop(), "", 0)
        _told(part, tally, asked.seconds)
        part.add("answers that are errors", sum(tally.errors.values()), "", 0, detail=str(dict(tally.errors)))
        part.add("requests without an answer", tally.lost, "", detail="the server was killed")
        part.add("answers cut short", tally.cut, "", detail="they count as received: the receipt came first")
        _kept(part, made.folder, tally)
    return part


async def _killed(server: Server, made: Town, many: int, seconds: float, kills: int) -> Tally:
    tally, ended = Tally(), asyncio.Event()
    draws = random.Random(2026)

    async def kill() -> None:
        for _ in range(kills):
            before = len(tally.receipts)
            await asyncio.sleep(seconds / (kills + 1) * draws.uniform(0.6, 1.0))
            while len(tally.receipts) < before + 10:  # in the midst of work, however slow the machine is
                await asyncio.sleep(0.05)
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start_again)
        before = len(tally.receipts)
        while len(tally.receipts) < before + 10:
            await asyncio.sleep(0.05)
        ended.set()

    clients = [client(server.port, made, number, ended.is_set, tally) for number in range(many)]
    await asyncio.gather(kill(), *clients)
    return tally


async def client(port: int, made: Town, number: int, over: Callable[[], bool], tally: Tally) -> None:
    """One client: asks, reads the whole answer, asks again. Every tenth request only reads."""
    official = ("stella", "stella", "ana", "ana", "axel")[number % 5]
    who = {"Authorization": f"Bearer {made.tokens[f'{official}-{number % OFFICIALS}']}"}
    address = {"X-Forwarded-For": f"10.{number // 62500 % 250}.{number // 250 % 250}.{number % 250 + 1}"}
    connection, turn = Connection(port, {**who, **address}), number
    while not over():
        turn += 1
        start = time.perf_counter()
        try:
            if turn % 10 == 0:
                reply = await connection.ask("GET", READS[turn // 10 % len(READS)], keep=4000)
            else:
                reply = await connection.ask("POST", USES, _question(official, turn), "*/*", keep=4000)
        except Lost:
            tally.lost += 1
            await asyncio.sleep(0.1)
            continue
        tally.spent.append(time.perf_counter() - start)
        tally.statuses[reply.status] += 1
        tally.cut += not reply.whole
        receipt = reply.headers.get(RECEIPT)
        if reply.status == 403 and reply.whole:
            receipt = json.loads(reply.body).get("receipt")
        if receipt:
            tally.receipts.append(receipt)
        refused = reply.status == 403 and (receipt or not reply.whole)
        if reply.status != 200 and not refused:
            tally.errors[f"{reply.status} {_detail(reply.body)}"] += 1
    connection.close()


def _detail(body: bytes) -> str:
    """What a problem says, without what is its alone."""
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        return body[:80].decode("utf-8", "replace")


def _question(official: str, turn: int) -> bytes:
    activity, sql = ASKS[official][turn % len(ASKS[official])]
    return json.dumps({"sql": sql.format(1101 + turn % 4), "activity": activity}).encode()


def _told(part: Part, tally: Tally, seconds: float) -> None:
    part.add("answers", sum(tally.statuses.values()), "", detail=str(dict(sorted(tally.statuses.items()))))
    part.add("answers a second", sum(tally.statuses.values()) / seconds, "/s")
    spent = tally.spent or [0.0]
    part.add(
        "time of an answer: p50", percentile(spent, 0.5), "s", detail=f"p99 {percentile(spent, 0.99):.1f} s"
    )


def _kept(part: Part, folder: Path, tally: Tally) -> None:
    """Look every receipt up that a client received, and verify the ledger."""
    opened = Instance.open(folder)
    try:
        with opened.db.read() as connection:
            there = set(connection.execute(select(uses.c.id)).scalars())
        part.add("receipts that clients received", len(tally.receipts), "", 1, at="least")
        part.add("of these not in the ledger", len(set(tally.receipts) - there), "", 0)
        twice = len(tally.receipts) - len(set(tally.receipts))
        part.add("of these given out twice", twice, "", 0)
        opened.checkpoint()
        verified = opened.verify_ledger()
        detail = "; ".join(verified["problems"][:3])
        part.add("problems of the ledger", len(verified["problems"]), "", 0, detail=detail)
    finally:
        opened.close()


OFFICIALS = 20
"""Officials of each kind, so that no single one asks for all clients."""


@contextmanager
def town(persons: int):  # type: ignore[no-untyped-def]
    """The demo, with colleagues of its officials, served behind a proxy on this machine."""
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="run-") as place:
        folder = Path(place) / "town"
        stage = prepare(folder, persons, lambda _text: None)
        instance = stage.instance
        file = Path(place) / "colleagues.yaml"
        file.write_text("\n---\n".join(json.dumps(each) for each in _colleagues(instance)), "utf-8")
        instance.apply([file], OPERATOR)
        tokens = {}
        for official in ASKS:
            for number in range(OFFICIALS):
                name = f"{official}-{number}"
                _, tokens[name] = credentials.create(instance, name, "load", OPERATOR)
        instance.close()
        with (folder / "publica.toml").open("a", encoding="utf-8") as settings:
            settings.write('\n[serve]\ntrusted_proxies = ["127.0.0.1"]\n')
        yield Town(folder, tokens)


def _colleagues(instance: Instance) -> list[dict[str, object]]:
    """Officials beside each of those who ask, with the same roles."""
    book, made = instance.book(), []
    for official in ASKS:
        record = book.get("official", official)
        assert record is not None
        held = [each.spec for each in book.all("role") if each.spec.official == official]
        for number in range(OFFICIALS):
            name = f"{official}-{number}"
            spec: dict[str, object] = {"name": name, "organisation": record.spec.organisation}
            made.append({"kind": "official", "id": name, "spec": spec})
            for role in held:
                spec = {**role.json_value, "official": name}
                made.append({"kind": "role", "id": f"{name}-{role.role}".replace(" ", "-"), "spec": spec})
    return made


PARTS: dict[str, Callable[[argparse.Namespace], Part]] = {"steady": steady, "killed": killed}

if __name__ == "__main__":
    sys.exit(main())
