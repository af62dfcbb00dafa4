"""Every table that can be asked for: all sets of dimensions, of the register and of each year's incomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

from .arena import LIMITS, YEARS, Analyst, Cell

DIMENSIONS = ("municipality", "sex", "birth_date")
SETS = tuple(chosen for size in range(4) for chosen in combinations(range(3), size))
REGISTER, EVER = 0, 1
"""The table's year where it counts the register; or everybody who ever had an income."""


@dataclass(frozen=True)
class Table:
    """One question: the dimensions it groups by, and the year of incomes (or REGISTER, or EVER). `alone`: of
    the incomes, not joined with the register. `spread`: with their variance. `side`: of those on this side of
    a limit."""

    by: tuple[int, ...]
    year: int = REGISTER
    alone: bool = False
    spread: bool = False
    side: str = ""

    def sql(self, number: int) -> str:
        """As part of a UNION ALL: q, a, b, c, n, s, m, v."""
        columns = [
            f"p.{name} AS {short}" if at in self.by else f"NULL AS {short}"
            for at, (name, short) in enumerate(zip(DIMENSIONS, "abc", strict=True))
        ]
        group = f" GROUP BY {', '.join(f'p.{DIMENSIONS[at]}' for at in self.by)}" if self.by else ""
        head, joined = f"SELECT {number} AS q, {', '.join(columns)}", " JOIN population p USING (person_id)"
        if self.year == REGISTER:
            return f"{head}, count(*) AS n, NULL AS s, NULL AS m, NULL AS v FROM population p{group}"
        if self.year == EVER:
            persons = "count(DISTINCT person_id) AS n, NULL AS s, NULL AS m, NULL AS v"
            return f"{head}, {persons} FROM incomes i{joined}{group}"
        spread = "var_pop(i.income)" if self.spread else "NULL"
        values = f"count(*) AS n, sum(i.income) AS s, avg(i.income) AS m, {spread} AS v"
        where = f"WHERE i.year = {self.year}{f' AND i.income {self.side}' if self.side else ''}"
        return f"{head}, {values} FROM incomes i{'' if self.alone else joined} {where}{group}"

    def keeps(self, income: int) -> bool:
        """Whether an income is on its side of a limit."""
        sign, _, limit = self.side.partition(" ")
        return not sign or (income > int(limit)) == (sign == ">")

    def cell(self, cell: Cell) -> Cell:
        """The cell of this table that a finest cell belongs to."""
        town, sex, band = (value if at in self.by else None for at, value in enumerate(cell))
        return town, sex, band


@dataclass
class Answers:
    """What came out: (table, cell) → count, sum and mean, the mean's margin, and the variance."""

    counts: dict[tuple[Table, Cell], float] = field(default_factory=dict)
    sums: dict[tuple[Table, Cell], float] = field(default_factory=dict)
    means: dict[tuple[Table, Cell], float] = field(default_factory=dict)
    margins: dict[tuple[Table, Cell], float] = field(default_factory=dict)
    spreads: dict[tuple[Table, Cell], float] = field(default_factory=dict)


PEOPLE = tuple(Table(by) for by in SETS)
SPREADS = tuple(Table(by, year, spread=True) for year in YEARS for by in SETS)
CUT = tuple(Table(by, YEARS[-1], side=f"> {limit}") for limit in LIMITS for by in SETS)
EVERYTHING = (
    *PEOPLE,
    *(Table(by, year) for year in (EVER, *YEARS) for by in SETS),
    *(Table((), year, alone=True) for year in YEARS),
)


def ask(analyst: Analyst, tables: Sequence[Table]) -> Answers:
    """Several tables, eight to a statement."""
    found = Answers()
    for start in range(0, len(tables), 8):
        some = tables[start : start + 8]
        rows, margins = analyst.protected([table.sql(n) for n, table in enumerate(some)], "m")
        for row, margin in zip(rows, margins, strict=True):
            place = some[row["q"]], (row["a"], row["b"], row["c"])
            found.counts[place] = float(row["n"])
            if row["s"] is not None:
                found.sums[place], found.means[place] = float(row["s"]), float(row["m"])
                found.margins[place] = float(margin or 0.0)
            if row["v"] is not None:
                found.spreads[place] = float(row["v"])
    return found
