"""Attacks on one person by what follows from cells: FILTER, ROLLUP, variances, slopes, HAVING, order, limits, errors.

Each gives guesses of (how many the target is, their income), as those of `strategies`.
"""

# ruff: noqa: E501 (a statement stays on its line)
from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from publica.kernel.errors import BadInput, Refused

from .arena import LIMITS, YEARS, Analyst, Cell, Person
from .strategies import JOINED, LATEST, Guess, Shown, conditions, groups, less


def averages(analyst: Analyst, target: Person) -> Iterator[Guess]:
    """Average times count of a group, less those of the group without the target."""
    totals = "count(*) AS n, avg(i.income) * count(*) AS s"
    for group in groups(target):
        yield less(conditions(analyst, [group, f"{group} AND NOT {target.where}"], totals))


def variances(analyst: Analyst, target: Person) -> Iterator[Guess]:
    """From variance, average and count the sum of squares: that of a group, less that without the target."""
    totals = "count(*) AS n, (var_pop(i.income) + avg(i.income) * avg(i.income)) * count(*) AS s"
    for group in groups(target):
        count, squares = less(conditions(analyst, [group, f"{group} AND NOT {target.where}"], totals))
        yield count, None if squares is None else math.sqrt(max(0.0, squares))


def slopes(analyst: Analyst, target: Person) -> Iterator[Guess]:
    """Slope and intercept over the years say what everybody earned in sum, and how it grew."""
    totals = (
        "count(*) / 3.0 AS n, count(*) * (regr_intercept(i.income, i.year) / 3 "
        f"+ regr_slope(i.income, i.year) * ({YEARS[1]} + 1) / 3) AS s"
    )
    for group in groups(target):
        yield less(conditions(analyst, [group, f"{group} AND NOT {target.where}"], totals, "TRUE"))


def filters(analyst: Analyst, target: Person) -> Iterator[Guess]:
    """A total and its FILTERs in one statement: all, less those who are not the target."""
    for number, group in enumerate(groups(target)):
        others = f"FILTER (WHERE {group} AND NOT {target.where})"
        parts = [f"{total} FILTER (WHERE {group})" for total in ("count(*)", "sum(i.income)")]
        parts += [f"{total} {others}" for total in ("count(*)", "sum(i.income)")]
        named = ", ".join(f"{part} AS v{n}" for n, part in enumerate(parts))
        for row in analyst.ask([f"SELECT {number} AS q, {named} {JOINED} WHERE {LATEST}"]):
            values = [row[f"v{n}"] for n in range(4)]
            known = [float(value) for value in values if value is not None]
            yield (known[0] - known[2], known[1] - known[3]) if len(known) == 4 else (None, None)


def rollups(analyst: Analyst, target: Person) -> Iterator[Guess]:
    """CUBE gives totals and parts at once: the target's cell, or each total less its other parts."""
    analyst.asked += 7
    by = "p.municipality AS a, p.sex AS b, p.birth_date AS c"
    cube = "GROUP BY CUBE (p.municipality, p.sex, p.birth_date)"
    shown: dict[Cell, Shown] = {
        (row["a"], row["b"], row["c"]): (float(row["n"]), float(row["s"]))
        for row in analyst.ask(
            [f"SELECT {by}, count(*) AS n, sum(i.income) AS s {JOINED} WHERE {LATEST} {cube}"]
        )
    }
    found = shown.get(target.cell)
    if found:
        yield found
    for at in range(3):
        whole = shown.get(_without(target.cell, at))
        others = [
            value
            for cell, value in shown.items()
            if value
            and None not in cell
            and cell != target.cell
            and _without(cell, at) == _without(target.cell, at)
        ]
        if whole and others:
            yield whole[0] - sum(n for n, _ in others), whole[1] - sum(s for _, s in others)


def _without(cell: Cell, at: int) -> Cell:
    town, sex, band = (None if n == at else value for n, value in enumerate(cell))
    return town, sex, band


def having(analyst: Analyst, target: Person) -> Iterator[Guess]:
    """Whether a group comes out HAVING more people than the group without the target: one bit, no value."""
    for group in groups(target):
        others = f"SELECT count(*) {JOINED} WHERE {LATEST} AND {group} AND NOT {target.where}"
        more = f"SELECT 1 AS q {JOINED} WHERE {LATEST} AND {group} HAVING count(*) > ({others})"
        yield (1.0 if analyst.ask([more]) else 0.0), None


def ranking(analyst: Analyst, target: Person) -> Iterator[Guess]:
    """Which of two groups is the larger, and nothing else: ORDER BY … LIMIT 1."""
    for group in groups(target):
        parts = [
            f"SELECT {q} AS q, count(*) AS n {JOINED} WHERE {LATEST} AND {group}{less_target}"
            for q, less_target in ((0, f" AND NOT {target.where}"), (1, ""))
        ]
        rows = analyst.ask([f"SELECT q FROM ({' UNION ALL '.join(parts)}) ORDER BY n DESC, q LIMIT 1"])
        yield (float(rows[0]["q"]) if rows else 0.5), None


def _withdrawal(analyst: Analyst, target: Person, ask: Callable[[], list[Shown]]) -> list[Guess]:
    """What changes from before to after: the target withdraws, if they were in; and so does, or comes back, a
    child, who has no income, so that in either case somebody makes a choice."""
    arena = analyst.arena
    child = arena.draw.choice([person for person in arena.people if not person.adult])
    before = ask()
    arena.choose({target.key: False, child.key: not arena.inside[child.key]})
    return [less(pair) for pair in zip(before, ask(), strict=True)]


def withdrawals(analyst: Analyst, target: Person) -> Iterator[Guess]:
    """Sums, and sums of squares out of variances, before and after the target withdraws."""
    squares = "count(*) AS n, (var_pop(i.income) + avg(i.income) * avg(i.income)) * count(*) AS s"
    named = groups(target)

    def ask() -> list[Shown]:
        return [*conditions(analyst, named), *conditions(analyst, named, squares)]

    for number, (count, total) in enumerate(_withdrawal(analyst, target, ask)):
        squared = number >= len(named) and total is not None
        yield count, math.sqrt(max(0.0, total or 0.0)) if squared else total


def above_limits(analyst: Analyst, target: Person) -> Iterator[Guess]:
    """How many earn more than each limit, before and after the target withdraws."""
    asked = [f"i.income > {limit}" for limit in LIMITS]
    steps = [count for count, _ in _withdrawal(analyst, target, lambda: conditions(analyst, asked))]
    yield max((step for step in steps if step is not None), default=None), _between(steps)


def between_limits(analyst: Analyst, target: Person) -> Iterator[Guess]:
    """How many earn between each limit and the next, before and after the target withdraws."""
    asked = [f"i.income > {low} AND i.income <= {high}" for low, high in pairwise(LIMITS)]
    ones = [count for count, _ in _withdrawal(analyst, target, lambda: conditions(analyst, asked))]
    known = [one for one in ones if one is not None]
    yield (sum(known) if known else None), _between(ones)


def _between(steps: Sequence[float | None]) -> float | None:
    """The middle of the last range whose lower limit the target exceeds."""
    over = [at for at, step in enumerate(steps) if step is not None and step > 0.5]
    return _middle(over[-1]) if over else None


def _middle(at: int) -> float:
    high = LIMITS[at + 1] if at + 1 < len(LIMITS) else LIMITS[at] * LIMITS[-1] / LIMITS[-2]
    return math.sqrt(LIMITS[at] * high)


def errors(analyst: Analyst, target: Person) -> Iterator[Guess]:
    """Whether an error, a refusal or a count of rows tells that the target's cell is there."""
    fails = "CASE WHEN count(*) >= 1 THEN CAST('no' || count(*) AS INTEGER) END AS e"
    try:
        rows = analyst.ask([f"SELECT {fails} {JOINED} WHERE {LATEST} AND {target.where}"])
    except (BadInput, Refused):
        yield 1.0, None
    else:
        yield float(len(rows)), None
    missing = f"SELECT coalesce((SELECT count(*) {JOINED} WHERE {LATEST} AND {target.where}), 0) AS n"
    (row,) = analyst.ask([missing])
    yield float(row["n"] > 0), None


SHAPES: dict[str, tuple[Callable[[Analyst, Person], Iterator[Guess]], int]] = {
    "averages × counts": (averages, 8),
    "variances": (variances, 8),
    "slopes": (slopes, 8),
    "filters": (filters, 4),
    "rollups": (rollups, 8),
    "having": (having, 4),
    "ranking": (ranking, 4),
    "errors": (errors, 2),
    "withdrawals": (withdrawals, 16),
}
LIMITED: dict[str, tuple[Callable[[Analyst, Person], Iterator[Guess]], int]] = {
    "above limits": (above_limits, 2 * len(LIMITS)),
    "between limits": (between_limits, 2 * len(LIMITS) - 2),
}
"""Those for which incomes have limits."""
