"""Law: an answer is that of the same statement over copies from which what may not be seen was deleted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from . import records
from .oracle import Oracle, same
from .plan import examples
from .questions import Question, questions
from .world import CHOICES, World, build, shelf

pytestmark = pytest.mark.slow

SEEDS = (0, 1, 2)
PERSONS = [f"P-{n:03}" for n in range(30)]


@dataclass
class Bench:
    """The worlds, and for each activity the copies as its choices stand."""

    worlds: list[World]
    oracles: dict[tuple[int, str], Oracle] = field(default_factory=dict)
    asked: int = 0
    answered: int = 0

    def oracle(self, number: int, activity: str) -> Oracle:
        key = (number, activity)
        if key not in self.oracles:
            self.oracles[key] = Oracle(self.worlds[number], activity)
        return self.oracles[key]

    def choose(self, number: int, activity: str, person: str, change: bool) -> None:
        world = self.worlds[number]
        if activity in CHOICES and person in world.position:
            world.choose(person, activity, CHOICES[activity] if change else "withdraw")
            known = self.oracles.pop((number, activity), None)
            if known is not None:
                known.close()


@pytest.fixture(scope="module")
def bench(module_state: str) -> Iterator[Bench]:
    with shelf() as folder:
        made = Bench([build(folder, seed) for seed in SEEDS])
        yield made
        for oracle in made.oracles.values():
            oracle.close()
        for world in made.worlds:
            world.instance.close()


def test_an_answer_equals_the_statement_over_copies_without_what_may_not_be_seen(bench: Bench) -> None:
    """Whatever the activity, its agreements, the choices so far and those made just before asking."""

    @examples("answers")
    @given(
        st.integers(0, len(SEEDS) - 1),
        questions(),
        st.none() | st.none() | st.none() | st.tuples(st.sampled_from(PERSONS), st.booleans()),
    )
    def law(number: int, asked: tuple[str, Question], choice: tuple[str, bool] | None) -> None:
        activity, question = asked
        if choice is not None:
            bench.choose(number, activity, *choice)
        check(bench, number, activity, question)

    law()
    assert bench.answered >= 0.9 * bench.asked


def check(bench: Bench, number: int, activity: str, question: Question) -> None:
    expected: list[tuple[object, ...]] | None
    try:
        expected = bench.oracle(number, activity).answer(question.sql, question.params)
    except duckdb.Error:
        expected = None
    result = bench.worlds[number].ask(activity, question.sql, question.params)
    bench.asked += 1
    if result.table is None:
        assert expected is None, (activity, question, result.missing, result.error)
        assert not question.forbidden or result.missing
        return
    bench.answered += 1
    assert expected is not None, (activity, question)
    assert same(result.rows, expected, ordered=question.ordered), (activity, question, result.rows, expected)
    assert result.receipt.entry["outcome"] == "released"
    assert result.receipt.entry["rows"] == len(expected)


@pytest.mark.parametrize("activity", sorted(records.TERMS))
def test_every_table_whole(bench: Bench, activity: str) -> None:
    """Nothing is lost either: each dataset, column by column, is exactly its copy."""
    from .questions import tables

    for dataset, columns in tables(activity).items():
        for number in range(len(SEEDS)):
            names = ", ".join(name for name, _ in columns)
            check(bench, number, activity, Question(f"SELECT {names} FROM {dataset}", {}))
