"""A cell that came out is known again, whatever changed around it, and whether or not its answer was given."""

# ruff: noqa: E501 (a statement stays on its line)
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from publica.gateway.aggregate import protect, run
from publica.kernel.errors import BadInput, TimedOut
from publica.trust.privacy import noise

from .lent import Lent

COUNT = 200
KEYS = [f"P-{number:05d}" for number in range(COUNT)]
FEW = 3
"""So many have an area, a visit, that the others have not."""


@pytest.fixture
def lent(tmp_path: Path) -> Iterator[Lent]:
    """Everybody lives in one of two towns and was with the doctor in the south and with the optician in the
    north; a few with the doctor in the north as well."""
    people = ([key, f"T{n % 2}", "11A" if n < FEW else "11B", 30_000 + n] for n, key in enumerate(KEYS))
    visits = [[key, kind, place, 5] for key in KEYS for kind, place in (("gp", "south"), ("eye", "north"))]
    made = Lent(tmp_path, people, [*visits, *([key, "gp", "north", 9] for key in KEYS[:FEW])])
    yield made
    made.instance.close()


# copies of a dataset

TWICE = "FROM visits a JOIN visits b ON a.person_id = b.person_id WHERE"


def test_copies_of_a_dataset_are_told_apart(lent: Lent) -> None:
    """Who saw the doctor and was in the north, anywhere or in the south: they differ by a few."""
    assert lent.ask("exact", f"SELECT count(*) {TWICE} a.kind = 'gp' AND b.place = 'north'")
    lacking = f"SELECT count(*) {TWICE} a.kind = 'gp' AND a.place = 'south' AND b.place = 'north'"
    assert lent.ask("exact", lacking) == []


@pytest.mark.parametrize("activity", ["exact", "noisy"])
def test_which_copy_is_named_first_does_not_matter(lent: Lent, activity: str) -> None:
    sql = f"SELECT count(*) {TWICE} {{}}"
    found = lent.ask(activity, sql.format("a.kind = 'gp' AND b.kind = 'eye'"))
    assert found == lent.ask(activity, sql.format("a.kind = 'eye' AND b.kind = 'gp'"))
    assert lent.remembered == 1
    both = lent.ask(activity, f"SELECT a.kind AS one, b.kind AS other, count(*) {TWICE} TRUE GROUP BY 1, 2")
    shown = {row[:2]: row[2] for row in both}
    assert shown["gp", "eye"] == shown["eye", "gp"] == found[0][0]


def test_a_dataset_is_joined_with_itself_once(lent: Lent) -> None:
    """With each copy the noise, and what it takes to draw it, would grow by all rows that anybody has."""
    joins = " ".join(f"JOIN visits v{n} USING (person_id)" for n in (1, 2))
    assert lent.refusal("noisy", f"SELECT count(*) FROM visits v0 {joins}") == "aggregate-form"


# amended records


def test_an_amended_transform_makes_another_cell_of_the_same_value(lent: Lent) -> None:
    """A prefix of two characters, then of three: the second cell lacks a few of the first."""
    assert lent.ask("exact", "SELECT count(*), sum(income) FROM people WHERE area = '11'")
    lent.amend(area="region prefix 3")
    assert lent.ask("exact", "SELECT count(*), sum(income) FROM people WHERE area = '11B'") == []


BY_TOWN = "SELECT town, count(*), avg(income) FROM people GROUP BY town"


def test_noise_of_another_size_is_not_given_to_the_same_people(lent: Lent) -> None:
    """With every amendment another draw: their average would be the true count."""
    before = lent.ask("noisy", BY_TOWN)
    assert len(before) == 2 and lent.ask("noisy", BY_TOWN) == before
    lent.aggregates("noisy", noise=5.5)
    assert lent.ask("noisy", BY_TOWN) == []
    again = "FROM people p JOIN people q USING (person_id)"
    assert lent.ask("noisy", f"SELECT p.town, count(*) {again} GROUP BY 1") == []
    lent.aggregates("noisy", noise=0)
    assert lent.ask("noisy", "SELECT count(*) FROM people WHERE town = 'T0'") == []


def test_as_after_any_change_it_comes_out_again_when_enough_people_changed(lent: Lent) -> None:
    assert lent.ask("noisy", BY_TOWN)
    lent.aggregates("noisy", noise=5.5)
    lent.object("noisy", [key for n, key in enumerate(KEYS) if n % 2][:60])
    assert [row[0] for row in lent.ask("noisy", BY_TOWN)] == ["T1"]


def test_a_table_of_one_cell_comes_out_again(lent: Lent) -> None:
    """Without noise: what its cells add up to has the people of its only cell, and is not held against it."""
    sql = "SELECT area, count(*) FROM people GROUP BY area"
    assert lent.ask("exact", sql) == lent.ask("exact", sql) == [("11", COUNT)]
    assert lent.ask("exact", "SELECT count(*) FROM people") == []


# answers that are not given

PREDICATE = (
    "SELECT r.i FROM (SELECT count(*) AS n FROM people WHERE town = 'T0') t, range(5) r(i) WHERE t.n >= 10"
)


def test_what_is_withheld_counts_as_released(lent: Lent) -> None:
    """That an answer was too long says what its condition says of a cell."""
    lent.amend(volume=3)
    assert lent.refusal("noisy", PREDICATE) == "agreement-volume"
    assert lent.remembered == 1
    lent.object("noisy", KEYS[1:2])
    assert lent.refusal("noisy", PREDICATE) == ""
    assert lent.ask("noisy", "SELECT count(*) FROM people WHERE town = 'T0'") == []
    assert lent.instance.verify_ledger()["problems"] == []


def test_so_does_what_fails_when_no_use_is_left(lent: Lent) -> None:
    failing = mock.patch("publica.gateway.receipts.reserve", side_effect=_exhausted())
    with failing, mock.patch.object(run, "_run", side_effect=BadInput("It failed.")):
        assert lent.refusal("noisy", BY_TOWN) == "agreement-frequency"
    assert lent.remembered == 2


@pytest.mark.parametrize("error", [RuntimeError, MemoryError])
def test_so_does_what_fails_in_whatever_way(lent: Lent, error: type[Exception]) -> None:
    with mock.patch.object(run, "_run", side_effect=error), pytest.raises(error):
        lent.ask("noisy", BY_TOWN)
    assert lent.remembered == 2


@pytest.mark.parametrize("volume", [None, 2])
def test_an_error_says_nothing_of_cells_that_must_not_come_out_since(lent: Lent, volume: int | None) -> None:
    """A slow statement over all, and meanwhile one over all but a few: what the first ends in is not told."""
    few = "SELECT count(*) FROM people WHERE area = '11B'"
    lent.amend(area="region prefix 3", volume=volume)
    answered = run.answer
    meanwhile: list[list[tuple[Any, ...]]] = []

    def slow(*given: Any) -> Any:
        if not meanwhile:
            meanwhile.append([])
            meanwhile[0] = lent.ask("exact", few)
            if volume is None:
                raise BadInput("It failed.")
        return answered(*given)

    with mock.patch.object(run, "answer", slow):
        three_rows = "SELECT r.i FROM (SELECT count(*) AS n FROM people) t, range(3) r(i) WHERE t.n > 1"
        assert lent.ask("exact", three_rows) == []
    assert len(meanwhile[0]) == 1


def _exhausted() -> Exception:
    from publica.gateway.quota import Exhausted
    from publica.kernel.decision import Clause

    return Exhausted(Clause("agreement-frequency", False))


# what it may cost


@pytest.mark.parametrize("deviation", [noise.WIDE + 0.5, 780.5])
def test_wide_noise_is_drawn_as_its_table_says(deviation: float) -> None:
    values, steps = noise._steps(deviation)
    at = dict(zip(values, steps, strict=True))
    for drawn in (share / 5_000 + 1e-7 for share in range(5_000)):
        value = noise._wide(drawn, deviation)
        assert at.get(value - 1, 0.0) - 1e-6 <= drawn <= at[value] + 1e-6
    assert (noise._wide(0.0, deviation), noise._wide(1 - 2**-53, deviation)) == (values[0], values[-1])


def test_wide_noise_needs_no_table() -> None:
    """Of a line for each number: self-joins made one of millions."""
    with mock.patch.object(noise, "table", side_effect=AssertionError):
        drawn = [noise.count_noise(b"s" * 32, cell, 1e12) for cell in range(200)]
    assert max(map(abs, drawn)) <= 3e12
    assert 0.8e12 < (sum(value**2 for value in drawn) / 200) ** 0.5 < 1.2e12


def test_cells_are_compared_and_protected_within_the_time(lent: Lent) -> None:
    answered, ever = run.answer, mock.Mock(monotonic=lambda: float("inf"))

    def late(*given: Any) -> Any:
        with mock.patch.object(protect, "time", ever):
            return answered(*given)

    with mock.patch.object(protect, "time", ever), pytest.raises(TimedOut):
        lent.ask("noisy", BY_TOWN)
    assert lent.remembered == 0
    with mock.patch.object(run, "answer", late), pytest.raises(TimedOut):
        lent.ask("noisy", BY_TOWN)
    assert lent.remembered == 2
