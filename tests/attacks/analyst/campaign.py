"""Plays the strategies and scores them: membership against chance (0), incomes against a blind guess."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from statistics import fmean
from typing import Any

from . import watching
from .arena import Arena, Person
from .block import block as block_of_seven
from .knowing import Knowing, Sides
from .linear import Insider, Register, solve
from .score import Blind, Incomes, Told, Trial, advantage
from .shapes import LIMITED, SHAPES
from .strategies import STRATEGIES, Guess, given
from .tables import CUT, EVER, EVERYTHING, PEOPLE, SPREADS, Table, ask

OTHERS = 60
"""Targets of the crowd, beside all who are alone."""
EPOCHS = 10
NOBODY = -1
"""An age band of which nothing is known."""


@dataclass
class Result:
    """How a strategy did. `incomes` is empty where it does not look for them."""

    name: str
    questions: int
    trials: list[Trial] = field(default_factory=list)
    incomes: Incomes = field(default_factory=Incomes)
    family: str = ""

    @cached_property
    def told(self) -> Told:
        return advantage(self.trials)

    def gained(self, blind: Blind) -> float:
        """How much more often an income is recovered than by chance."""
        return self.incomes.success(blind) - self.incomes.chance(blind) if self.incomes.found else 0.0

    def verdict(self, blind: Blind) -> str:
        """Of both bounds together, the worse."""
        judged = [held(self.told.advantage, self.told.error)]
        if self.incomes.found:
            judged.append(held(self.gained(blind), self.incomes.error(blind)))
        return next(word for word in (ABOVE, UNCLEAR, HELD) if word in judged)

    def succeeds(self, blind: Blind) -> bool:
        """Whether it finds out most of what it looks for, one or the other."""
        return self.told.advantage >= SUCCESS or self.gained(blind) >= SUCCESS

    def data(self, blind: Blind) -> dict[str, Any]:
        told, found = self.told, self.incomes.found
        shown: dict[str, Any] = {
            "strategy": self.name,
            "questions": self.questions,
            "games": len(self.trials),
        }
        shown |= {"advantage": round(told.advantage, 4), "advantage_error": round(told.error, 4)}
        if found:
            shown |= {
                "incomes": len(found),
                "recovered": round(self.incomes.success(blind), 4),
                "chance": round(self.incomes.chance(blind), 4),
                "recovered_error": round(self.incomes.error(blind), 4),
            }
        return shown

    def line(self, blind: Blind) -> str:
        said = self.data(blind)
        text = f"  {self.name:<23} {self.questions:>6} {len(self.trials):>6}"
        text += f"    {said['advantage']:+.3f} ± {said['advantage_error']:.3f}"
        if "chance" not in said:
            return f"{text}{'':<27}"
        return f"{text}    {said['recovered']:6.1%} {said['chance']:6.1%} ± {said['recovered_error']:5.1%}"


HELD, UNCLEAR, ABOVE = "held", "unclear", "ABOVE"
"""No more than the bound; more, but by less than so few games can tell; more."""


def held(found: float, error: float) -> str:
    """How a figure stands to its bound. With an error no larger than the bound, it is taken as it is."""
    if found <= BOUND:
        return HELD
    return ABOVE if error <= BOUND or found - error > BOUND else UNCLEAR


def pooled(results: Sequence[Result]) -> tuple[float, float]:
    """The mean advantage of several strategies, and its error: more games than each has."""
    told = [result.told for result in results]
    return fmean(t.advantage for t in told), math.hypot(*(t.error for t in told)) / len(told)


BOUND = 0.1
"""Of the advantage, and of how much more often than by chance an income is recovered."""
SUCCESS = 0.5
"""A strategy that finds less than this where nothing is protected shows nothing where something is."""
HEAD = f"  {'strategy':<23} {'asked':>6} {'games':>6}    membership          income  chance  (less it)"


def blind(arena: Arena) -> Blind:
    """The best guesses that need no answer."""
    return Blind.learn((p.band, float(p.incomes[-1])) for p in arena.people if p.adult)


def duels(arena: Arena, strategy: str, questions: int, *, least: int = 4) -> Result:
    """One strategy against one target after the other, in and out, each by an analyst without history.

    That both worlds have the same noise where they have the same people makes fewer games tell as much.
    """
    attack, each = {**STRATEGIES, **SHAPES, **LIMITED}[strategy]
    result = Result(strategy, 0)
    for game in range(max(least, questions // (2 * each))):
        target = arena.draw.choice(arena.alone)
        arena.alter(0.001, [target])
        secret, state = arena.draw.randbytes(32), arena.draw.getstate()
        for inside in (True, False):
            arena.choose({target.key: inside})
            arena.draw.setstate(state)
            with arena.office(secret) as analyst:
                guesses = list(attack(analyst, target))
            result.questions += analyst.asked
            _note(result, guesses, target, inside, game)
    return result


def _note(result: Result, guesses: Sequence[Guess], target: Person, inside: bool, game: int) -> None:
    counts = [count for count, _ in guesses if count is not None]
    sums = [total for _, total in guesses if total is not None]
    result.trials.append(Trial(fmean(counts) if counts else 0.5, inside, game))
    if inside and not (counts and not sums):
        found = fmean(sums) if sums else None
        result.incomes.note(found, target.incomes[-1], target.band)


def spellings(arena: Arena, questions: int) -> Result:
    """The 24 given spellings of a town's number of people, averaged, by somebody who knows all others."""
    result = Result("24 given spellings", 0)
    for game in range(max(4, questions // 24)):
        town = arena.draw.choice(arena.alone).cell[0]
        there = [person for person in arena.people if person.cell[0] == town]
        targets = arena.draw.sample(there, min(20, len(there)))
        arena.toss(targets)
        number = sum(arena.inside[person.key] for person in there)
        with arena.office() as analyst:
            shown = given(analyst, str(town))
        result.questions += analyst.asked
        for person in targets:
            inside = arena.inside[person.key]
            score = fmean(shown) - (number - inside) if shown else 0.0
            result.trials.append(Trial(score, inside, game))
    return result


def block(arena: Arena, questions: int) -> Result:
    """The seven published rows of a block of seven people, of whom one may be missing."""
    result = Result("block of seven", 0)
    for game, (score, guess, inside, age) in enumerate(block_of_seven(arena, max(4, questions // 14))):
        result.questions += 7
        result.trials.append(Trial(score, inside, game // 2))
        if inside:
            result.incomes.note(guess, age, NOBODY)
    return result


def linear(arena: Arena, register: Register, questions: int, noise: float) -> Iterator[Result]:
    """All tables, solved: for the register's reader; and for those who know everybody else."""
    names = ("reconstruction: alone", "reconstruction: others")
    insiders = ("insider, register", "insider, all counts", "insider, averages", "insider, everything")
    alone, others, some, every, means, whole = (Result(name, 0) for name in (*names, *insiders))
    tables = (*(table for table in EVERYTHING if table.year > EVER), *SPREADS)
    for game in range(max(4, questions // (len(EVERYTHING) + len(SPREADS)))):
        targets = arena.targets(OTHERS)
        arena.alter(0.02)
        arena.toss(targets)
        with arena.office() as analyst:
            answers = ask(analyst, (*EVERYTHING, *SPREADS))
        solution = solve(register, register.equations(answers.counts, noise))
        knows, knowing = Insider(arena, noise), Knowing(arena, tables, noise)
        for person in targets:
            inside = arena.inside[person.key]
            solved = alone if arena.counts[person.cell] == 1 else others
            solved.trials.append(Trial(register.score(person, solution), inside, game))
            some.trials.append(Trial(knows.score(person, inside, answers, PEOPLE), inside, game))
            counts = knows.score(person, inside, answers, EVERYTHING)
            every.trials.append(Trial(counts, inside, game))
            told = knowing.membership(person, answers)
            means.trials.append(Trial(told, inside, game))
            whole.trials.append(Trial(counts + told, inside, game))
            if inside:
                means.incomes.note(knowing.income(person, answers), person.incomes[-1], person.band)
        for result in (alone, others, some, every, means, whole):
            result.questions += analyst.asked
    yield from (alone, others, some, every, means, whole)


def limited(arena: Arena, questions: int, noise: float, tables: Sequence[Table] = CUT) -> Result:
    """Where incomes have limits: all tables of those above each, for somebody who knows everybody else."""
    result = Result("insider, limits", 0)
    for game in range(max(4, questions // len(tables))):
        targets = arena.targets(OTHERS)
        arena.alter(0.02)
        arena.toss(targets)
        with arena.office() as analyst:
            answers = ask(analyst, tables)
        knows = Sides(arena, tables, noise)
        result.questions += analyst.asked
        for person in targets:
            result.trials.append(Trial(knows.membership(person, answers), arena.inside[person.key], game))
    return result


def siege(arena: Arena, register: Register, questions: int, noise: float) -> Iterator[Result]:
    """One long history, while people come and go: all tables of the register, again and again."""
    alone, others = Result("siege: alone", 0), Result("siege: others", 0)
    for game in range(max(2, questions // (EPOCHS * len(PEOPLE)))):
        targets = arena.targets(OTHERS)
        arena.toss(targets)
        scores = dict.fromkeys((person.key for person in targets), 0.0)
        with arena.office() as analyst:
            for _ in range(EPOCHS):
                counts = ask(analyst, PEOPLE).counts
                if counts:
                    solution = solve(register, register.equations(counts, noise))
                    for person in targets:
                        scores[person.key] += register.score(person, solution)
                arena.alter(0.10, targets)
        for person in targets:
            solved = alone if arena.counts[person.cell] == 1 else others
            solved.trials.append(Trial(scores[person.key], arena.inside[person.key], game))
        for result in (alone, others):
            result.questions += analyst.asked
    yield from (alone, others)


def watchers(arena: Arena, register: Register, noise: float) -> Iterator[Family]:
    """Before and after one choice, dozens of choices, a new version."""
    others = partial(watching.other_tables, arena, register, noise=noise)
    twice, once = 2 * len(PEOPLE), len(EVERYTHING)
    plays: tuple[tuple[str, float, Callable[[int], Iterator[Trial]], int], ...] = (
        ("watching, same tables", 0.0165, partial(watching.same_tables, arena), twice),
        ("watching, other tables", 0.044, partial(others, many=False), once),
        ("watching half a pool", 0.0165, partial(others, many=True), once),
        ("watching crowds", 0.0165, partial(watching.crowds, arena), twice),
        ("watching versions", 0.0165, partial(watching.versions, arena), twice),
    )
    for name, share, play, each in plays:
        yield name, share, partial(_watch, name, play, each)


def _watch(name: str, play: Callable[[int], Iterator[Trial]], each: int, questions: int) -> Iterator[Result]:
    games = max(4, math.ceil(questions / each))
    yield Result(name, games * each, list(play(games)))


SHARES: dict[str, float] = {
    "direct": 0.02,
    "pairs": 0.04,
    "complements": 0.02,
    "trackers": 0.04,
    "spellings": 0.04,
    "silence": 0.04,
    "averages × counts": 0.035,
    "variances": 0.035,
    "slopes": 0.035,
    "filters": 0.02,
    "rollups": 0.035,
    "having": 0.02,
    "ranking": 0.02,
    "errors": 0.01,
    "withdrawals": 0.04,
    "above limits": 0.04,
    "between limits": 0.04,
}
"""The part of all questions that each way to ask about one person takes."""


Family = tuple[str, float, Callable[[int], Iterator[Result]]]
"""Lines that are played together: their name, the part of all questions that they take, how to play them."""


def families(arena: Arena, register: Register, noise: float) -> Iterator[Family]:
    """Everything: half of it to ask about one person, a fifth for all tables, the rest for what changes."""
    for strategy in (*STRATEGIES, *SHAPES):
        yield strategy, SHARES[strategy], partial(_one, partial(duels, arena, strategy))
    for strategy in LIMITED:
        yield strategy, SHARES[strategy], partial(_cut, arena, partial(duels, arena, strategy))
    yield "insider, limits", 0.08, partial(_cut, arena, partial(limited, arena, noise=noise))
    yield "24 given spellings", 0.04, partial(_one, partial(spellings, arena))
    yield "block of seven", 0.01, partial(_one, partial(block, arena))
    yield "all tables", 0.13, partial(linear, arena, register, noise=noise)
    yield "siege", 0.1, partial(siege, arena, register, noise=noise)
    yield from watchers(arena, register, noise)


def _one(play: Callable[[int], Result], questions: int) -> Iterator[Result]:
    yield play(questions)


def _cut(arena: Arena, play: Callable[[int], Result], questions: int) -> Iterator[Result]:
    with arena.limited():
        yield play(questions)


def campaign(arena: Arena, questions: int, noise: float, only: Sequence[str] = ()) -> Iterator[Result]:
    """Everything; or `only` these families, with all questions for each."""
    for name, share, play in families(arena, Register(arena), noise):
        if not only or name in only:
            for result in play(questions if only else round(questions * share)):
                result.family = name
                yield result
