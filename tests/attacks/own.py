"""Our own attacks, one file each in `own/`, on everything that Publica lets people touch.

    python -m tests.attacks.own [NAME...] [--format json]

A file says what it `tries` and its `category`. Then either a statement: `sql` under an activity (`under`, or
a list of them), perhaps `as` another actor, with `params`, of a `kind` (see `oracle.TO_REFUSE`); judged by
the oracle. Or `steps`, several statements in one history: what they give is r[0], r[1], … and `learns` is
what the attacker makes of it, which must not be the `truth`, a statement over everybody's data. Or a
`command` with `files`, judged by its exit code, what it prints and what it leaves behind.
"""

# ruff: noqa: T201 (a command that prints)
from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import yaml

from .commands import Bench, bench
from .corpus import GIVEN, OURS, Score, fill, lines
from .oracle import Attack, Verdict, publica
from .world import Arena, arena

FOLDER = Path(__file__).parent / "own"
NEAR = 0.02
"""A number is learned when the guess is so near to it, relatively."""
FIELDS = frozenset(
    [
        "tries",
        "category",
        "under",
        "as",
        "sql",
        "params",
        "kind",
        "outcome",
        "reason",
        "steps",
        "learns",
        "truth",
        "command",
        "files",
        "proof",
        "exit",
        "says",
    ]
)


@dataclass(frozen=True)
class Own:
    """One of our attacks, as its file says."""

    name: str
    said: Mapping[str, Any]

    @property
    def category(self) -> str:
        return str(self.said["category"])

    @property
    def under(self) -> list[str]:
        under = self.said.get("under", "statistics")
        return list(under) if isinstance(under, list) else [under]


def read(folder: Path = FOLDER) -> list[Own]:
    """All of them. Raises ValueError for a file that does not say what it must."""
    found = []
    for file in sorted(folder.glob("*.yaml")):
        said = yaml.safe_load(file.read_text("utf-8"))
        unknown = said.keys() - FIELDS
        if (
            unknown
            or not {"tries", "category"} <= said.keys()
            or not {"sql", "steps", "command"} & said.keys()
        ):
            raise ValueError(f"{file.name}: {sorted(unknown) or 'says too little'}")
        found.append(Own(file.stem, said))
    return found


def judge(attack: Own, place: Arena, desk: Bench) -> list[Verdict]:
    """The verdicts on one attack: one for each activity that it is tried under."""
    if "command" in attack.said:
        why = desk.try_out(attack.said)
        return [_verdict(attack, "succeeded" if why else "refused", why)]
    return [_under(attack, place, activity) for activity in attack.under]


def _under(attack: Own, place: Arena, activity: str) -> Verdict:
    if "steps" in attack.said:
        return learned(attack, place, activity)
    said = attack.said
    judging = publica(place, activity, said.get("as"))
    sql = place.written(said["sql"])
    params = {name: _value(value) for name, value in said.get("params", {}).items()}
    verdict = judging.judge(Attack(attack.name, attack.category, sql, said.get("kind", "data"), params))
    why = list(verdict.why)
    if "outcome" in said and verdict.outcome != said["outcome"] and not why:
        why.append(f"it was {verdict.outcome}, not {said['outcome']}")
    if "reason" in said and not any(told.startswith(said["reason"] + " ") for told in verdict.reasons):
        why.append(f"the reason was {verdict.reasons}, not {said['reason']}")
    return _verdict(attack, "succeeded" if why else verdict.outcome, why, verdict.reasons)


def _verdict(attack: Own, outcome: str, why: Sequence[str], reasons: Sequence[str] = ()) -> Verdict:
    sql = str(attack.said.get("sql") or attack.said.get("steps") or attack.said.get("command"))
    return Verdict(Attack(attack.name, attack.category, sql), outcome, tuple(why), tuple(reasons))


def _value(given: Any) -> Any:
    """A parameter; a long one is said by what it repeats."""
    repeated = isinstance(given, dict) and given.keys() == {"repeat", "times"}
    return given["repeat"] * given["times"] if repeated else given


# several statements


def learned(attack: Own, place: Arena, activity: str) -> Verdict:
    """Whether the attacker learned the truth, in the base and in one history."""
    place.base.forget()
    found = [place.base.ask(activity, sql, fresh=False) for sql in attack.said["steps"]]
    crashed = [f"crashed: {o.text}" for o in found if o.kind == "crashed"]
    results = [list(outcome.rows) if outcome.kind == "answered" else None for outcome in found]
    guess = _guess(attack.said["learns"], results)
    truth = _truth(place, attack.said["truth"])
    learned = (
        guess is not None and truth is not None and math.isclose(guess, truth, rel_tol=NEAR, abs_tol=1e-6)
    )
    why = [*crashed, *([f"learned {guess}: the truth is {truth}"] if learned else [])]
    refused = all(outcome.kind == "refused" for outcome in found)
    return _verdict(attack, "succeeded" if why else "refused" if refused else "harmless", why)


def _guess(learns: str, results: list[Any]) -> float | None:
    """What the attacker makes of the answers; None where something that is needed did not come out."""
    try:
        value = eval(learns, {"__builtins__": {}, "sum": sum, "float": float, "len": len}, {"r": results})
        return None if value is None else float(value)
    except (TypeError, IndexError, ZeroDivisionError, KeyError):
        return None


def _truth(place: Arena, sql: str) -> float | None:
    """A number about everybody's data."""
    with duckdb.connect() as connection:
        for table in place.policy.tables:
            fill(connection, place.base.world, table.name)
        ((value,),) = connection.execute(sql).fetchall()
    return None if value is None else float(value)


# all of them


def run(place: Arena, desk: Bench, tried: Sequence[Own]) -> Score:
    score = Score()
    for attack in tried:
        score.verdicts += judge(attack, place, desk)
    return score


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="./dev attack own", description="Our own attacks against Publica.")
    parser.add_argument("names", nargs="*", help="only these")
    parser.add_argument("--format", dest="form", choices=("table", "json"), default="table")
    given = parser.parse_args(words)
    tried = [attack for attack in read() if not given.names or attack.name in given.names]
    with arena(GIVEN, OURS) as place, bench(place) as desk:
        score = run(place, desk, tried)
    print(
        json.dumps(score.json(), indent=2, default=str) if given.form == "json" else "\n".join(lines(score))
    )
    return 0 if score.held else 1


if __name__ == "__main__":
    sys.exit(main())
