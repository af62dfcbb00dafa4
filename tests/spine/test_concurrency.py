"""Many at once: withdrawals, grants and uses from 50 threads, in one process and in two, break no law."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import select

from publica.gateway import use
from publica.gateway.quota import spent
from publica.instance import Instance
from publica.kernel.errors import Refused

from . import support
from .support import RESEARCH, process
from .worker import Storm

PATIENCE = 60
"""Seconds after which a thread counts as hung."""
GRANT_RULES = "civil-registry-social-services"


@pytest.fixture
def folder(tmp_path: Path, state: str) -> Path:
    return support.copy(tmp_path / "town")


@pytest.fixture
def instance(folder: Path) -> Iterator[Instance]:
    with closing(Instance.open(folder)) as opened:
        yield opened


def some_people() -> list[str]:
    return support.people(support.template().material)[:60]


def together(count: int, work: Callable[[int], Any]) -> list[Any]:
    """`work` from so many threads at the same moment; what each returned."""
    start = threading.Barrier(count)

    def run(number: int) -> Any:
        start.wait(30)
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count), timeout=PATIENCE))


def holds(instance: Instance, told: Sequence[dict[str, Any]]) -> None:
    """Everything that the threads were told is what the choices, in the order of their counter, make true."""
    assert [each["faults"] for each in told] == [[] for _ in told]
    assert [each["hung"] for each in told] == [0 for _ in told]
    answers = [tuple(answer) for each in told for answer in each["answers"]]
    found, states = support.receipts(instance), support.consenting(instance)
    counters = {use: found[use]["choice_state"][RESEARCH] for use, _ in answers}
    assert len(counters) == len(answers)
    assert [count for _, count in answers] == [len(states[counters[use]]) for use, _ in answers]
    _nothing_lost(instance, told, states)
    _lists_agree(instance, counters, states)
    report = instance.verify_ledger()  # ChoiceLaw among others
    assert report["problems"] == []
    assert report["kinds"]["receipt"] >= len(answers)


def _nothing_lost(instance: Instance, told: Sequence[dict[str, Any]], states: list[set[int]]) -> None:
    """Each choice that was acknowledged is one step of the counter."""
    with instance.db.read() as connection:
        steps = list(support.choices.between(connection, RESEARCH, 0, 1_000_000))
    alone = Counter(str(step.action) for step in steps if not step.in_bulk)
    assert alone == Counter(action for each in told for action in each["chosen"])
    for key in some_people()[:5]:
        status = instance.choice_status(key, RESEARCH)
        assert status["allowed"] == (instance.position(key) in states[-1])


def _lists_agree(instance: Instance, counters: dict[str, int], states: list[set[int]]) -> None:
    """A person's list names exactly the uses whose answers counted them."""
    for key in some_people()[:5]:
        position = instance.position(key)
        expected = {use for use, counter in counters.items() if position in states[counter]}
        assert {use["use"] for use in instance.uses(key, support.actor("operator"))} == expected


@pytest.mark.slow
def test_50_threads_choose_and_ask(instance: Instance) -> None:
    told = Storm(instance, some_people(), threads=50, rounds=8, seed=1).rage(PATIENCE)
    holds(instance, [told])
    assert len(told["answers"]) > 100
    states = {receipt["choice_state"][RESEARCH] for receipt in support.receipts(instance).values()}
    assert len(states) > 1, "nothing was answered while people were choosing"


@pytest.mark.slow
def test_two_processes_of_25_threads_choose_and_ask(folder: Path) -> None:
    with process("worker.py", str(folder)) as one, process("worker.py", str(folder)) as other:
        for seed, worker in enumerate((one, other)):
            worker.send(do="storm", people=some_people(), threads=25, rounds=6, seed=seed, seconds=PATIENCE)
        told = [one.hear(), other.hear()]
    with closing(Instance.open(folder)) as instance:
        holds(instance, told)
    assert sum(len(each["answers"]) for each in told) > 100


def agreement() -> dict[str, Any]:
    """The agreement under which the town's heating grants are given."""
    text = (support.template().material.records / "agreements.yaml").read_text("utf-8")
    found: dict[str, Any] = next(d for d in yaml.safe_load_all(text) if d["id"] == GRANT_RULES)
    return found


def population(**transforms: str) -> dict[str, Any]:
    """What that agreement says of the population, with some columns handed over otherwise."""
    given: dict[str, Any] = next(d for d in agreement()["spec"]["datasets"] if d["dataset"] == "population")
    return {**given, "columns": {**given["columns"], **transforms}}


def agree(folder: Path, tmp_path: Path, **terms: Any) -> None:
    """Revise an agreement of the town."""
    document = agreement()
    document["spec"].update(terms)
    revised = tmp_path / "revised.yaml"
    revised.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    with closing(Instance.open(folder)) as instance:
        instance.apply((revised,), support.actor("sam"))


def try_to_use(instance: Instance, sql: str, times: int) -> Callable[[int], list[str]]:
    def work(_: int) -> list[str]:
        outcomes = []
        for _ in range(times):
            try:
                answer = support.ask(instance, sql, "ana", "heating_grant")
            except Refused as refusal:
                outcomes += [clause.reason for clause in refusal.decision.missing]
            else:
                outcomes.append(f"{answer.rows} rows")
        return outcomes

    return work


def spending(instance: Instance) -> list[tuple[int, int]]:
    with instance.db.read() as connection:
        rows = connection.execute(select(spent.c.uses, spent.c.rows).where(spent.c.agreement == GRANT_RULES))
        return sorted(tuple(row) for row in rows)


@pytest.mark.slow
def test_the_frequency_of_an_agreement_is_never_exceeded(folder: Path, tmp_path: Path) -> None:
    agree(folder, tmp_path, frequency=10)
    with closing(Instance.open(folder)) as instance:
        told = together(32, try_to_use(instance, "SELECT count(*) AS n FROM population", 2))
        outcomes = Counter(outcome for each in told for outcome in each)
        assert outcomes == {"1 rows": 10, "agreement-frequency": 54}
        assert 10 <= max(uses for uses, _ in spending(instance)) <= 64  # those too late to know count too
        kinds = Counter(receipt["outcome"] for receipt in support.receipts(instance).values())
        assert kinds == {"released": 10, "refused": 54}
    support.sound(folder)


@pytest.mark.slow
def test_the_volume_of_an_agreement_is_never_exceeded(folder: Path, tmp_path: Path) -> None:
    """Ten rows a use, 105 a month: ten uses fit; five more rows fit afterwards, and not a sixth."""
    agree(folder, tmp_path, volume=105)
    with closing(Instance.open(folder)) as instance:
        told = together(32, try_to_use(instance, "SELECT person_id FROM population LIMIT 10", 1))
        outcomes = Counter(outcome for each in told for outcome in each)
        assert outcomes == {"10 rows": 10, "agreement-volume": 22}
        assert max(rows for _, rows in spending(instance)) == 100
        six = try_to_use(instance, "SELECT person_id FROM population LIMIT 6", 1)(0)
        five = try_to_use(instance, "SELECT person_id FROM population LIMIT 5", 1)(0)
        one = try_to_use(instance, "SELECT person_id FROM population LIMIT 1", 1)(0)
        assert (six, five, one) == (["agreement-volume"], ["5 rows"], ["agreement-volume"])
        assert max(rows for _, rows in spending(instance)) == 105
    support.sound(folder)


@pytest.mark.slow
def test_records_change_while_people_ask(folder: Path, tmp_path: Path) -> None:
    """An agreement ends while 16 ask: whoever got an answer got it before, whoever asks after is refused."""
    with closing(Instance.open(folder)) as instance:
        ended = threading.Event()

        def work(number: int) -> list[tuple[bool, str]]:
            if number == 0:
                agree(folder, tmp_path, valid_to="2025-12-31")
                ended.set()
                return []
            outcomes = []
            for _ in range(10):
                after = ended.is_set()
                outcomes += [
                    (after, outcome)
                    for outcome in try_to_use(instance, "SELECT count(*) AS n FROM population", 1)(0)
                ]
            return outcomes

        told = Counter(outcome for each in together(16, work) for outcome in each)
        assert (True, "1 rows") not in told
        assert set(told) <= {(False, "1 rows"), (False, "agreement-in-force"), (True, "agreement-in-force")}
        assert try_to_use(instance, "SELECT 1 AS n FROM population", 1)(0) == ["agreement-in-force"]
    support.sound(folder)


def test_a_statement_is_read_again_when_a_record_changed_since(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read while households were plain, it may not run once they are pseudonyms: it was not checked so."""
    sql = "SELECT household_id || '!' AS k FROM population LIMIT 1"
    with closing(Instance.open(folder)) as instance:
        assert try_to_use(instance, sql, 1)(0) == ["1 rows"]
        known, before = use.know, []

        def know(*given: Any) -> Any:
            if not before:
                before.append(True)
                hidden = [population(household_id="pseudonym")]
                agree(folder, tmp_path, datasets=hidden, protection="pseudonymous rows")
            return known(*given)

        monkeypatch.setattr(use, "know", know)
        assert try_to_use(instance, sql, 1)(0) == ["sql-pseudonym-opaque"]
    support.sound(folder)
