"""An analyst who may ask thousands of questions tries to find out one person's income, and whether they are in.

    python -m tests.attacks.differencing [--questions 10000] [--persons 3000]

The analyst knows the register: the municipality, sex and age band of everybody, but not who objected, and
nobody's income. Each target is alone in its municipality, sex and age band, the easiest prey. All questions go
through the real gateway under `labour_statistics`; meanwhile people object and come back.

- `pairs`: a group, and the group without the target.
- `complements`: the total less everybody else.
- `trackers`: A with the target, B with the target, A with B: the first two less the third are twice the target.
- `partitions`: the same with hundreds of A and B in one long history, averaged.
- `spellings`: one question in many words, averaged.
- `silence`: what is left out, and when.
- `watching`: a group before and after the target leaves; for the income. (That somebody in a cell left does show,
  since the cell is then left out: docs/statistics.md says what follows from many tables at once.)
"""

# ruff: noqa: T201, E501 (a command that prints; a statement stays on its line)
from __future__ import annotations

import argparse
import random
import secrets
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb
from sqlalchemy import delete

from publica.demo.material import build
from publica.demo.prepare import prepare
from publica.gateway.aggregate import run
from publica.gateway.door import Request
from publica.instance import Instance
from publica.kernel.actor import Actor
from publica.trust.privacy import store
from publica.trust.privacy.rules import Parameters

ACTIVITY, YEAR = "labour_statistics", 2025
BATCH = 20
"""Questions per statement."""
CLOSE = 0.10
"""An income is recovered when the guess is within a tenth of it."""

NAKED = Parameters(k=1, dominance=1.0, noise=0)

Guess = tuple[float | None, float | None]
"""How many people the target is (0 or 1), and their income; None when nothing could be learned."""


@dataclass(frozen=True)
class Person:
    """A target: their key, their cell, their income."""

    key: str
    town: str
    sex: str
    band: str
    income: int

    @property
    def cell(self) -> str:
        return f"(p.municipality = '{self.town}' AND p.sex = '{self.sex}' AND p.birth_date = '{self.band}')"


@dataclass
class Analyst:
    """Asks in batches, and counts the questions."""

    instance: Instance
    towns: list[str]
    draw: random.Random
    asked: int = 0
    answered: int = 0
    known: dict[str, tuple[float, float] | None] = field(default_factory=dict)

    def ask(self, conditions: Sequence[str]) -> list[tuple[float, float] | None]:
        """For each condition the number of people and the sum of their incomes; None where suppressed."""
        found: list[tuple[float, float] | None] = []
        for start in range(0, len(conditions), BATCH):
            found += self._batch(conditions[start : start + BATCH])
        return found

    def _batch(self, conditions: Sequence[str]) -> list[tuple[float, float] | None]:
        parts = [
            f"SELECT {n} AS q, count(*) AS n, sum(i.income) AS s FROM incomes i JOIN population p USING (person_id) "
            f"WHERE i.year = {YEAR} AND ({condition})"
            for n, condition in enumerate(conditions)
        ]
        request = Request(Actor("stella", "operator", "analyst"), ACTIVITY, " UNION ALL ".join(parts), {})
        rows = self.instance.use(request).table().to_pylist()
        answers = {row["q"]: (float(row["n"]), float(row["s"])) for row in rows}
        self.asked += len(conditions)
        self.answered += len(answers)
        return [answers.get(n) for n in range(len(conditions))]


# strategies: each gives guesses of (count, sum) of the target's cell


def pairs(analyst: Analyst, target: Person, questions: int) -> Iterator[Guess]:
    """A group with the target, less the group without."""
    groups = [
        f"p.municipality = '{target.town}'",
        f"p.birth_date = '{target.band}'",
        f"p.sex = '{target.sex}'",
        "TRUE",
    ]
    groups += [
        f"p.municipality IN ('{target.town}', '{town}')" for town in analyst.towns if town != target.town
    ]
    for group in groups[: max(1, questions // 2)]:
        yield _less(analyst.ask([f"({group})", f"({group}) AND NOT {target.cell}"]))


def complements(analyst: Analyst, target: Person, questions: int) -> Iterator[Guess]:
    """The total, less everybody else in three parts."""
    town, sex, band = target.town, target.sex, target.band
    parts = [
        f"p.municipality <> '{town}'",
        f"p.municipality = '{town}' AND p.sex <> '{sex}'",
        f"p.municipality = '{town}' AND p.sex = '{sex}' AND p.birth_date <> '{band}'",
    ]
    found = analyst.ask(["TRUE", *parts])
    if found[0]:
        whole, others = found[0], [answer or (0.0, 0.0) for answer in found[1:]]
        yield whole[0] - sum(o[0] for o in others), whole[1] - sum(o[1] for o in others)


def trackers(analyst: Analyst, target: Person, questions: int) -> Iterator[Guess]:
    """(A + target) + (B + target) - (A + B) is twice the target."""
    others = [town for town in analyst.towns if town != target.town]
    rounds = max(1, questions // 3)
    asked: list[str] = []
    for _ in range(rounds):
        mixed = analyst.draw.sample(others, len(others))
        middle = analyst.draw.randint(1, len(mixed) - 1)
        size = analyst.draw.randint(middle + 1, len(mixed))
        a, b = _towns(mixed[:middle]), _towns(mixed[middle:size])
        asked += [f"{a} OR {target.cell}", f"{b} OR {target.cell}", f"{a} OR {b}"]
    found = analyst.ask(asked)
    for n in range(0, len(found), 3):
        one, two, both = found[n : n + 3]
        if one and two and both:
            yield (one[0] + two[0] - both[0]) / 2, (one[1] + two[1] - both[1]) / 2


def spellings(analyst: Analyst, target: Person, questions: int) -> Iterator[Guess]:
    """One pair of groups in many words."""
    town, without = target.town, f"NOT {target.cell}"
    words = (
        f"p.municipality = '{town}'",
        f"p.municipality IN ('{town}')",
        f"p.municipality LIKE '{town}%'",
        f"left(p.municipality, {len(town)}) = '{town}'",
        f"p.municipality BETWEEN '{town}' AND '{town}'",
        f"starts_with(p.municipality, '{town}') AND TRUE",
        f"NOT p.municipality <> '{town}'",
        f"p.municipality = '{town}' AND p.sex IN ('F', 'M', 'X')",
        f"p.municipality = '{town}' AND p.birth_date IS NOT NULL",
    )
    for word in words[: max(1, questions // 2)]:
        yield _less(analyst.ask([word, f"({word}) AND {without}"]))


def watching(analyst: Analyst, target: Person, questions: int) -> Iterator[Guess]:
    """Groups before and after the target leaves."""
    towns = [town for town in analyst.towns if town != target.town]
    groups = [f"p.municipality = '{target.town}'", f"p.sex = '{target.sex}'", "TRUE"]
    groups += [_towns([target.town, *towns[:n]]) for n in range(1, len(towns))]
    groups = groups[: max(1, questions // 2)]
    before = analyst.ask(groups)
    analyst.instance.choose(target.key, ACTIVITY, "object", Actor("operator", "operator", "citizen"))
    after = analyst.ask(groups)
    for first, second in zip(before, after, strict=True):
        yield _less([first, second])


def silence(analyst: Analyst, target: Person, questions: int) -> Iterator[Guess]:
    """What is left out tells as well: a group comes out, and the group without the target does not."""
    groups = [
        f"p.municipality = '{target.town}'",
        f"p.birth_date = '{target.band}'",
        f"p.sex = '{target.sex}'",
        "TRUE",
    ]
    for group in groups[: max(1, questions // 2)]:
        one, other = analyst.ask([f"({group})", f"({group}) AND NOT {target.cell}"])
        if one:
            yield (0.0 if other else 1.0), None


STRATEGIES: dict[str, Callable[[Analyst, Person, int], Iterator[Guess]]] = {
    "pairs": pairs,
    "complements": complements,
    "trackers": trackers,
    "spellings": spellings,
    "silence": silence,
    "watching": watching,
}


def _less(found: Sequence[tuple[float, float] | None]) -> Guess:
    one, other = found
    return (one[0] - other[0], one[1] - other[1]) if one and other else (None, None)


def _towns(towns: Sequence[str]) -> str:
    return "p.municipality IN (" + ", ".join(f"'{town}'" for town in towns) + ")"


@dataclass
class Score:
    """How one strategy did: guesses of who is in, and of incomes."""

    games: int = 0
    told_in: int = 0
    inside: int = 0
    told_in_wrongly: int = 0
    outside: int = 0
    income_games: int = 0
    recovered: int = 0
    by_chance: int = 0

    @property
    def advantage(self) -> float:
        """P(says in | is in) - P(says in | is out)."""
        if not self.inside or not self.outside:
            return 0.0
        return self.told_in / self.inside - self.told_in_wrongly / self.outside

    @property
    def income(self) -> float:
        return self.recovered / self.income_games if self.income_games else 0.0

    @property
    def chance(self) -> float:
        return self.by_chance / self.income_games if self.income_games else 0.0

    def note(self, guesses: list[Guess], target: Person, inside: bool, guess: float) -> None:
        """Count one game. Where nothing was learned the analyst says "in", and the median income."""
        counts = [count for count, _ in guesses if count is not None]
        sums = [total for _, total in guesses if total is not None]
        says_in = statistics.fmean(counts) > 0.5 if counts else True
        self.games += 1
        self.inside += inside
        self.outside += not inside
        self.told_in += says_in and inside
        self.told_in_wrongly += says_in and not inside
        if inside:
            found = statistics.fmean(sums) if sums else guess
            self.income_games += 1
            self.recovered += abs(found - target.income) <= CLOSE * target.income
            self.by_chance += abs(guess - target.income) <= CLOSE * target.income


@dataclass
class Arena:
    """An instance and its easiest targets."""

    instance: Instance
    targets: list[Person]
    crowd: list[str]
    towns: list[str]
    guess: float
    draw: random.Random

    def choose(self, key: str, *, inside: bool) -> None:
        action = "withdraw" if inside else "object"
        if self.instance.choice_status(key, ACTIVITY)["allowed"] != inside:
            self.instance.choose(key, ACTIVITY, action, Actor("operator", "operator", "citizen"))

    def move(self, few: int = 2) -> None:
        """Some of the others object, or come back."""
        for key in self.draw.sample(self.crowd, few):
            self.choose(key, inside=self.draw.random() < 0.5)

    def forget(self) -> None:
        """The next game is against another office, with other noise."""
        self.instance.db.maintain(lambda change: change.connection.execute(delete(store.released)))


@contextmanager
def arena(persons: int, seed: int = 1) -> Iterator[Arena]:
    """A fresh demo, and in it everybody who is alone in their municipality, sex and age band."""
    root = Path(tempfile.mkdtemp(prefix="publica-differencing-"))
    stage = prepare(root / "demo", persons, lambda *_: None)
    try:
        material = build(root / "material", persons)
        files = {load.dataset: str(load.files[0]) for load in material.loads}
        everybody = duckdb.connect().execute(_EVERYBODY.format(year=YEAR, **files)).fetchall()
        targets = [Person(*row[:5]) for row in everybody if row[5] == 1 and row[4] > 1000]
        crowd = [row[0] for row in everybody if row[5] > 1]
        towns = sorted({row[1] for row in everybody})
        guess = statistics.median(row[4] for row in everybody)
        yield Arena(stage.instance, targets, crowd, towns, guess, random.Random(seed))
    finally:
        stage.instance.close()
        shutil.rmtree(root, ignore_errors=True)


_EVERYBODY = """
WITH people AS (
    SELECT person_id, municipality, sex, date_diff('year', birth_date::DATE, current_date) // 10 * 10 AS age
    FROM read_csv('{population}', all_varchar = true))
SELECT person_id, municipality, sex, age || '-' || (age + 9), income::BIGINT,
    count(*) OVER (PARTITION BY municipality, sex, age)
FROM people JOIN read_csv('{incomes}', all_varchar = true) USING (person_id) WHERE year = '{year}' ORDER BY 1"""


@contextmanager
def protection(parameters: Parameters, *, history: bool) -> Iterator[None]:
    """The activity's parameters, and whether releases are remembered."""
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(run, "parameters", lambda facts: parameters))
        if not history:
            admit_all: Any = lambda wanted, known, k: [True] * len(wanted)  # noqa: E731
            stack.enter_context(mock.patch.object(run, "admit", admit_all))
        yield


def duels(place: Arena, strategy: str, games: int, questions: int) -> Score:
    """Many games of few questions, each on one target under fresh noise: half of the targets are out."""
    score = Score()
    for _ in range(games):
        target = place.draw.choice(place.targets)
        inside = strategy == "watching" or place.draw.random() < 0.5
        place.choose(target.key, inside=inside)
        place.move()
        place.forget()
        secret = secrets.token_bytes(32)
        with mock.patch.object(run, "noise_secret", lambda keys, drawn=secret: drawn):
            analyst = Analyst(place.instance, place.towns, place.draw)
            guesses = list(STRATEGIES[strategy](analyst, target, questions))
        score.note(guesses, target, inside, place.guess)
    return score


def siege(place: Arena, questions: int, targets: int) -> Score:
    """One long history: hundreds of trackers and partitions against each of a few targets, averaged."""
    score = Score()
    place.forget()
    chosen = place.draw.sample(place.targets, min(targets, len(place.targets)))
    for number, target in enumerate(chosen):
        inside = number % 2 == 0
        place.choose(target.key, inside=inside)
        place.move()
        analyst = Analyst(place.instance, place.towns, place.draw)
        guesses = list(trackers(analyst, target, questions // len(chosen)))
        score.note(guesses, target, inside, place.guess)
    return score


def campaign(place: Arena, questions: int, *, say: Callable[[str], None]) -> dict[str, Score]:
    """All strategies; a quarter of the questions goes to the siege."""
    found: dict[str, Score] = defaultdict(Score)
    for strategy in STRATEGIES:
        each = 8 if strategy in ("complements", "pairs", "silence") else 18
        games = max(4, questions * 3 // 4 // len(STRATEGIES) // each)
        found[strategy] = duels(place, strategy, games, each)
        say(line(strategy, found[strategy]))
    found["partitions"] = siege(place, questions // 4, max(4, min(20, questions // 400)))
    say(line("partitions", found["partitions"]))
    return dict(found)


def line(name: str, score: Score) -> str:
    told = f"{score.advantage:+.3f}" if score.outside else "not played"
    return (
        f"  {name:<12} {score.games:>5} games   income within 10 %: {score.income:>6.1%} (chance {score.chance:.1%})"
        f"   membership advantage {told}"
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="./dev attack differencing", description=__doc__)
    parser.add_argument("--questions", type=int, default=10_000)
    parser.add_argument("--persons", type=int, default=3_000)
    asked = parser.parse_args(arguments)
    start = time.perf_counter()
    with arena(asked.persons) as place:
        print(f"{asked.persons:,} people, {len(place.targets)} of them alone in their cell")
        for title, parameters, history, share in (
            ("as it is: noise 5, k 10, release history", Parameters(), True, 1.0),
            ("without release history", Parameters(), False, 0.1),
            ("without any protection (the harness must succeed)", NAKED, False, 0.1),
        ):
            print(f"\n{title}: {int(asked.questions * share):,} questions")
            with protection(parameters, history=history):
                campaign(place, int(asked.questions * share), say=print)
    print(f"\n{time.perf_counter() - start:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
