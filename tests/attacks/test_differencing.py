"""The differencing harness at a small size, the same in every run; the whole is `./dev attack differencing`.

What is held here is what so few games can tell: with protection no strategy is clearly above the bound,
without it each succeeds clearly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import pytest

from publica.trust.privacy.rules import Parameters

from . import differencing
from .analyst import campaign, watching
from .analyst.arena import NAKED, SILENT, Arena, arena, protection
from .analyst.campaign import Result
from .analyst.linear import Register
from .analyst.score import Blind, Trial, advantage, best_threshold
from .analyst.tables import CUT

BOUND = campaign.BOUND
FEW = (
    *("direct", "complements", "averages × counts", "variances", "slopes"),
    *("filters", "rollups", "having", "ranking", "errors"),
)
"""Those that cost few questions; all are played by `./dev attack differencing`."""
GAMES = 2
"""Of each strategy here, in two worlds each."""
SOME = tuple(table for table in CUT if table.side in ("> 19631",))


@pytest.fixture(scope="module")
def place() -> Iterator[Arena]:
    with arena(5_000) as made:
        yield made


@pytest.fixture(autouse=True)
def drawn_anew(place: Arena) -> None:
    """The same games whichever tests are run before."""
    place.draw.seed(1)


@pytest.fixture(scope="module")
def register(place: Arena) -> Register:
    return Register(place)


def not_above(trials: Iterable[Trial]) -> None:
    """Not above the bound by three standard errors."""
    told = advantage(list(trials))
    assert told.trials
    assert told.advantage - 3 / 1.96 * told.error <= BOUND, told


@pytest.mark.slow
def test_a_few_questions_about_one_person_bring_nothing(place: Arena) -> None:
    """No strategy is clearly above the bounds; nor are all of them together, which have many more games."""
    with protection(Parameters(), history=True):
        results = [campaign.duels(place, strategy, 0, least=GAMES) for strategy in FEW]
    blind = campaign.blind(place)
    assert [result.name for result in results if result.verdict(blind) == campaign.ABOVE] == []
    mean, error = campaign.pooled(results)
    assert mean - error <= BOUND
    assert sum(result.gained(blind) for result in results) / len(results) <= BOUND


@pytest.mark.slow
@pytest.mark.parametrize("strategy", FEW)
def test_without_protection_each_finds_what_it_looks_for(place: Arena, strategy: str) -> None:
    with protection(NAKED, history=False):
        result = campaign.duels(place, strategy, 0, least=GAMES)
    assert len(result.trials) == 2 * GAMES
    assert result.succeeds(campaign.blind(place)), result


@pytest.mark.slow
def test_a_block_of_seven_is_found_without_protection_and_not_with_it(place: Arena) -> None:
    with protection(Parameters(), history=True):
        result = campaign.block(place, 56)
    assert {trial.score for trial in result.trials} == {0.5}
    with protection(NAKED, history=False):
        result = campaign.block(place, 56)
    assert result.told.advantage == 1
    assert result.incomes.success(campaign.blind(place)) == 1


@pytest.mark.slow
def test_limits_tell_an_insider_little_and_without_noise_everything(place: Arena) -> None:
    with place.limited(), protection(Parameters(), history=True):
        not_above(campaign.limited(place, 0, 5.0, SOME).trials)
    with place.limited(), protection(SILENT, history=True):
        assert campaign.limited(place, 0, 0.0, SOME).told.advantage >= 0.5


@pytest.mark.slow
def test_all_tables_together_bring_little(place: Arena, register: Register) -> None:
    with protection(Parameters(), history=True):
        for result in campaign.linear(place, register, 0, 5.0):
            not_above(result.trials)


@pytest.mark.slow
def test_without_noise_all_tables_together_tell(place: Arena, register: Register) -> None:
    with protection(SILENT, history=True):
        alone, _, some, every, means, whole = campaign.linear(place, register, 0, 0.0)
    assert alone.told.advantage >= campaign.SUCCESS, alone.told
    assert [result.told.advantage >= 0.75 for result in (some, every, means, whole)] == [True] * 4
    assert means.incomes.success(campaign.blind(place)) >= 0.7


WATCHING: tuple[Callable[[Arena, Register, float], Iterator[Trial]], ...] = (
    lambda place, _, noise: watching.same_tables(place, 4),
    lambda place, register, noise: watching.other_tables(place, register, 4, noise=noise, many=True),
    lambda place, _, noise: watching.crowds(place, 4),
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
@pytest.mark.parametrize("play", [partial(watching.same_tables, games=6), partial(watching.crowds, games=10)])
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
    assert result.line(Blind({})).split()[:3] == ["pairs", "8", "2"]
    assert result.data(Blind({}))["games"] == 2


@pytest.mark.parametrize(
    ("found", "error", "verdict"),
    [
        (0.08, 0.3, campaign.HELD),
        (0.12, 0.03, campaign.ABOVE),  # however near
        (0.12, 0.2, campaign.UNCLEAR),
        (0.5, 0.3, campaign.ABOVE),
    ],
)
def test_a_figure_is_held_against_its_bound(found: float, error: float, verdict: str) -> None:
    assert campaign.held(found, error) == verdict


def test_a_line_above_its_bound_and_one_that_shows_nothing_are_bad() -> None:
    sure = [Trial(float(truth), truth, game) for game in range(60) for truth in (True, False)]
    blind, none = Blind({}), [Trial(0.0, trial.truth, trial.game) for trial in sure]
    on, _, naked = differencing.CONDITIONS
    found = [on.verdict(Result("sure", 1, sure), blind), naked.verdict(Result("none", 1, none), blind)]
    assert tuple(found) == differencing.BAD
    assert on.verdict(Result("none", 1, none), blind) == campaign.HELD
    assert naked.verdict(Result("sure", 1, sure), blind) == "succeeds"
