"""How well guesses do: membership by the best threshold, incomes against the best guess without answers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev

CLOSE = 0.10
"""An income is recovered when the guess is within a tenth of it."""


@dataclass(frozen=True)
class Trial:
    """One guess about one target: the higher the score, the surer that they are in. `game`: the round."""

    score: float
    truth: bool
    game: int


@dataclass(frozen=True)
class Told:
    """P(says in | is in) - P(says in | is out), with half its 95 % interval."""

    advantage: float
    error: float
    trials: int


def advantage(trials: Sequence[Trial]) -> Told:
    """The threshold is the best one for half of the games, judged by the other half; and then reversed.

    The error is that of a mean over games, each of which has targets that are in and others that are out.
    """
    halves = [[t for t in trials if t.game % 2 == half] for half in (0, 1)]
    won, counted = [], 0
    for train, test in (halves, halves[::-1]):
        threshold = best_threshold(train)
        games: dict[int, tuple[list[bool], list[bool]]] = {}
        for trial in test:
            games.setdefault(trial.game, ([], []))[trial.truth].append(trial.score >= threshold)
        both = [(into, out) for out, into in games.values() if into and out]
        won += [fmean(into) - fmean(out) for into, out in both]
        counted += sum(len(into) for into, _ in both)
    if len(won) < 2:
        return Told(0.0, 1.0, len(trials))
    error = max(stdev(won) / math.sqrt(len(won)), 1 / counted)
    return Told(fmean(won), 1.96 * error, len(trials))


def best_threshold(trials: Sequence[Trial]) -> float:
    """The score from which on saying "in" has the largest advantage."""
    inside = sum(trial.truth for trial in trials) or 1
    outside = sum(not trial.truth for trial in trials) or 1
    best, threshold, gained = 0.0, math.inf, 0.0
    ordered = sorted(trials, key=lambda trial: -trial.score)
    for at, trial in enumerate(ordered):
        gained += 1 / inside if trial.truth else -1 / outside
        last = at + 1 == len(ordered) or ordered[at + 1].score < trial.score
        if last and gained > best:
            best, threshold = gained, trial.score
    return threshold


@dataclass
class Incomes:
    """Guesses of incomes, and what a guess without any answer would have got."""

    found: list[tuple[float | None, float, int]] = field(default_factory=list)

    def note(self, guess: float | None, truth: float, band: int) -> None:
        """`band`: what the analyst knows of the target that says something about incomes."""
        self.found.append((guess, truth, band))

    def error(self, blind: Blind) -> float:
        """Half the 95 % interval of success less chance."""
        won = [near(g if g is not None else blind.of(b), t) - near(blind.of(b), t) for g, t, b in self.found]
        return 1.96 * max(stdev(won) / math.sqrt(len(won)), 1 / len(won)) if len(won) > 1 else 1.0

    def success(self, blind: Blind) -> float:
        """The share recovered; where nothing was learned, the blind guess is taken."""
        return _share(near(g if g is not None else blind.of(b), truth) for g, truth, b in self.found)

    def chance(self, blind: Blind) -> float:
        return _share(near(blind.of(band), truth) for _, truth, band in self.found)


@dataclass(frozen=True)
class Blind:
    """The best guess of an income that knows nobody's: of all constants, for each age band."""

    best: dict[int, float]

    @classmethod
    def learn(cls, incomes: Iterable[tuple[int, float]]) -> Blind:
        """From (band, income) of everybody, the targets too: no honest analyst could guess better."""
        by_band: dict[int, list[float]] = {}
        for band, income in incomes:
            by_band.setdefault(band, []).append(income)
        return cls({band: _densest(sorted(values)) for band, values in by_band.items()})

    def of(self, band: int) -> float:
        return self.best.get(band, 0.0)


def near(guess: float, truth: float) -> bool:
    return abs(guess - truth) <= CLOSE * abs(truth)


def _densest(values: list[float]) -> float:
    """The guess that is within a tenth of most of them."""
    best, guess, start = 0, values[0], 0
    for at, high in enumerate(values):
        while values[start] * (1 + CLOSE) < high * (1 - CLOSE):
            start += 1
        if at - start + 1 > best:
            best, guess = at - start + 1, high * (1 - CLOSE)
    return guess


def _share(hits: Iterable[bool]) -> float:
    found = list(hits)
    return sum(found) / len(found) if found else 0.0
