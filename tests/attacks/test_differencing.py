"""The differencing harness at a small size; the full one is `./dev attack differencing`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from publica.trust.privacy.rules import Parameters

from .differencing import NAKED, Arena, arena, duels, protection, siege


@pytest.fixture(scope="module")
def place() -> Iterator[Arena]:
    with arena(3_000) as made:
        yield made


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["pairs", "complements", "trackers", "spellings", "watching"])
def test_without_protection_the_harness_succeeds(place: Arena, strategy: str) -> None:
    with protection(NAKED, history=False):
        score = duels(place, strategy, 10, 8)
    assert score.advantage >= 0.9 or not score.outside
    assert score.income_games == 0 or score.income >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["pairs", "trackers", "spellings", "silence"])
def test_a_person_alone_in_a_cell_leaves_no_trace(place: Arena, strategy: str) -> None:
    """What is asked about the target has no answer, or one that does not depend on them."""
    with protection(Parameters(), history=True):
        score = duels(place, strategy, 12, 8)
    assert abs(score.advantage) <= 0.1
    assert score.income <= score.chance + 0.25


@pytest.mark.slow
def test_a_siege_brings_nothing(place: Arena) -> None:
    with protection(Parameters(), history=True):
        score = siege(place, 240, 4)
    assert score.income <= 0.5
