"""A process with an open instance and a warm engine: does what each JSON line says, and answers with one."""

from __future__ import annotations

import json
import random
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from publica.gateway.door import Request
from publica.instance import Instance
from publica.kernel.actor import Actor
from publica.kernel.errors import PublicaError, Refused, Unavailable

RESEARCH = "health_research"
QUESTIONS = (
    "SELECT count(DISTINCT person_id) AS n FROM population",
    "SELECT count(*) AS n FROM population",
    "SELECT person_id FROM population",
    "SELECT count(DISTINCT p.person_id) AS n FROM population p LEFT JOIN hospital_stays s "
    "ON s.person_id = p.person_id",
)
"""Each tells how many people consent."""
PAUSE = 3.0
"""Longest pause between two choices of one thread, so that answers are made between choices too."""


def actor(name: str) -> Actor:
    return Actor(name, "operator", "tester")


def use(instance: Instance, given: dict[str, Any]) -> dict[str, Any]:
    request = Request(actor(given["as"]), given["activity"], given["sql"], given.get("params", {}))
    try:
        answer = instance.use(request)
    except Refused as refusal:
        return {"refused": [clause.reason for clause in refusal.decision.missing], "receipt": refusal.receipt}
    except PublicaError as error:
        return {"error": type(error).__name__, "what": error.what}
    return {
        "receipt": answer.receipt,
        "rows": json.loads(json.dumps(answer.table().to_pylist(), default=str)),
    }


class Storm:
    """Many threads that withdraw, consent and ask, all at once. What happened stands in the three lists.

    Each asks so many times, or chooses for many; one by one people choose until nobody asks any more.
    """

    def __init__(self, instance: Instance, people: list[str], threads: int, rounds: int, seed: int) -> None:
        self.instance, self.people, self.rounds = instance, people, rounds
        self.answers: list[tuple[str, int]] = []
        self.late: list[str] = []
        self.chosen: list[str] = []
        self.faults: list[str] = []
        self._start = threading.Barrier(threads)
        self._asking = sum(_asks(number) for number in range(threads))
        self._counting = threading.Lock()
        self._threads = [
            threading.Thread(
                target=self._run, args=(number, random.Random(seed * 1000 + number)), daemon=True
            )
            for number in range(threads)
        ]

    def rage(self, seconds: float) -> dict[str, Any]:
        for thread in self._threads:
            thread.start()
        for thread in self._threads:
            thread.join(seconds)
        hung = sum(thread.is_alive() for thread in self._threads)
        return {
            "answers": self.answers,
            "late": self.late,
            "chosen": self.chosen,
            "faults": self.faults,
            "hung": hung,
        }

    def _run(self, number: int, draw: random.Random) -> None:
        try:
            self._start.wait(30)
            if _chooses(number):
                while self._asking:
                    self._choose(draw)
            for _ in range(0 if _chooses(number) else self.rounds):
                self._ask(draw) if _asks(number) else self._choose_many(draw)
        except Exception as error:  # noqa: BLE001 (told to the test)
            self.faults.append(repr(error))
        finally:
            with self._counting:
                self._asking -= _asks(number)

    def _choose(self, draw: random.Random) -> None:
        action = draw.choice(("grant", "withdraw"))
        made = self.instance.choose(draw.choice(self.people), RESEARCH, action, actor("operator"))
        if made["changed"]:
            self.chosen.append(action)
        time.sleep(draw.uniform(0, PAUSE))

    def _choose_many(self, draw: random.Random) -> None:
        action = draw.choice(("grant", "withdraw"))
        lines = [f"{key},{action}\n" for key in draw.sample(self.people, 30)]
        with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
            file.writelines(["person_key,action\n", *lines])
            file.flush()
            self.instance.choose_many(Path(file.name), RESEARCH, actor("operator"))

    def _ask(self, draw: random.Random) -> None:
        try:
            answer = self.instance.use(Request(actor("stella"), RESEARCH, draw.choice(QUESTIONS)))
        except Unavailable as error:
            self.late.append(error.what)
            return
        table = answer.table()
        count = table["n"][0].as_py() if "n" in table.column_names else table.num_rows
        self.answers.append((answer.receipt or "", count))


def _chooses(number: int) -> bool:
    """Two of five threads choose, one of 25 for many at once; the others ask."""
    return number % 5 < 2


def _asks(number: int) -> bool:
    return not _chooses(number) and number % 25 != 2


def spend(instance: Instance, given: dict[str, Any]) -> list[str]:
    """The same question from many threads at once, several times each: what each time became of it."""
    outcomes: list[str] = []
    start = threading.Barrier(given["threads"])

    def run() -> None:
        start.wait(30)
        for _ in range(given["times"]):
            told = use(instance, given)
            outcomes.append(told["refused"][0] if "refused" in told else f"{len(told['rows'])} rows")

    threads = [threading.Thread(target=run) for _ in range(given["threads"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def each(instance: Instance, given: dict[str, Any]) -> list[dict[str, Any]]:
    """Several questions, from many threads at once, in turns: what each was told."""
    told: list[dict[str, Any]] = []
    start = threading.Barrier(given["threads"])

    def run(number: int) -> None:
        sql = given["sql"][number % len(given["sql"])]
        start.wait(30)
        told.append({"sql": sql, **use(instance, {**given, "sql": sql})})

    threads = [threading.Thread(target=run, args=(number,)) for number in range(given["threads"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


def do(instance: Instance, given: dict[str, Any]) -> Any:
    if given["do"] == "use":
        return use(instance, given)
    if given["do"] == "choose":
        return instance.choose(given["key"], given["activity"], given["action"], actor("operator"))
    if given["do"] == "spend":
        return spend(instance, given)
    if given["do"] == "each":
        return each(instance, given)
    assert given["do"] == "storm"
    storm = Storm(instance, given["people"], given["threads"], given["rounds"], given["seed"])
    return storm.rage(given["seconds"])


def main() -> None:
    with closing(Instance.open(Path(sys.argv[1]))) as instance:
        for line in sys.stdin:
            sys.stdout.write(json.dumps(do(instance, json.loads(line))) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
