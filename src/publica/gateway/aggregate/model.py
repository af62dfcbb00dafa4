"""What a closed core is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, permutations, product
from typing import Any

COPIES = 2
"""How often a dataset may be in one core: each copy multiplies the rows of a person."""


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
    constants: tuple[tuple[Leaf, str], ...]  # dimensions that filters pin, and the constants
    cuts: tuple[tuple[Leaf, str], ...]  # what the sides are: sign and limit
    family: int  # whose relation its values go to
    places: tuple[int, ...]  # of its groups among those of the family
    slots: tuple[int, ...]  # of its values among those of the family
    others: bool = False  # whether it has whoever is not on its sides
    transforms: Mapping[str, str] = field(default_factory=dict)  # of dataset.column, when it is computed

    def definition(self, values: tuple[object, ...]) -> str:
        """What a cell is a cell of, however spelt: the tables, and the dimensions that have one value."""
        given = [
            *self.constants,
            *((leaf, str(value)) for leaf, value in zip(self.keys, values, strict=True)),
        ]
        return min(
            self._said(names, {(names[leaf], value) for leaf, value in given}) for names in self._names
        )

    @cached_property
    def table(self) -> str:
        """What all cells have in common that differ only in the values of their dimensions."""
        leaves = {*self.keys, *(leaf for leaf, _ in self.constants)}
        return min(self._said(names, {names[leaf] for leaf in leaves}) for names in self._names)

    def _said(self, names: Mapping[Leaf, str], dimensions: set[Any]) -> str:
        cuts = sorted((names[leaf], side) for leaf, side in self.cuts)
        return repr((sorted(self.members), sorted(dimensions), cuts, self.others))

    @cached_property
    def _names(self) -> tuple[Mapping[Leaf, str], ...]:
        """What the columns are called, in each order of the copies of a dataset: which copy is which does not
        matter, but which columns are of the same one. A column that was made coarser otherwise is another."""
        leaves = {*self.keys, *(leaf for leaf, _ in (*self.constants, *self.cuts))}
        copies = [[n for n, name in enumerate(self.members) if name == one] for one in set(self.members)]
        orders = product(*(permutations(range(len(numbers))) for numbers in copies))
        placed = (dict(zip(chain(*copies), chain(*order), strict=True)) for order in orders)
        return tuple(
            {leaf: f"{place[leaf.member]} {self._column(leaf)}" for leaf in leaves} for place in placed
        )

    def _column(self, leaf: Leaf) -> str:
        name = f"{self.members[leaf.member]}.{leaf.column}"
        return f"{name} {self.transforms.get(name, '')}"

    @property
    def dimensions(self) -> frozenset[str]:
        """The dimensions (dataset.column) of which every cell has one value."""
        leaves = (*self.keys, *(leaf for leaf, _ in self.constants))
        return frozenset(f"{self.members[leaf.member]}.{leaf.column}" for leaf in leaves)

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
        return replace(self, sides=(others,), measures=(), types=(), required=(), values=(), others=True)


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
