"""The four data variants of a policy: of which no permitted answer can tell which one it was given.

A is the base. B differs only in persons who did not consent; C only in denied columns of those who did; D
moves the measures among those who did, within each cell of all that may select and group.
"""

from __future__ import annotations

import csv
import math
import random
import re
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from .policy import Policy, Table, role

VARIANTS = "ABCD"
Row = dict[str, str]

KINDS = (
    ("integer", re.compile(r"-?\d{1,18}\Z")),
    ("decimal", re.compile(r"-?\d{1,10}\.\d{1,2}\Z")),
    ("number", re.compile(r"-?\d+\.\d+(?:[eE][+-]?\d+)?\Z")),
    ("date", re.compile(r"\d{4}-\d\d-\d\d\Z")),
    ("boolean", re.compile(r"(?i:true|false)\Z")),
)
POISON = {
    "integer": ("0", "-1", "999999999999999999"),
    "decimal": ("9999999999.99", "0.00", "-9999999999.99", "0.01"),
    "number": ("1.7e308", "0.0", "-1.0"),
    "date": ("9999-12-31", "0001-01-01", "2000-02-29"),
    "boolean": ("true", "false"),
    "string": ("no number", "9" * 40, "", "2020-13-45", "x" * 2_000, "-"),
}
"""Values that hurt whatever looks at them."""
LARGE = 100_000
"""Whoever has more has nothing in B, so that any look at the largest shows."""


@dataclass(frozen=True)
class World:
    """The rows of every table, as text, in one variant."""

    policy: Policy
    types: Mapping[str, Mapping[str, str]]
    rows: Mapping[str, list[Row]]

    @property
    def people(self) -> list[Row]:
        return self.rows[self.policy.governed.name]

    def consents(self, row: Row) -> bool:
        return row[self.policy.consent].lower() == "true"

    def having(self, people: list[Row]) -> World:
        return replace(self, rows={**self.rows, self.policy.governed.name: people})

    def variant(self, name: str) -> World:
        """One of VARIANTS."""
        make = {"A": lambda: self, "B": self._others, "C": self._denied, "D": self._moved}
        return make[name]()

    def _others(self) -> World:
        """B: whoever did not consent has other values, is not there, or is somebody new."""
        draw, new = random.Random("B"), []
        for number, row in enumerate(self.people):
            if self.consents(row):
                new.append(row)
            elif number % 5:
                new.append(self._poisoned(row, draw))
        key = self.policy.governed.key
        last = max((int(row[key]) for row in self.people if row[key].isdigit()), default=0)
        template = next(row for row in self.people if not self.consents(row))
        new += [{**self._poisoned(template, draw), key: str(last + n)} for n in range(1, 41)]
        return self.having(new)

    def _poisoned(self, row: Row, draw: random.Random) -> Row:
        table, types = self.policy.governed, self.types[self.policy.governed.name]
        known = draw.choice(self.people)
        made = {
            name: draw.choice([v for v in (*POISON[types[name]], known[name]) if v != row[name]])
            for name in row
        }
        for name in row:
            if types[name] == "decimal" and row[name] and float(row[name]) > LARGE:
                made[name] = "0.00"
        return {**made, table.key: row[table.key], self.policy.consent: draw.choice(("false", ""))}

    def _denied(self) -> World:
        """C: those who consented are called otherwise, and born on another day of the same year."""
        draw, types = random.Random("C"), self.types[self.policy.governed.name]

        def other(row: Row) -> Row:
            made = {name: draw.choice(POISON[types[name]]) for name in self.policy.denied}
            for name in self.policy.coarse:
                made[name] = f"{row[name][:5]}{draw.randint(1, 12):02}-{draw.randint(1, 28):02}"
            return {**row, **made}

        return self.having([other(row) if self.consents(row) else row for row in self.people])

    def _moved(self) -> World:
        """D: within each cell, everybody's measures are somebody else's."""
        table, types = self.policy.governed, self.types[self.policy.governed.name]
        measures = [n for n in table.columns if role(self.policy, table, n, types[n]) == "measure"]
        telling = [n for n in table.columns if role(self.policy, table, n, types[n]) == "dimension"]
        cells: dict[tuple[str, ...], list[int]] = {}
        for number, row in enumerate(self.people):
            if self.consents(row):
                years = [row[name][:4] for name in self.policy.coarse]
                cells.setdefault((*(row[name] for name in telling), *years), []).append(number)
        new = list(self.people)
        for members in cells.values():
            for number, giver in zip(members, members[1:] + members[:1], strict=True):
                new[number] = {**new[number], **{name: self.people[giver][name] for name in measures}}
        return self.having(new)

    def secrets(self) -> frozenset[str]:
        """What no answer may hold: withheld texts of anybody, exact days, and what those who did not consent
        have in their measures."""
        table, types = self.policy.governed, self.types[self.policy.governed.name]
        texts = [n for n in self.policy.denied if types[n] == "string"] + list(self.policy.coarse)
        measures = [n for n in table.columns if role(self.policy, table, n, types[n]) == "measure"]
        found = {row[name] for row in self.people for name in texts}
        used = {row[name] for row in self.people if self.consents(row) for name in measures}
        for row in self.people:
            if not self.consents(row):
                found |= {row[name] for name in measures if row[name] not in used}
        return frozenset(value for value in found if len(value) > 5)

    def limits(self) -> dict[str, list[float]]:
        """Of each measure of persons, round numbers at which the policy lets people be told apart."""
        table, types = self.policy.governed, self.types[self.policy.governed.name]
        found = {}
        for name in table.columns:
            if role(self.policy, table, name, types[name]) == "measure":
                middle = statistics.median(abs(float(row[name])) for row in self.people if row[name])
                step = 10 ** math.floor(math.log10(max(middle, 1.0))) / 2
                found[name] = [step * n for n in range(1, 21)]
        return found

    def write(self, folder: Path) -> dict[str, Path]:
        """One CSV file per table."""
        folder.mkdir(parents=True, exist_ok=True)
        files = {}
        for table in self.policy.tables:
            files[table.name] = folder / f"{table.name}.csv"
            with files[table.name].open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, table.columns, lineterminator="\n")
                writer.writeheader()
                writer.writerows(self.rows[table.name])
        return files


def load(policy: Policy, folder: Path) -> World:
    """The base variant: `TABLE.csv` of each table of the policy. Raises KeyError or OSError if it misfits."""
    rows, types = {}, {}
    for table in policy.tables:
        with (folder / f"{table.name}.csv").open(encoding="utf-8", newline="") as file:
            found = [{name: row[name] for name in table.columns} for row in csv.DictReader(file)]
        rows[table.name] = found
        types[table.name] = {name: _kind(table, found, name) for name in table.columns}
    return World(policy, types, rows)


def _kind(table: Table, rows: list[Row], name: str) -> str:
    values = [row[name] for row in rows if row[name]]
    return next((kind for kind, form in KINDS if all(form.match(value) for value in values)), "string")
