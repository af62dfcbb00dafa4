"""Without noise: whatever tables are asked for, in any order, no total less a finer table leaves few."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from itertools import combinations
from typing import Any
from unittest import mock

import pyarrow as pa
import pytest

from publica.gateway.aggregate import complement, run
from tests.attacks import corpus, world
from tests.attacks.world import Arena

DIMENSIONS = ("sex", "postcode", "birth_date")
K = 10
TIED = "SELECT birth_date, sum(income) FROM persons GROUP BY ROLLUP (birth_date) ORDER BY ALL"
"""Of its cells one must be left out, and several are the smallest."""
Table = dict[tuple[Any, ...], int]


@pytest.fixture(scope="module")
def place() -> Iterator[Arena]:
    with world.arena(corpus.GIVEN, corpus.OURS, only="A") as made:
        yield made


def asked(place: Arena, by: tuple[str, ...], where: str = "") -> Table:
    """A table, as it comes out under the history so far."""
    names = ", ".join((*by, "count(*)"))
    group = f"GROUP BY {', '.join(by)}" if by else ""
    sql = f"SELECT {names} FROM persons {where} {group}"
    found = place.base.ask("statistics", sql, fresh=False)
    assert found.kind == "answered", found.text
    return {row[:-1]: row[-1] for row in found.rows}


def left(coarse: tuple[str, ...], fine: tuple[str, ...], totals: Table, parts: Table) -> Iterator[int]:
    """How many people are in a total and in none of the finer cells that came out."""
    places = [fine.index(name) for name in coarse]
    for keys, total in totals.items():
        inside = [n for key, n in parts.items() if tuple(key[at] for at in places) == keys]
        if inside:
            yield total - sum(inside)


@pytest.mark.parametrize("seed", range(4))
def test_no_total_less_a_finer_table_leaves_few(place: Arena, seed: int) -> None:
    choices = [by for size in range(4) for by in combinations(DIMENSIONS, size)]
    order = random.Random(seed).sample(choices, len(choices))
    place.base.forget()
    tables = {by: asked(place, by) for by in order}
    seen = 0
    for coarse in choices:
        for fine in choices:
            if set(coarse) < set(fine):
                rests = list(left(coarse, fine, tables[coarse], tables[fine]))
                assert [n for n in rests if 0 < n < K] == [], (order, coarse, fine)
                seen += len(rests)
    assert seen > 10
    assert sum(map(len, tables.values())) > 20


def test_only_what_would_follow_is_left_out_as_well(place: Arena) -> None:
    """Of the years one has a single person; with the total known one more is left out, and no other."""
    place.base.forget()
    alone = asked(place, ("birth_date",))
    place.base.forget()
    ((), total) = next(iter(asked(place, ()).items()))
    after = asked(place, ("birth_date",))
    gone = alone.keys() - after.keys()
    assert total - sum(alone.values()) == 1
    assert [alone[key] for key in gone] == [min(alone.values())]
    assert asked(place, ("sex",)).keys() == {("F",), ("M",)}


def test_the_table_first_and_then_the_total(place: Arena) -> None:
    place.base.forget()
    assert asked(place, ("birth_date",))
    assert asked(place, ()) == {}


def test_asking_again_answers_again(place: Arena) -> None:
    place.base.forget()
    first = [asked(place, by) for by in ((), ("birth_date",), ("sex", "birth_date"))]
    again = [asked(place, by) for by in ((), ("birth_date",), ("sex", "birth_date"))]
    assert first == again


def test_what_follows_is_looked_through_within_the_time_limit(place: Arena) -> None:
    """The totals that follow from a table double with each dimension. Giving up is a use with a receipt."""
    place.base.forget()
    with mock.patch.object(complement, "time", mock.Mock(monotonic=lambda: math.inf)):
        found = place.base.ask("statistics", "SELECT sex, count(*) FROM persons GROUP BY sex")
    assert found.kind == "failed" and "Group by fewer columns" in found.text
    assert '"outcome":"failed"' in found.entry
    assert asked(place, ("sex",))


def test_a_dimension_of_one_value_makes_no_difference(place: Arena) -> None:
    """Grouping by it or not gives the same totals; the table without it comes out nevertheless."""
    place.base.forget()
    where = "WHERE sex = 'F'"
    assert asked(place, ("sex", "postcode"), where)
    assert asked(place, (), where).keys() == {()}


def test_which_of_two_cells_comes_out_does_not_rest_on_the_engines_order(place: Arena) -> None:
    """The order of its rows comes of threads, and of people who are not let through."""
    table, outcomes = run._table, set()
    for seed in range(12):
        draw = random.Random(seed)

        def shuffled(*words: Any, draw: random.Random = draw) -> pa.Table:
            rows = table(*words)
            return rows.take(draw.sample(range(rows.num_rows), rows.num_rows))

        with mock.patch.object(run, "_table", shuffled):
            found = place.base.ask("statistics", TIED, fresh=True)
        assert found.kind == "answered", found.text
        outcomes.add(found.rows)
    assert len(outcomes) == 1
