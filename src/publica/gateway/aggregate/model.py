"""What a closed core is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Leaf:
    """A column of a dataset, as one member of a core has it."""

    member: int
    column: str


@dataclass(frozen=True)
class Value:
    """What a core computes in each cell: rows, persons, or count, sum or avg of a measure (by number)."""

    kind: str  # rows | persons | count | sum | avg
    measure: int = -1

    @property
    def summed(self) -> bool:
        return self.kind in ("sum", "avg")


@dataclass(frozen=True)
class Core:
    """One closed SELECT over people: members joined by their keys, conditions, groups, measures, values.

    `pinned`: for each member the columns that have one value in a cell. `types`: of the measures.
    `required`: whether each measure has a value in every row.
    """

    number: int
    chosen: int
    members: tuple[str, ...]  # their datasets
    columns: tuple[frozenset[str], ...]  # read of each member
    filters: tuple[str, ...]  # SQL over the members: conditions that keep one value of a dimension
    choices: tuple[str, ...]  # the other conditions
    parts: tuple[Leaf, ...]  # the dimensions, not grouped by, of which `choices` take several values
    groups: tuple[Leaf, ...]
    measures: tuple[Leaf, ...]
    types: tuple[str, ...]
    required: tuple[bool, ...]
    values: tuple[Value, ...]
    pinned: tuple[frozenset[str], ...]
    constants: tuple[tuple[str, str], ...]  # dimensions that filters pin: (dataset.column, the constant)

    def definition(self, values: tuple[object, ...]) -> str:
        """What a cell is a cell of, however spelt: the tables, and the dimensions that have one value."""
        columns = (f"{self.members[leaf.member]}.{leaf.column}" for leaf in self.keys)
        named = {(column, str(value)) for column, value in zip(columns, values, strict=True)}
        return repr((sorted(self.members), sorted({*self.constants, *named})))

    @property
    def table(self) -> str:
        """What all cells have in common that differ only in the values of their dimensions."""
        return repr((sorted(self.members), sorted(self.dimensions)))

    @property
    def dimensions(self) -> frozenset[str]:
        """The dimensions (dataset.column) of which every cell has one value."""
        named = (f"{self.members[leaf.member]}.{leaf.column}" for leaf in self.keys)
        return frozenset(named) | {column for column, _ in self.constants}

    @property
    def keys(self) -> tuple[Leaf, ...]:
        """What tells its cells apart: its groups, then its parts."""
        return (*self.groups, *self.parts)

    @property
    def name(self) -> str:
        """The relation of its protected cells."""
        return f"__cells{self.number}"


def member_alias(number: int) -> str:
    return f"__m{number}"


def group_name(number: int) -> str:
    return f"__g{number}"


def part_name(number: int) -> str:
    return f"__d{number}"


def value_name(number: int) -> str:
    return f"__v{number}"


def margin_name(number: int) -> str:
    return f"__e{number}"
