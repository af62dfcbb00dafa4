"""An analyst who may ask thousands of questions tries to find one person's income, and whether they are in.

    ./dev attack differencing [--questions 10000] [--persons 20000] [--only NAME] [--format json]

`--only siege` gives all questions to one line, or to those played together; that tells more of a line
whose error is large.

The analyst knows the register: the municipality, sex and age band of everybody, but not who objected, and
nobody's income. Targets are all adults who are alone in their municipality, sex and age band (the easiest
prey), and people of the crowd. All questions go through the real gateway under `labour_statistics`; meanwhile
people object and come back, join and leave.

By a few questions about one person:
- `direct`: their cell. `pairs`: a group, and the same without them. `complements`: the total less all others.
- `trackers`: A with them, B with them, A with B. `spellings`: pairs in many words; and the 24 given ones.
- `silence`: what is left out, and when.
- `averages × counts`, `variances`, `slopes`: pairs again, solved for sums and sums of squares.
- `filters`, `rollups`: a total and its parts in one statement. `having`, `ranking`: one bit, and no value.
- `errors`: whether an error, a refusal or a number of rows tells.
- `withdrawals`: sums, and sums of squares out of variances, before and after the target withdraws.
- `above limits`, `between limits`: the same above each limit of incomes, and between each and the next.
- `block of seven`: a published reconstruction.

By all tables that can be asked for:
- `reconstruction`: every published cell as an equation about who is in, solved for the most likely solution.
- `siege`: the same again and again over a long time while others come and go.
- `insider`: by somebody who knows of everybody else whether they are in, and what they earn; of all counts,
  of all averages, variances and margins, of everything; and of all counts above each limit.

By what changes:
- `watching`: the same tables before and after one person's choice (what vanishes? what changed?); other
  tables before than after, put together; the same with dozens of choices; and with a new version of the
  register.

Each strategy gives a score; the threshold from which on it says "in" is the best one for other games.
Success is P(says in | in) - P(says in | out), with half its 95 % interval. An income is recovered when the
guess is within a tenth of it; chance is the best guess for the age band, where nothing better is known.

With protection neither may be more than 0.1 (chance aside); without any, each strategy must find at least
half of what it looks for, or it shows nothing. The exit code is 1 where a line does not hold. "unclear": the
figure is above the bound, but its error is larger than the bound and reaches below it; the mean of all that
ask few questions, which has many more games, is judged with them. Each line above the bound or unclear after
its share of the questions is played once more, in another town, with all of them: that is its verdict.
"""

# ruff: noqa: T201 (a command that prints)
from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from publica.trust.privacy.rules import Parameters

from .analyst.arena import NAKED, SILENT, Arena, arena, protection
from .analyst.campaign import (
    ABOVE,
    BOUND,
    HEAD,
    SHARES,
    UNCLEAR,
    Result,
    blind,
    campaign,
    families,
    held,
    pooled,
)
from .analyst.linear import Register
from .analyst.score import Blind


@dataclass(frozen=True)
class Condition:
    """How totals are protected, the share of all questions that is asked so, and what each line must do."""

    name: str
    title: str
    parameters: Parameters
    history: bool
    share: float
    must: str  # hold | succeed | (anything)

    def verdict(self, result: Result, guesses: Blind) -> str:
        if self.must == "hold":
            return result.verdict(guesses)
        if result.succeeds(guesses):
            return "succeeds"
        return "SHOWS NOTHING" if self.must == "succeed" else "-"


CONDITIONS = (
    Condition("on", f"as it is: {Parameters()}, release history", Parameters(), True, 1.0, "hold"),
    Condition("no noise", "without noise (thresholds and history are on)", SILENT, True, 0.1, ""),
    Condition("none", "without any protection (each strategy must succeed)", NAKED, False, 0.1, "succeed"),
)
BAD = (ABOVE, "SHOWS NOTHING")
AGAIN = "again, below"
"""Of a line that too few games told too little of, or something bad."""
POOLED = "all by a few questions, mean"


def play(
    place: Arena, condition: Condition, questions: int, only: Sequence[str] = (), *, told: bool
) -> dict[str, Any]:
    """All strategies under one condition (or `only` some), printed as they end (`told`); and as data."""
    guesses, asked, lines = blind(place), int(questions * condition.share), []
    few: list[Result] = []
    if told:
        print(f"\n{condition.title}: {asked:,} questions\n{HEAD}", flush=True)
    with protection(condition.parameters, history=condition.history):
        for result in campaign(place, asked, condition.parameters.noise, only):
            verdict = condition.verdict(result, guesses)
            lines.append({**result.data(guesses), "family": result.family, "verdict": verdict})
            few += [result] if result.name in SHARES else []
            if told:
                print(f"{result.line(guesses)}    {verdict}", flush=True)
    if not only:
        lines.append(_together(few, condition, told=told))
    return {"protection": condition.name, "title": condition.title, "questions": asked, "lines": lines}


def again(persons: int, found: dict[str, Any], questions: int, *, told: bool) -> list[dict[str, Any]]:
    """What a run left unclear or above the bound, once more: in another town, with all questions for each."""
    doubtful = [line for line in found["lines"] if line["verdict"] in (UNCLEAR, ABOVE) and "family" in line]
    for line in doubtful:
        line["verdict"] = AGAIN
    names = tuple(dict.fromkeys(line["family"] for line in doubtful))
    if not names:
        return []
    anew = replace(CONDITIONS[0], title="what was unclear or above, once more in another town, each with all")
    with arena(persons, seed=2) as place:
        return [play(place, anew, questions, names, told=told)]


def _known(parser: argparse.ArgumentParser, place: Arena, only: Sequence[str]) -> None:
    names = [name for name, _, _ in families(place, Register(place), 0.0)] if only else []
    for name in set(only) - set(names):
        parser.error(f"there is no {name!r}; there are: {'; '.join(names)}")


def _together(few: Sequence[Result], condition: Condition, *, told: bool) -> dict[str, Any]:
    """All that ask few questions, as one line."""
    mean, error = pooled(few)
    verdict = held(mean, error) if condition.must == "hold" else ""
    if told:
        print(f"  {POOLED:<40} {mean:+.3f} ± {error:.3f}{'':<31}{verdict}", flush=True)
    return {"strategy": POOLED, "advantage": mean, "advantage_error": error, "verdict": verdict}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="./dev attack differencing",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--questions", type=int, default=10_000)
    parser.add_argument("--persons", type=int, default=20_000)
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    asked = parser.parse_args(arguments)
    start, told = time.perf_counter(), asked.format == "text"
    with arena(asked.persons) as place:
        _known(parser, place, asked.only)
        if told:
            print(f"{asked.persons:,} people, {len(place.alone)} adults of them alone in their cell")
        found = [play(place, condition, asked.questions, asked.only, told=told) for condition in CONDITIONS]
    if not asked.only:
        found += again(asked.persons, found[0], asked.questions, told=told)
    wrong = [
        f"{line['strategy']}: {line['verdict']}"
        for c in found
        for line in c["lines"]
        if line["verdict"] in BAD
    ]
    if told:
        print(f"\n{'; '.join(wrong) or 'every line holds'}\n{time.perf_counter() - start:.0f} s")
    else:
        print(json.dumps({"bound": BOUND, "persons": asked.persons, "wrong": wrong, "runs": found}, indent=1))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
