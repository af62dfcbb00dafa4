"""Law: what lies outside the mask cannot be felt, in an answer, an error or a receipt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from publica.gateway.spool import Spool

from . import records
from .oracle import same
from .plan import examples
from .poison import changed, pokes
from .questions import Question
from .world import World, build, shelf

pytestmark = pytest.mark.slow

VARIANTS = 3
ORDERED = [name for name, terms in records.TERMS.items() if terms.protection == "pseudonymous rows"]
"""What leaves under these has a total order of its own; elsewhere only its own ORDER BY gives one."""


@dataclass
class Twins:
    """Worlds, and for each activity their twins: the same to whoever looks through the activity."""

    folder: Path
    worlds: list[World]
    made: dict[tuple[int, str, int], World] = field(default_factory=dict)
    failed: int = 0

    def twin(self, number: int, activity: str, variant: int) -> World:
        key = (number, activity, variant)
        if key not in self.made:
            world = self.worlds[number]
            twin = world.copy(self.folder / "-".join(map(str, key)))
            twin.publish(changed(world, activity, variant))
            self.made[key] = twin
        return self.made[key]


@pytest.fixture(scope="module")
def twins(module_state: str) -> Iterator[Twins]:
    with shelf() as folder:
        made = Twins(folder, [build(folder, 3, benign=True), build(folder, 1)])
        yield made
        for world in (*made.worlds, *made.made.values()):
            world.instance.close()


def test_values_of_those_who_are_not_in_change_nothing(twins: Twins) -> None:
    """Their values become poison, or plausible others, or vanish; withheld columns change too."""

    @examples("values")
    @given(st.sampled_from((0, 0, 0, 1)), st.integers(0, VARIANTS - 1), pokes())
    def law(number: int, variant: int, asked: tuple[str, Question]) -> None:
        activity, question = asked
        one = twins.worlds[number].ask(activity, question.sql, question.params)
        other = twins.twin(number, activity, variant).ask(activity, question.sql, question.params)
        assert (one.missing, one.error) == (other.missing, other.error)
        if one.table is not None and other.table is not None:
            assert one.table.schema == other.table.schema
            assert same(one.rows, other.rows, ordered=question.ordered)
            if not question.floating and (question.ordered or activity in ORDERED):
                assert one.receipt.digest == other.receipt.digest
        assert one.receipt.entry == other.receipt.entry
        assert one.receipt.touched == other.receipt.touched
        assert one.receipt.released == other.receipt.released
        assert one.receipt.exact == other.receipt.exact
        twins.failed += one.table is None

    law()
    assert twins.failed, "no statement failed on what it may see: errors were not compared"


def test_the_range_of_unseen_values_does_not_decide_whether_a_statement_fails(twins: Twins) -> None:
    """Once it did: the engine narrowed sums by the smallest and largest value of the whole column."""
    sql = (
        "SELECT 1 AS one, sum(year) AS total FROM incomes "
        "WHERE year NOT IN (2021, 2022) OR (SELECT count(*) FROM municipalities) > 1 GROUP BY 1 ORDER BY ALL"
    )
    one = twins.worlds[0].ask("wellbeing", sql)
    other = twins.twin(0, "wellbeing", 0).ask("wellbeing", sql)
    assert one.error is None
    assert one.rows == other.rows


def test_the_bytes_of_an_answer_are_those_of_its_values(twins: Twins) -> None:
    """What the engine's memory holds under a NULL does not leave, so one answer has one digest."""
    window = "WINDOW w AS (PARTITION BY year ORDER BY person_id)"
    sql = f"SELECT income, sum(income) OVER w FROM incomes {window} ORDER BY ALL"
    seen = {twins.worlds[0].ask("wellbeing", sql).receipt.digest for _ in range(8)}
    assert len(seen) == 1


def test_how_the_engine_cuts_its_batches_does_not_show() -> None:
    """The same rows in other batches, with other leftovers under their NULLs, are the same stream."""
    digests = set()
    for cut, leftover in ((1, 7), (3, -1), (10, 2**60)):
        values = pa.array([leftover if n % 3 == 0 else n for n in range(10)], pa.int64())
        valid = pa.array([n % 3 != 0 for n in range(10)]).buffers()[1]
        column = pa.Array.from_buffers(pa.int64(), 10, [valid, values.buffers()[1]])
        spool = Spool(pa.schema([("n", pa.int64())]), rows=10, size=10_000)
        for batch in pa.table({"n": column}).to_batches(max_chunksize=cut):
            spool.add(batch)
        spool.close()
        digests.add((spool.rows, spool.size, spool.digest))
    assert len(digests) == 1
