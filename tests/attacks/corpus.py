"""A corpus of attacks, and of questions that must be answered, against real instances; the score by category.

    python -m tests.attacks.corpus [--corpus DIR] [--world DIR] [--under ACTIVITY] [--format json]

A corpus is a folder with `policy.md` (see `tests.attacks.policy`), `attacks*.json` and `benign*.json`. Its
data is `world/TABLE.csv` in it, or in DIR, or else that of the corpus in tests/data/attacks.
"""

# ruff: noqa: T201 (a command that prints)
from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from .oracle import SLOWER as SLOWER_LOOKS
from .oracle import Attack, Judge, Verdict, changed, equal, publica, session
from .policy import activities
from .world import Arena, Outcome, Variant, arena

DATA = Path(__file__).parents[1] / "data" / "attacks"
GIVEN, OURS = DATA / "corpus", DATA / "world"
STATISTICS = "statistics"
WITHIN = 1e-9
"""Relative: how far a number of an answer may be from the expected one."""


@dataclass(frozen=True)
class Benign:
    """A question that must be answered, with the rows that it must have."""

    id: str
    sql: str
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Reply:
    """What became of a benign question: expected, other (than what was expected), or refused."""

    benign: Benign
    outcome: str
    told: Outcome
    as_plain: bool
    """Whether it has the rows of plain DuckDB on copies without whoever did not consent."""


@dataclass
class Score:
    """The verdicts on a corpus."""

    verdicts: list[Verdict] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)

    @property
    def succeeded(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if verdict.outcome == "succeeded"]

    @property
    def held(self) -> bool:
        """No attack succeeded, nothing was changed, every benign question was answered as expected."""
        good = all(reply.outcome == "expected" for reply in self.replies)
        return bool(self.verdicts) and not self.succeeded and not self.changes and good

    def table(self) -> list[tuple[str, int, int, int]]:
        """Category, refused, harmless, succeeded; the last row is the total."""
        counts = Counter((v.attack.category, v.outcome) for v in self.verdicts)
        names = sorted({v.attack.category for v in self.verdicts})
        kinds = ("refused", "harmless", "succeeded")
        rows = [(name, *(counts[name, kind] for kind in kinds)) for name in names]
        total = Counter(v.outcome for v in self.verdicts)
        return [*rows, ("all", *(total[kind] for kind in kinds))]

    def json(self) -> dict[str, Any]:
        heads = ("category", "refused", "harmless", "succeeded")
        outcomes = Counter(reply.outcome for reply in self.replies)
        return {
            "attacks": [dict(zip(heads, row, strict=True)) for row in self.table()],
            "succeeded": [
                {"id": v.attack.id, "sql": v.attack.sql, "why": list(v.why)} for v in self.succeeded
            ],
            "changed": self.changes,
            "benign": {kind: outcomes[kind] for kind in ("expected", "other", "refused")},
            "as plain DuckDB": sum(reply.as_plain for reply in self.replies),
            "not expected": [
                {
                    "id": r.benign.id,
                    "sql": r.benign.sql,
                    "outcome": r.outcome,
                    "told": r.told.text or r.told.rows[:5],
                }
                for r in self.replies
                if r.outcome != "expected"
            ],
            "held": self.held,
        }


def attacks(folder: Path) -> list[Attack]:
    """The attacks of a corpus."""
    found = [
        item for file in sorted(folder.glob("attacks*.json")) for item in json.loads(file.read_text("utf-8"))
    ]
    return [
        Attack(
            id=item["id"],
            category=item.get("category", "attack"),
            sql=item["sql"],
            kind=item.get("class", "data"),
            canaries=tuple(item.get("canaries_in_output", ())),
        )
        for item in found
    ]


def benign(folder: Path) -> list[Benign]:
    """The questions of a corpus that must be answered."""
    found = [
        item for file in sorted(folder.glob("benign*.json")) for item in json.loads(file.read_text("utf-8"))
    ]
    return [Benign(item["id"], item["sql"], tuple(map(tuple, item["expected_rows"]))) for item in found]


def run(place: Arena, tried: Sequence[Attack], asked: Sequence[Benign], activity: str = STATISTICS) -> Score:
    """Judge every attack, and ask every benign question, under one activity."""
    score, judge = Score(), publica(place, activity)
    before = {"session": session(place.base, SLOWER_LOOKS)}
    for attack in tried:
        score.verdicts.append(judged(judge, place, attack, activity))
    score.changes += changed(before, {"session": session(place.base, SLOWER_LOOKS)})
    with plain(place.base) as reference:
        score.replies += (reply(place.base, reference, question, activity) for question in asked)
    return score


def judged(judge: Judge, place: Arena, attack: Attack, activity: str) -> Verdict:
    """The verdict on one attack. Where rows may leave, those of people who consented are no canaries."""
    totals = activities(place.policy)[activity].protection == "aggregates"
    canaries = attack.canaries if totals else ()
    sql = place.written(attack.sql)
    return judge.judge(Attack(attack.id, attack.category, sql, attack.kind, attack.params, canaries))


class plain:
    """Plain DuckDB over copies without whoever did not consent, for as long as this lasts."""

    def __init__(self, variant: Variant) -> None:
        self.variant = variant

    def __enter__(self) -> duckdb.DuckDBPyConnection:
        world = self.variant.world
        self.connection = duckdb.connect()
        for table in world.policy.tables:
            rows = [row for row in world.rows[table.name] if table.open or world.consents(row)]
            columns = ", ".join(
                f'"{name}" {sql_type(world.types[table.name][name])}' for name in table.columns
            )
            self.connection.execute(f"CREATE TABLE {table.name} ({columns})")
            marks = ", ".join("?" for _ in table.columns)
            values = [[value or None for value in row.values()] for row in rows]
            self.connection.executemany(f"INSERT INTO {table.name} VALUES ({marks})", values)
        return self.connection

    def __exit__(self, *_: object) -> None:
        self.connection.close()


def sql_type(kind: str) -> str:
    return {"integer": "BIGINT", "decimal": "DECIMAL(12,2)", "number": "DOUBLE", "string": "VARCHAR"}.get(
        kind, kind
    )


def reply(variant: Variant, reference: duckdb.DuckDBPyConnection, question: Benign, activity: str) -> Reply:
    told = variant.ask(activity, question.sql)
    if told.kind != "answered":
        return Reply(question, "refused", told, as_plain=False)
    expected = alike(told.rows, question.rows)
    as_plain = alike(told.rows, reference.execute(question.sql).fetchall())
    return Reply(question, "expected" if expected else "other", told, as_plain)


def alike(one: Any, other: Any) -> bool:
    """Equal rows; numbers to WITHIN, whatever their kind; a list for a tuple."""
    return equal(_plainly(one), _plainly(other))


def _plainly(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plainly(inner) for inner in value]
    return value


def lines(score: Score) -> Iterator[str]:
    """The score as text."""
    rows = [("category", "refused", "harmless", "succeeded"), *score.table()]
    width = max(len(row[0]) for row in rows)
    for row in rows:
        yield f"{row[0]:{width}}  " + "  ".join(f"{cell:>9}" for cell in row[1:])
    for verdict in score.succeeded:
        yield f"✗ {verdict.attack.id} {verdict.attack.sql}"
        yield from (f"    {why}" for why in verdict.why[:4])
    yield from (f"✗ {change}" for change in score.changes)
    if score.replies:
        yield ""
        outcomes = Counter(reply.outcome for reply in score.replies)
        told = ", ".join(f"{outcomes[kind]} {kind}" for kind in ("expected", "other", "refused"))
        plainly = sum(each.as_plain for each in score.replies)
        yield f"{len(score.replies)} benign questions: {told}; {plainly} as plain DuckDB"
    for each in score.replies:
        if each.outcome != "expected":
            yield f"✗ {each.benign.id} {each.outcome}: {each.benign.sql}"
            yield f"    {each.told.text or each.told.rows[:5]}"


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="./dev attack corpus", description="A corpus of attacks against Publica."
    )
    parser.add_argument(
        "--corpus", type=Path, default=GIVEN, help="a folder with policy.md, attacks*.json, benign*.json"
    )
    parser.add_argument("--world", type=Path, help="a folder with a CSV file for each table of the policy")
    parser.add_argument(
        "--under",
        default=STATISTICS,
        help="the activity: statistics (the policy), totals, casework, research",
    )
    parser.add_argument("--format", dest="form", choices=("table", "json"), default="table")
    given = parser.parse_args(words)
    tried, asked = attacks(given.corpus), benign(given.corpus)
    if not tried:
        parser.error(f"{given.corpus} holds no attacks*.json")
    own = given.corpus / "world"
    data = given.world or (own if own.is_dir() else OURS)
    with arena(given.corpus, data) as place:
        score = run(place, tried, asked if given.under == STATISTICS else (), given.under)
    print(
        json.dumps(score.json(), indent=2, default=str) if given.form == "json" else "\n".join(lines(score))
    )
    return 0 if score.held else 1


if __name__ == "__main__":
    sys.exit(main())
