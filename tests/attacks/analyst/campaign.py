"""Plays the strategies and scores them: membership against chance (0), incomes against a blind guess."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from . import watching
from .arena import Arena, Person
from .linear import Insider, Register, solve
from .score import Blind, Incomes, Told, Trial, advantage
from .strategies import STRATEGIES, Guess, given
from .tables import EVERYTHING, PEOPLE, Answers, Table, ask

OTHERS = 60
"""Targets of the crowd, beside all who are alone."""
EPOCHS = 10
LATEST = 2025


@dataclass
class Result:
    """How a strategy did. `incomes` is empty where it does not look for them."""

    name: str
    questions: int
    trials: list[Trial] = field(default_factory=list)
    incomes: Incomes = field(default_factory=Incomes)

    @property
    def told(self) -> Told:
        return advantage(self.trials)

    def line(self, blind: Blind) -> str:
        told = self.told
        played = f"{self.name:<23} {self.questions:>5} {len(self.trials):>6}"
        text = f"  {played}   {told.advantage:+.3f} ± {told.error:.3f}"
        if self.incomes.found:
            text += f"      {self.incomes.success(blind):6.1%} {self.incomes.chance(blind):6.1%}"
        return text


HEAD = f"  {'strategy':<23} {'asked':>5} {'games':>6}   membership advantage   income, chance"


def blind(arena: Arena) -> Blind:
    """The best guesses that need no answer."""
    return Blind.learn((p.band, float(p.incomes[-1])) for p in arena.people if p.adult)


def duels(arena: Arena, strategy: str, questions: int, targets: Sequence[Person] = ()) -> Result:
    """One strategy against one target after the other, in and out, each by an analyst without history.

    That both worlds have the same noise where they have the same people makes fewer games tell as much.
    """
    attack, each = STRATEGIES[strategy]
    result = Result(strategy, 0)
    for game in range(max(4, questions // (2 * each))):
        target = arena.draw.choice(targets or arena.alone)
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
    result.trials.append(Trial(statistics.fmean(counts) if counts else 0.5, inside, game))
    if inside and not (counts and not sums):
        found = statistics.fmean(sums) if sums else None
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
            score = statistics.fmean(shown) - (number - inside) if shown else 0.0
            result.trials.append(Trial(score, inside, game))
    return result


def linear(arena: Arena, register: Register, questions: int, noise: float) -> Iterator[Result]:
    """All tables, solved: for the register's reader; and for those who know everybody else."""
    names = ("reconstruction: alone", "reconstruction: others", "insider, register", "insider, all tables")
    alone, others, some, every = (Result(name, 0) for name in names)
    for game in range(max(4, questions // len(EVERYTHING))):
        targets = arena.targets(OTHERS)
        arena.alter(0.02)
        arena.toss(targets)
        with arena.office() as analyst:
            answers = ask(analyst, EVERYTHING)
        solution = solve(register, register.equations(answers.counts, noise))
        knows = Insider(arena, noise)
        for person in targets:
            inside = arena.inside[person.key]
            solved = alone if arena.counts[person.cell] == 1 else others
            solved.trials.append(Trial(register.score(person, solution), inside, game))
            some.trials.append(Trial(knows.score(person, inside, answers, PEOPLE), inside, game))
            every.trials.append(Trial(knows.score(person, inside, answers, EVERYTHING), inside, game))
        _incomes(arena, targets, answers, every.incomes)
        alone.questions += analyst.asked
    yield from (alone, others, some, every)


def _incomes(arena: Arena, targets: Sequence[Person], answers: Answers, found: Incomes) -> None:
    """The income of each target who is in, for somebody who knows those of all others: over all tables."""
    tables = [table for table in EVERYTHING if table.year == LATEST]
    known: dict[tuple[Table, object], tuple[int, int]] = {}
    for person in arena.people:
        if person.adult and arena.inside[person.key]:
            for table in tables:
                place = table, table.cell(person.cell)
                count, total = known.get(place, (0, 0))
                known[place] = count + 1, total + person.incomes[-1]
    for person in targets:
        if arena.inside[person.key]:
            looks = []
            for table in tables:
                place = table, table.cell(person.cell)
                if place in answers.means:
                    count, total = known[place]
                    looks.append((answers.means[place] * count - (total - person.incomes[-1]), total))
            weight = sum(1 / total for _, total in looks)
            guess = sum(value / total for value, total in looks) / weight if looks else None
            found.note(guess, person.incomes[-1], person.band)


def siege(arena: Arena, register: Register, questions: int, noise: float) -> Result:
    """One long history, while people come and go: all tables of the register, again and again."""
    result = Result("siege: alone", 0)
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
        result.questions += analyst.asked
        result.trials += [Trial(scores[person.key], arena.inside[person.key], game) for person in arena.alone]
    return result


def watchers(arena: Arena, register: Register, questions: int, noise: float) -> Iterator[Result]:
    """Before and after one choice, dozens of choices, a new version."""
    others = partial(watching.other_tables, arena, register, noise=noise)
    twice, once = 2 * len(PEOPLE), len(EVERYTHING)
    plays: tuple[tuple[str, Callable[[int], Iterator[Trial]], int, float], ...] = (
        ("watching, same tables", partial(watching.same_tables, arena), twice, 0.15),
        ("watching, other tables", partial(others, many=False), once, 0.4),
        ("watching half a pool", partial(others, many=True), once, 0.15),
        ("watching crowds", partial(watching.crowds, arena), twice, 0.15),
        ("watching versions", partial(watching.versions, arena), twice, 0.15),
    )
    for name, play, each, share in plays:
        games = max(4, math.ceil(questions * share / each))
        yield Result(name, games * each, list(play(games)))


def campaign(arena: Arena, questions: int, noise: float) -> Iterator[Result]:
    """Everything: a tenth for each way to ask about one person, a half for watching."""
    register = Register(arena)
    for strategy in STRATEGIES:
        yield duels(arena, strategy, questions // 20)
    yield spellings(arena, questions // 20)
    yield from linear(arena, register, questions // 10, noise)
    yield siege(arena, register, questions // 10, noise)
    yield from watchers(arena, register, questions * 9 // 20, noise)
