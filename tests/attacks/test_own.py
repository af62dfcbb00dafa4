"""Our own attacks: each comes to nothing; those of several answers would work but for the history."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from publica.gateway.aggregate import run

from . import own
from .commands import Bench, bench
from .own import Own
from .world import Arena

ATTACKS = own.read()
ALONE = {
    "average_times_count",
    "below_and_above_a_limit_less_the_total",
    "count_tells_who_is_in",
    "filter_less_the_years",
    "limits_with_few_between",
    "places_less_the_years",
    "rollup_shows_total_and_years",
    "total_less_the_others",
    "total_less_the_others_in_one_statement",
    "total_less_the_years",
    "total_less_the_years_in_one_statement",
    "years_first_then_the_total",
}
"""Those that thresholds alone do not stop."""


@pytest.fixture(scope="module")
def desk(place: Arena) -> Iterator[Bench]:
    with bench(place) as made:
        yield made


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_comes_to_nothing(attack: Own, place: Arena, desk: Bench) -> None:
    for verdict in own.judge(attack, place, desk):
        assert verdict.outcome != "succeeded", verdict.why


def test_thresholds_alone_would_not_stop_what_several_answers_tell(place: Arena) -> None:
    """With no history, and nothing left out but small cells, these learn the truth: so they would notice."""
    everything = lambda wanted, known, k: [True for _ in wanted]  # noqa: E731
    with (
        mock.patch.object(run, "admit", everything),
        mock.patch.object(run, "completed", lambda chosen, *_: (chosen, [])),
        mock.patch("publica.gateway.receipts.fresh", lambda *_, **__: ()),
    ):
        steps = [attack for attack in ATTACKS if "steps" in attack.said]
        found = {a.name for a in steps if own.learned(a, place, "statistics").outcome == "succeeded"}
    assert found == ALONE


def test_there_are_attacks_of_every_category() -> None:
    by_category: dict[str, int] = {}
    for attack in ATTACKS:
        by_category[attack.category] = by_category.get(attack.category, 0) + 1
    assert len(ATTACKS) >= 400
    assert len(by_category) >= 18
    assert min(by_category.values()) >= 4, by_category


def test_a_file_that_says_too_little_is_no_attack(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("tries: x\ncategory: x\n", "utf-8")
    with pytest.raises(ValueError, match="too little"):
        own.read(tmp_path)
    (tmp_path / "x.yaml").write_text("tries: x\ncategory: x\nsql: SELECT 1\nexpect: refused\n", "utf-8")
    with pytest.raises(ValueError, match="expect"):
        own.read(tmp_path)
