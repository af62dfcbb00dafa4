"""Laws: whoever was not touched could be deleted; whoever was released is exactly who left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from . import oracle, records
from .oracle import let_through, same
from .plan import examples
from .poison import narrowed
from .questions import Question, listings, questions
from .world import Rows, World, about, build, shelf

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pair(module_state: str) -> Iterator[tuple[World, World]]:
    """A world, and its copy in which people will be deleted."""
    with shelf() as folder:
        world = build(folder, 1)
        copy = world.copy(folder / "copy")
        yield world, copy
        copy.instance.close()
        world.instance.close()


def test_whoever_was_not_touched_could_be_deleted(pair: tuple[World, World]) -> None:
    """All of them at once, or some: the answer is the same, and so is its receipt."""
    world, copy = pair
    narrow = 0

    @examples("touched")
    @given(questions() | listings() | narrowed() | narrowed(), st.none() | st.integers(0, 2**30))
    def law(asked: tuple[str, Question], some: int | None) -> None:
        nonlocal narrow
        activity, question = asked
        before = world.ask(activity, question.sql, question.params)
        if before.missing or not before.receipt.entry["datasets"]:
            return
        touched = before.receipt.touched or frozenset()
        outside = sorted(set(world.position) - touched)
        gone = {key for n, key in enumerate(outside) if some is None or some >> (n % 30) & 1}
        visible = allowed_in(world, activity, before.receipt.entry["datasets"])
        narrow += bool(visible - touched)
        delete(world, copy, gone, before.receipt.entry["datasets"])
        after = copy.ask(activity, question.sql, question.params)
        assert (after.missing, after.error) == (before.missing, before.error), (activity, question)
        if before.table is not None:
            assert same(after.rows, before.rows, ordered=question.ordered), (activity, question, sorted(gone))
        assert after.receipt.touched == before.receipt.touched
        assert after.receipt.released == before.receipt.released
        assert after.receipt.entry == before.receipt.entry

    law()
    assert narrow >= examples("touched").max_examples / 10, "hardly any touched less than its whole mask"


def allowed_in(world: World, activity: str, datasets: list[str]) -> set[str]:
    """Everybody whom the masks of some datasets let through."""
    return {
        key
        for dataset in datasets
        for row in let_through(world, activity, dataset)
        for key in about(row, dataset)
    }


def delete(world: World, copy: World, gone: set[str], datasets: list[str]) -> None:
    """Publish, in the copy, these datasets without the rows that name somebody who is gone."""
    rows: dict[str, Rows] = {
        dataset: [row for row in world.people.rows[dataset] if not gone.intersection(about(row, dataset))]
        for dataset in datasets
    }
    copy.publish({name: left for name, left in rows.items() if left != copy.people.rows[name]})


def test_whoever_was_released_is_who_left(pair: tuple[World, World]) -> None:
    """Statements that show the key of every row they take: the released set is the keys in the answer."""
    world, _ = pair
    exact = 0

    @examples("released")
    @given(listings() | listings() | questions())
    def law(asked: tuple[str, Question]) -> None:
        nonlocal exact
        activity, question = asked
        result = world.ask(activity, question.sql, question.params)
        receipt = result.receipt
        assert receipt.entry["outcome"] == ("refused" if result.missing else "released"), (activity, question)
        if result.table is None:
            return
        touched, released = receipt.touched or frozenset(), receipt.released or frozenset()
        assert released <= touched <= allowed_in(world, activity, receipt.entry["datasets"])
        if not receipt.exact:
            assert released == touched
        elif question.listed:
            exact += 1
            shown = {row[n] for row in result.rows for n in question.listed} - {None}
            assert released == people_of(world, activity, shown), (activity, question)

    law()
    assert exact >= examples("released").max_examples / 6, "hardly any told exactly who left"


def people_of(world: World, activity: str, shown: set[str]) -> set[str]:
    """The persons behind the keys or the pseudonyms in an answer."""
    if records.TERMS[activity].protection == "rows":
        return shown
    change = oracle.changer(world, activity, "pseudonym")
    person = {change(key): key for key in world.position}
    return {person[pseudonym] for pseudonym in shown}
