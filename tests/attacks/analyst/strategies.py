"""Attacks on one person by a few questions: each gives guesses of (how many the target is, their income)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from publica.kernel.errors import Refused

from .arena import YEARS, Analyst, Person

GIVEN = Path(__file__).parents[2] / "data" / "privacy" / "averaging_equivalents.json"
BATCH = 20

Shown = tuple[float, float] | None
Guess = tuple[float | None, float | None]
"""How many people the target is (0 or 1), and their income; None when nothing could be learned."""


SUMS = "count(*) AS n, sum(i.income) AS s"
JOINED = "FROM incomes i JOIN population p USING (person_id)"
LATEST = f"i.year = {YEARS[-1]}"


def conditions(analyst: Analyst, asked: Sequence[str], totals: str = SUMS, when: str = LATEST) -> list[Shown]:
    """For each condition the number of people with an income and the sum; None where nothing came out."""
    found: list[Shown] = []
    for start in range(0, len(asked), BATCH):
        some = asked[start : start + BATCH]
        rows = analyst.ask(
            [f"SELECT {n} AS q, {totals} {JOINED} WHERE {when} AND ({w})" for n, w in enumerate(some)]
        )
        shown = {row["q"]: (float(row["n"]), float(row["s"])) for row in rows if row["s"] is not None}
        found += [shown.get(number) for number in range(len(some))]
    return found


def pairs(analyst: Analyst, target: Person) -> Iterator[Guess]:
    """A group with the target, less the group without."""
    for group in groups(target):
        yield less(conditions(analyst, [group, f"{group} AND NOT {target.where}"]))


def direct(analyst: Analyst, target: Person) -> Iterator[Guess]:
    """Just the target's cell."""
    (shown,) = conditions(analyst, [target.where])
    yield shown or (None, None)


def complements(analyst: Analyst, target: Person) -> Iterator[Guess]:
    """The total, less everybody else in three parts."""
    town, sex, band = target.cell
    parts = [
        f"p.municipality <> '{town}'",
        f"p.municipality = '{town}' AND p.sex <> '{sex}'",
        f"p.municipality = '{town}' AND p.sex = '{sex}' AND p.birth_date <> '{band}'",
    ]
    whole, *others = conditions(analyst, ["TRUE", *parts])
    if whole:
        rest = [answer or (0.0, 0.0) for answer in others]
        yield whole[0] - sum(o[0] for o in rest), whole[1] - sum(o[1] for o in rest)


def trackers(analyst: Analyst, target: Person) -> Iterator[Guess]:
    """(A + target) + (B + target) - (A + B) is twice the target, for many A and B."""
    others, draw = [town for town in analyst.arena.towns if town != target.cell[0]], analyst.arena.draw
    asked: list[str] = []
    for _ in range(6):
        mixed = draw.sample(others, len(others))
        middle = draw.randint(1, len(mixed) - 1)
        size = draw.randint(middle + 1, len(mixed))
        a, b = _towns(mixed[:middle]), _towns(mixed[middle:size])
        asked += [f"{a} OR {target.where}", f"{b} OR {target.where}", f"{a} OR {b}"]
    found = conditions(analyst, asked)
    for n in range(0, len(found), 3):
        one, two, both = found[n : n + 3]
        if one and two and both:
            yield (one[0] + two[0] - both[0]) / 2, (one[1] + two[1] - both[1]) / 2


def spellings(analyst: Analyst, target: Person) -> Iterator[Guess]:
    """A group, and the group without the target, each in many words."""
    town, without = target.cell[0], f"NOT {target.where}"
    words = (
        f"p.municipality = '{town}'",
        f"p.municipality IN ('{town}')",
        f"p.municipality LIKE '{town}%'",
        f"left(p.municipality, {len(town or '')}) = '{town}'",
        f"p.municipality BETWEEN '{town}' AND '{town}'",
        f"starts_with(p.municipality, '{town}') AND TRUE",
        f"NOT p.municipality <> '{town}'",
        f"p.municipality = '{town}' AND p.sex IN ('F', 'M', 'X')",
        f"p.municipality = '{town}' AND p.birth_date IS NOT NULL",
    )
    for word in words:
        yield less(conditions(analyst, [word, f"({word}) AND {without}"]))


def silence(analyst: Analyst, target: Person) -> Iterator[Guess]:
    """What is left out tells as well: the target's cell comes out, or a group does, and the group without the
    target does not."""
    yield (1.0 if conditions(analyst, [target.where])[0] else 0.0), None
    for group in groups(target):
        one, other = conditions(analyst, [group, f"{group} AND NOT {target.where}"])
        if one:
            yield (0.0 if other else 1.0), None


STRATEGIES: dict[str, tuple[Callable[[Analyst, Person], Iterator[Guess]], int]] = {
    "direct": (direct, 1),
    "pairs": (pairs, 8),
    "complements": (complements, 4),
    "trackers": (trackers, 18),
    "spellings": (spellings, 18),
    "silence": (silence, 9),
}
"""Each with how many questions it takes."""


def given(analyst: Analyst, town: str) -> list[float]:
    """The 24 given spellings of one question, about a town; what each that is answered shows."""
    found = []
    for sql in json.loads(GIVEN.read_text("utf-8"))["queries"]:
        try:
            (row,) = analyst.ask([_ours(sql, town)])
        except (Refused, ValueError):  # refused, or left out
            continue
        found += [float(value) for value in row.values() if value is not None]
    return found


def _ours(sql: str, town: str) -> str:
    """A given statement over our tables, with the town for region A."""
    after = town[:-1] + chr(ord(town[-1]) + 1)
    places = "('AA1 1AA', 'AA2 2AA', 'AA3 3AA', 'AA4 4AA', 'AA5 5AA')"
    sql = sql.replace(places, f"('{town}')").replace("'AA%'", f"'{town}%'").replace("'AA'", f"'{town}'")
    sql = sql.replace("postcode, 2)", f"postcode, {len(town)})").replace("1, 2)", f"1, {len(town)})")
    sql = sql.replace("'AB'", f"'{after}'").replace("postcode", "municipality")
    return sql.replace("persons", "population").replace("places", "municipalities")


def groups(target: Person) -> list[str]:
    town, sex, band = target.cell
    return [f"(p.municipality = '{town}')", f"(p.birth_date = '{band}')", f"(p.sex = '{sex}')", "(TRUE)"]


def less(found: Sequence[Shown]) -> Guess:
    one, other = found
    return (one[0] - other[0], one[1] - other[1]) if one and other else (None, None)


def _towns(towns: Sequence[str]) -> str:
    return "p.municipality IN (" + ", ".join(f"'{town}'" for town in towns) + ")"
