"""The differencing harness at a small size, the same in every run; the whole is `./dev attack differencing`.

What is held here is what so few games can tell: with protection no strategy is clearly above the bound,
without it each succeeds clearly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import pytest

from publica.trust.privacy.rules import Parameters

from .analyst import campaign, watching
from .analyst.arena import NAKED, SILENT, Arena, arena, protection
from .analyst.campaign import Result
from .analyst.linear import Register
from .analyst.score import Trial, advantage, best_threshold

BOUND = 0.1
FEW = ("direct", "pairs", "complements", "trackers", "spellings", "silence")


@pytest.fixture(scope="module")
def place() -> Iterator[Arena]:
    with arena(10_000) as made:
        yield made


@pytest.fixture(scope="module")
def register(place: Arena) -> Register:
    return Register(place)


def not_above(trials: Iterable[Trial]) -> None:
    """Not above the bound by three standard errors."""
    told = advantage(list(trials))
    assert told.trials
    assert told.advantage - 3 / 1.96 * told.error <= BOUND, told


@pytest.mark.slow
@pytest.mark.parametrize("strategy", FEW)
def test_a_few_questions_about_one_person_bring_nothing(place: Arena, strategy: str) -> None:
    with protection(Parameters(), history=True):
        result = campaign.duels(place, strategy, 48 if strategy == "direct" else 160)
    not_above(result.trials)
    blind = campaign.blind(place)
    assert result.incomes.success(blind) <= result.incomes.chance(blind) + 0.14


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["direct", "pairs", "complements", "trackers", "spellings"])
def test_without_protection_they_find_everything(place: Arena, strategy: str) -> None:
    with protection(NAKED, history=False):
        result = campaign.duels(place, strategy, 48 if strategy == "direct" else 160)
    told, blind = result.told, campaign.blind(place)
    assert told.advantage + told.error >= 0.9
    assert result.incomes.success(blind) >= 0.9


@pytest.mark.slow
def test_all_tables_together_bring_little(place: Arena, register: Register) -> None:
    with protection(Parameters(), history=True):
        found = list(campaign.linear(place, register, 160, 5.0))
        found.append(campaign.siege(place, register, 160, 5.0))
    for result in found:
        not_above(result.trials)


@pytest.mark.slow
def test_without_noise_all_tables_together_tell(place: Arena, register: Register) -> None:
    with protection(SILENT, history=True):
        alone, _, some, every = campaign.linear(place, register, 130, 0.0)
    assert [result.told.advantage >= 0.75 for result in (alone, some, every)] == [True] * 3
    assert every.incomes.success(campaign.blind(place)) >= 0.9


WATCHING: tuple[Callable[[Arena, Register, float], Iterator[Trial]], ...] = (
    lambda place, _, noise: watching.same_tables(place, 8),
    lambda place, register, noise: watching.other_tables(place, register, 8, noise=noise, many=True),
    lambda place, _, noise: watching.crowds(place, 6),
    lambda place, _, noise: watching.versions(place, 4),
)


@pytest.mark.slow
@pytest.mark.parametrize("watch", WATCHING)
def test_watching_a_change_does_not_tell_whose_it_is(
    place: Arena, register: Register, watch: Callable[[Arena, Register, float], Iterator[Trial]]
) -> None:
    with protection(Parameters(), history=True):
        not_above(watch(place, register, 5.0))


@pytest.mark.slow
@pytest.mark.parametrize("play", [partial(watching.same_tables, games=6), partial(watching.crowds, games=6)])
def test_without_states_what_vanishes_tells(place: Arena, play: Callable[[Arena], Iterator[Trial]]) -> None:
    """The release history alone, as long as it gave the same value again where nobody had changed."""
    with protection(Parameters(), history=True, states=False):
        told = advantage(list(play(place)))
    assert told.advantage >= 0.3, told


def test_the_best_threshold_is_found_and_judged_by_other_games() -> None:
    trials = [Trial(score, score >= 3, game) for game in range(10) for score in (1.0, 2.0, 3.0, 4.0)]
    assert best_threshold(trials) == 3
    assert advantage(trials).advantage == 1
    blind = [Trial(0.0, truth, game) for game in range(10) for truth in (True, False)]
    assert advantage(blind).advantage == 0
    loud = [Trial(float(game % 5), truth, game) for game in range(60) for truth in (True, False)]
    assert advantage(loud).advantage == 0


def test_a_result_says_what_was_asked_and_found() -> None:
    result = Result("pairs", 8, [Trial(1.0, True, 0), Trial(0.0, False, 1)])
    assert result.line(campaign.Blind({})).split()[:3] == ["pairs", "8", "2"]
