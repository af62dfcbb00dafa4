"""What a closed core is."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Leaf:
    """A column of a dataset, as one member of a core has it; `power` 2: its square, as a measure."""

    member: int
    column: str
    power: int = 1


@dataclass(frozen=True)
class Value:
    """What a core computes in each group: rows, persons, or count, sum or avg of a measure (by number).

    Or what follows from these: a variance, from the sums of a measure and of its square; what follows from
    the cells of each value of a dimension, the axis: how many there are, or how a measure goes with it.
    """

    kind: str  # rows | persons | count | sum | avg | distinct | one of publica.trust.privacy.derived
    measure: int = -1
    square: int = -1
    axis: int = -1  # among the keys of the core

    @property
    def summed(self) -> bool:
        return self.measure >= 0 and self.kind != "count"

    @property
    def direct(self) -> bool:
        """Whether its margin is known: it is a protected value itself, or follows from such."""
        return self.kind != "distinct"


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
    sides: tuple[str, ...]  # conditions that keep one side of a limit of a measure
    limits: tuple[int, ...]  # how many limits each such measure has
    axis: Leaf | None  # the dimension along which its values are computed
    parts: tuple[Leaf, ...]  # the dimensions, not grouped by, of which `choices` take several values
    groups: tuple[Leaf, ...]
    measures: tuple[Leaf, ...]
    types: tuple[str, ...]
    required: tuple[bool, ...]
    values: tuple[Value, ...]
    pinned: tuple[frozenset[str], ...]
    constants: tuple[tuple[str, str], ...]  # dimensions that filters pin: (dataset.column, the constant)
    cuts: tuple[tuple[str, str], ...]  # what the sides are: (dataset.column, sign and limit)
    family: int  # whose relation its values go to
    places: tuple[int, ...]  # of its groups among those of the family
    slots: tuple[int, ...]  # of its values among those of the family

    def definition(self, values: tuple[object, ...]) -> str:
        """What a cell is a cell of, however spelt: the tables, and the dimensions that have one value."""
        columns = (f"{self.members[leaf.member]}.{leaf.column}" for leaf in self.keys)
        named = {(column, str(value)) for column, value in zip(columns, values, strict=True)}
        return repr((sorted(self.members), sorted({*self.constants, *named}), self.cuts))

    @property
    def table(self) -> str:
        """What all cells have in common that differ only in the values of their dimensions."""
        return repr((sorted(self.members), sorted(self.dimensions), self.cuts))

    @property
    def dimensions(self) -> frozenset[str]:
        """The dimensions (dataset.column) of which every cell has one value."""
        named = (f"{self.members[leaf.member]}.{leaf.column}" for leaf in self.keys)
        return frozenset(named) | {column for column, _ in self.constants}

    @property
    def keys(self) -> tuple[Leaf, ...]:
        """What tells its cells apart: its groups, its axis, then its parts."""
        return (*self.shown, *self.parts)

    @property
    def shown(self) -> tuple[Leaf, ...]:
        """What tells apart the totals that come out, or that what comes out follows from."""
        return self.groups if self.axis is None else (*self.groups, self.axis)

    @property
    def name(self) -> str:
        """The relation of its protected cells."""
        return relation_name(self.family)

    @property
    def rest(self) -> Core:
        """Whoever is in its cells but for their sides: those on the other side of a limit."""
        others = f"(({' AND '.join(self.sides)}) IS NOT TRUE)"
        cuts = (("not", repr(self.cuts)),)
        return replace(self, sides=(others,), measures=(), types=(), required=(), values=(), cuts=cuts)


@dataclass(frozen=True)
class Family:
    """What one SELECT over people became: cores that fill one relation, for it to read.

    There is one core for each grouping set, and for each condition of a FILTER. Each is a core that another
    statement could have asked for alone, so together they show nothing more.
    """

    number: int
    chosen: int
    cores: tuple[Core, ...]
    direct: frozenset[int]  # the slots that hold protected values as they are
    whole: frozenset[int]  # the slots that hold sums of whole numbers

    @property
    def name(self) -> str:
        return relation_name(self.number)


def relation_name(family: int) -> str:
    return f"__cells{family}"


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
