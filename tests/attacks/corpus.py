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
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from .oracle import SLOWER as SLOWER_LOOKS
from .oracle import Attack, Judge, Verdict, changed, equal, publica, session
from .policy import activities, role
from .variants import World
from .world import Arena, Outcome, Variant, arena

DATA = Path(__file__).parents[1] / "data" / "attacks"
GIVEN, OURS = DATA / "corpus", DATA / "world"
STATISTICS = "statistics"
ANSWERS = ("expected", "plain", "protected")
HEADS = ("category", "attacks", "refused", "harmless", "succeeded")


@dataclass(frozen=True)
class Benign:
    """A question that must be answered, with the rows that it must have."""

    id: str
    sql: str
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Reply:
    """What became of a benign question.

    `expected`: it has the stated rows. `plain`: it has not, but those of plain DuckDB on copies without
    whoever did not consent (so another world was meant). `protected`: those of copies that also lack whoever
    is in a cell of fewer than k persons. `other`, or `refused`.
    """

    benign: Benign
    outcome: str
    told: Outcome


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
        good = all(reply.outcome in ANSWERS for reply in self.replies)
        return bool(self.verdicts) and not self.succeeded and not self.changes and good

    def table(self) -> list[tuple[str, int, int, int, int]]:
        """Category, attacks, refused, harmless, succeeded; the last row is the total."""
        groups: dict[str, Counter[str]] = {}
        for verdict in self.verdicts:
            groups.setdefault(verdict.attack.category, Counter())[verdict.outcome] += 1
        rows = sorted(groups.items())
        rows.append(("all", Counter(v.outcome for v in self.verdicts)))
        return [(name, n.total(), n["refused"], n["harmless"], n["succeeded"]) for name, n in rows]

    def json(self) -> dict[str, Any]:
        outcomes = Counter(reply.outcome for reply in self.replies)
        return {
            "attacks": [dict(zip(HEADS, row, strict=True)) for row in self.table()],
            "succeeded": [
                {"id": v.attack.id, "sql": v.attack.sql, "why": list(v.why)} for v in self.succeeded
            ],
            "changed": self.changes,
            "benign": {kind: outcomes[kind] for kind in (*ANSWERS, "other", "refused")},
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
        score.replies += (reply(place, reference, question, activity) for question in asked)
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
            fill(self.connection, world, table.name, everybody=table.open)
        return self.connection

    def __exit__(self, *_: object) -> None:
        self.connection.close()


def fill(connection: duckdb.DuckDBPyConnection, world: World, table: str, *, everybody: bool = True) -> None:
    """Make a table of a world; of persons perhaps without whoever did not consent."""
    rows = [row for row in world.rows[table] if everybody or world.consents(row)]
    kinds = world.types[table].items()
    connection.register("texts", pa.table({name: [row[name] or None for row in rows] for name, _ in kinds}))
    casts = ", ".join(f'CAST("{name}" AS {sql_type(kind)}) AS "{name}"' for name, kind in kinds)
    connection.execute(f"CREATE TABLE {table} AS SELECT {casts} FROM texts")
    connection.unregister("texts")


def sql_type(kind: str) -> str:
    return {"integer": "BIGINT", "decimal": "DECIMAL(12,2)", "number": "DOUBLE", "string": "VARCHAR"}.get(
        kind, kind
    )


def reply(
    place: Arena, reference: duckdb.DuckDBPyConnection, question: Benign, activity: str = STATISTICS
) -> Reply:
    """Ask a benign question, and see whose rows the answer has."""
    told = place.base.ask(activity, question.sql)
    if told.kind != "answered":
        return Reply(question, "refused", told)
    if alike(told.rows, question.rows):
        return Reply(question, "expected", told)
    if alike(told.rows, _ask_plain(reference, question.sql)):
        return Reply(question, "plain", told)
    with closing(_without_small_cells(place, reference, question.sql)) as answers:
        safe = any(alike(told.rows, rows) for rows in answers)
    return Reply(question, "protected" if safe else "other", told)


def _ask_plain(reference: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]] | None:
    try:
        return reference.execute(sql).fetchall()
    except duckdb.Error:
        return None


def _without_small_cells(
    place: Arena, reference: duckdb.DuckDBPyConnection, sql: str
) -> Generator[list[tuple[Any, ...]] | None, None, None]:
    """The answers over copies without the cells of fewer than k persons, for each choice of dimensions."""
    policy, types = place.policy, place.base.world.types[place.policy.governed.name]
    table, k = policy.governed, policy.k
    telling = [n for n in table.columns if role(policy, table, n, types[n]) == "dimension"]
    telling += [f"year({name})" for name in policy.coarse]
    reference.execute(f"CREATE TEMP TABLE everybody AS FROM {table.name}")
    try:
        for size in range(1, len(telling) + 1):
            for some in combinations(telling, size):
                within = f"QUALIFY count(*) OVER (PARTITION BY {', '.join(some)}) >= {k}"
                reference.execute(f"CREATE OR REPLACE TABLE {table.name} AS SELECT * FROM everybody {within}")
                yield _ask_plain(reference, sql)
    finally:  # also when whoever asked has seen enough
        reference.execute(f"CREATE OR REPLACE TABLE {table.name} AS FROM everybody")
        reference.execute("DROP TABLE everybody")


def alike(one: Any, other: Any) -> bool:
    """Equal rows; numbers of any kind, to their last digits; a list for a tuple."""
    return equal(_plainly(one), _plainly(other))


def _plainly(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plainly(inner) for inner in value]
    return value


def lines(score: Score) -> Iterator[str]:
    """The score as text."""
    rows = [HEADS, *score.table()]
    width = max(len(row[0]) for row in rows)
    rule = "─" * (width + 11 * len(HEADS[1:]))
    for number, row in enumerate(rows):
        if number in (1, len(rows) - 1):
            yield rule
        yield f"{row[0]:{width}}" + "".join(f"{cell:>11}" for cell in row[1:])
    for verdict in score.succeeded:
        yield f"✗ {verdict.attack.id} {verdict.attack.sql}"
        yield from (f"    {why}" for why in verdict.why[:4])
    yield from (f"✗ {change}" for change in score.changes)
    if score.replies:
        yield ""
        outcomes = Counter(reply.outcome for reply in score.replies)
        told = ", ".join(f"{outcomes[kind]} {kind}" for kind in (*ANSWERS, "other", "refused"))
        yield f"{len(score.replies)} benign questions: {told}"
    for each in score.replies:
        if each.outcome != "expected":
            mark = "·" if each.outcome in ANSWERS else "✗"
            yield f"{mark} {each.benign.id} {each.outcome}: {each.benign.sql}"
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
