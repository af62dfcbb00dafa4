"""Step 8, the cells: which may come out, and with what noise."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from typing import Any, TypeVar

import pyarrow as pa

from publica.gateway.aggregate.model import Core, Value, group_name, margin_name, value_name
from publica.kernel.errors import TimedOut
from publica.trust.privacy import noise
from publica.trust.privacy.derived import DERIVED, Spread, Sums, computed, deviation
from publica.trust.privacy.exposure import Exposure
from publica.trust.privacy.rules import Contributions, Parameters, clearly_safe, safe
from publica.trust.privacy.sketch import CELL, TABLE, Sketch, digest, union

Number = int | float | Decimal
T = TypeVar("T")

LARGEST = 2**63 - 1
"""No count is shown as more, for the engine has no larger numbers: copies of long tables have such noise."""


def in_time(items: Iterable[T], until: float) -> Iterator[T]:
    """The items one by one. Raises TimedOut past `until` (of the monotonic clock)."""
    for item in items:
        if time.monotonic() > until:
            raise TimedOut("There are too many cells to protect in time.", do="Group by fewer columns.")
        yield item


@dataclass(frozen=True)
class Measured:
    """A measure in a cell: how many rows have a value, their sum, the largest in absolute terms, whose."""

    count: int
    total: Number
    largest: float
    sketch: Sketch


@dataclass(frozen=True)
class Exact:
    """The exact account of a cell: its persons, and what they contribute to each measure."""

    persons: int
    measures: tuple[Contributions, ...]


@dataclass(frozen=True)
class Cell:
    """The people who agree in every dimension that a core looks at, before protection. `keys`: its values."""

    keys: tuple[Any, ...]
    sketch: Sketch
    measures: tuple[Measured, ...]
    exact: Exact | None = None
    rest: Sketch | None = None
    """Those on the other side of a limit."""

    @property
    def sketches(self) -> list[Sketch]:
        """Of its people, and of the rest; where they are others, also of those with a value of a measure."""
        whole = (self.sketch,) if self.rest is None else (self.sketch, self.rest)
        found = {sketch.people: sketch for sketch in (*(m.sketch for m in self.measures), *whole)}
        return list(found.values())


@dataclass(frozen=True)
class Cells:
    """What the engine found for one core."""

    core: Core
    exposure: Exposure
    keys: tuple[pa.DataType, ...]
    sums: tuple[pa.DataType, ...]
    cells: tuple[Cell, ...]

    @property
    def per_person(self) -> int:
        """The most rows that one person may have in one cell."""
        return self.exposure.in_cell

    @property
    def doubtful_needed(self) -> bool:
        """Whether every cell needs its exact account: persons are counted, and may have several rows."""
        return self.per_person > 1 and any(value.kind == "persons" for value in self.core.values)


def read(core: Core, exposure: Exposure, table: pa.Table, state: bytes) -> Cells:
    """The cells of a core out of the engine's answer. `state`: of the choices and data that it stands on.

    In an order that comes of who is in them: of two that may not both come out the first does, and the
    engine's order depends on rows of others, and on chance.
    """
    width = len(core.keys)
    columns = [table.column(n).to_pylist() for n in range(table.num_columns)]
    rows = [list(row) for row in zip(*columns, strict=True)]
    found = (_cell(core, exposure.in_cell, row, width, state) for row in rows if row[width])
    cells = tuple(sorted(found, key=lambda cell: cell.sketch.people))
    types = [field.type for field in table.schema]
    sums, at = [], width + 4
    for required in core.required:
        sums.append(types[at + 1])
        at += 4 if required else 7
    return Cells(core, exposure, tuple(types[:width]), tuple(sums), cells)


def _cell(core: Core, per_person: int, row: list[Any], width: int, state: bytes) -> Cell:
    keys = tuple(row[:width])
    definition, table = core.definition(keys), core.table

    def sketch(rows: int, number: Any, low: int, high: int, *, of: str) -> Sketch:
        bits = (low or 0) | (high or 0) << 64
        name = digest(TABLE, table, of) + digest(CELL, definition, of)
        return Sketch(int(number or 0), bits, rows, per_person, name, state)

    whole = sketch(*row[width : width + 4], of="")
    measures, at = [], width + 4
    for leaf, required in zip(core.measures, core.required, strict=True):
        count, total, most, least = row[at : at + 4]
        own = whole
        if not required and count != whole.rows:
            own = sketch(count, *row[at + 4 : at + 7], of=f"{core.members[leaf.member]}.{leaf.column}")
        largest = max(abs(most), abs(least)) if count else 0
        measures.append(Measured(count, total if count else 0, float(largest), own))
        at += 4 if required else 7
    return Cell(keys, whole, tuple(measures))


def exact_accounts(core: Core, table: pa.Table) -> dict[tuple[Any, ...], Exact]:
    """The exact accounts by group."""
    width, found = len(core.keys), {}
    for row in zip(*(table.column(n).to_pylist() for n in range(table.num_columns)), strict=True):
        parts = [row[at : at + 4] for at in range(width + 1, len(row), 4)]
        measures = tuple(Contributions(n, total or 0, most or 0, two or 0) for n, total, most, two in parts)
        found[tuple(row[:width])] = Exact(row[width], measures)
    return found


def with_accounts(cells: Cells, accounts: Mapping[tuple[Any, ...], Exact]) -> Cells:
    """The same cells; those that have an exact account know it."""
    return replace(cells, cells=tuple(replace(c, exact=accounts.get(c.keys)) for c in cells.cells))


def doubtful(cells: Cells, parameters: Parameters) -> list[Cell]:
    """The cells that the pigeonhole does not clear."""
    return [cell for cell in cells.cells if not _clear(cells, cell, parameters)]


def _clear(cells: Cells, cell: Cell, parameters: Parameters) -> bool:
    per_person = cells.per_person
    if cell.sketch.rows < parameters.k * per_person:
        return False
    return all(
        clearly_safe(m.count, m.largest, abs(float(m.total)), per_person, parameters, summed=summed)
        for m, summed in zip(cell.measures, _summed(cells.core), strict=True)
    )


def _summed(core: Core) -> list[bool]:
    """Of each measure whether a sum of it comes out."""
    return [
        any(value.summed and number in (value.measure, value.square) for value in core.values)
        for number in range(len(core.measures))
    ]


def keep_safe(cells: Cells, parameters: Parameters) -> Cells:
    """Drop every cell that has too few persons or a dominant one, by the pigeonhole or else exactly."""
    summed = _summed(cells.core)

    def holds(cell: Cell) -> bool:
        if _clear(cells, cell, parameters):
            return True
        exact = cell.exact
        return (
            exact is not None
            and exact.persons >= parameters.k
            and all(
                safe(known, parameters, summed=s) for known, s in zip(exact.measures, summed, strict=True)
            )
        )

    return replace(cells, cells=tuple(cell for cell in cells.cells if holds(cell)))


def with_rest(cells: Cells, rest: Cells) -> Cells:
    """Those cells whose other side is one that may come out as well; they know it from here on."""
    others = {cell.keys: cell.sketch for cell in rest.cells}
    kept = (replace(cell, rest=others[cell.keys]) for cell in cells.cells if cell.keys in others)
    return replace(cells, cells=tuple(kept))


def perturbed(cells: Cells, parameters: Parameters, secret: bytes, until: float) -> pa.Table:
    """The protected cells as a relation: groups, values, margins. A group is the sum of its cells. Raises
    TimedOut past `until`."""
    core, width = cells.core, len(cells.core.groups)
    groups: dict[tuple[Any, ...], list[Cell]] = {}
    for cell in cells.cells:
        groups.setdefault(cell.keys[:width], []).append(cell)
    columns: dict[str, pa.Array] = {}
    for number in range(width):
        columns[group_name(number)] = pa.array([group[number] for group in groups], cells.keys[number])
    draw = Draw(cells.exposure, parameters, secret, until)
    for number, value in enumerate(core.values):
        pairs = [draw.value(group, value) for group in in_time(groups.values(), until)]
        kind = _type(cells, value)
        columns[value_name(number)] = pa.array([_fitting(shown, kind) for shown, _ in pairs], kind)
        columns[margin_name(number)] = pa.array([spread for _, spread in pairs], pa.float64())
    return pa.table(columns or {"__one": pa.array([1] * len(groups), pa.int8())})


def _type(cells: Cells, value: Value) -> pa.DataType:
    if value.kind == "sum":
        return cells.sums[value.measure]
    return pa.int64() if value.kind in ("rows", "persons", "count", "distinct") else pa.float64()


_WIDE = Context(prec=60)


def _fitting(value: Number | None, kind: pa.DataType) -> Number | None:
    """A value as its Arrow type takes it: whole numbers and decimals are rounded to their last digit."""
    if value is None or not pa.types.is_decimal(kind):
        return value
    exact = (
        value if isinstance(value, Decimal) else Decimal(repr(value) if isinstance(value, float) else value)
    )
    return exact.quantize(Decimal(1).scaleb(-kind.scale), context=_WIDE)


@dataclass(frozen=True)
class Drawn:
    """A protected count and sum of one cell, and the standard deviations: of the count, and of the mean times
    the count."""

    count: int
    total: Number
    of_count: float
    of_mean: float

    @property
    def mean(self) -> float:
        return float(self.total) / self.count


@dataclass(frozen=True)
class Draw:
    """Draws protected values: the same for the same people and sums, whoever asks, however and whenever.

    A group of several cells is the sum of their protected values, so that adding up cells in many ways brings
    nothing new.
    """

    exposure: Exposure
    parameters: Parameters
    secret: bytes
    until: float

    def value(self, cells: list[Cell], value: Value) -> tuple[Number | None, float | None]:
        """The protected value, and its margin (half the 95 % interval) unless it is a number of values."""
        if value.kind == "distinct":
            return len({cell.keys[value.axis] for cell in cells if cell.keys[value.axis] is not None}), None
        if value.kind in DERIVED:
            return self._derived([cell for cell in cells if _has(cell, value)], value)
        if value.kind in ("rows", "persons"):
            each = in_time(cells, self.until)
            counts = [self._rows(c.sketch) if value.kind == "rows" else self._persons(c) for c in each]
            return sum(count for count, _ in counts), noise.count_margin(_together(sd for _, sd in counts))
        drawn = [self._measured(cell.measures[value.measure]) for cell in in_time(cells, self.until)]
        count = sum(one.count for one in drawn)
        if value.kind == "count":
            return count, noise.count_margin(_together(one.of_count for one in drawn))
        total = _added([one.total for one in drawn])
        mean = 0.0 if value.kind == "sum" else float(total) / count
        parts = (math.hypot(one.of_mean, (one.mean - mean) * one.of_count) for one in drawn)
        spread = noise.margin(_together(parts))
        if value.kind == "sum":
            return total, spread
        # the true count, which may be as much smaller, is what the noise of a mean is divided by
        least = max(float(self.parameters.k), count - _together(one.of_count for one in drawn))
        return mean, spread / least

    def _rows(self, cell: Sketch) -> tuple[int, float]:
        """A count of rows, never shown as less than k: a cell that comes out has so many persons."""
        deviation = self.exposure.rows(self.parameters.noise)
        drawn = noise.count_noise(self.secret, cell.number, deviation)
        return self._fitting(cell.rows + drawn), deviation

    def _persons(self, cell: Cell) -> tuple[int, float]:
        """A count of persons: of rows, where each has one; else with draws of its own, or else the two counts
        together would give both exactly."""
        if self.exposure.in_cell == 1:
            return self._rows(cell.sketch)
        deviation = self.exposure.persons(self.parameters.noise)
        drawn = noise.count_noise(self.secret, cell.sketch.number, deviation, "persons")
        persons = cell.exact.persons if cell.exact else 0
        return self._fitting(persons + drawn), deviation

    def _fitting(self, count: int) -> int:
        return max(self.parameters.k, min(count, LARGEST))

    def _derived(self, cells: list[Cell], value: Value) -> tuple[float | None, float | None]:
        compute, parts = DERIVED[value.kind], [self._sums(cell, value) for cell in in_time(cells, self.until)]
        shown = computed(compute, [sums for sums, _ in parts])
        spread = None if shown is None else deviation(compute, parts)
        return shown, None if spread is None else noise.margin(spread)

    def _sums(self, cell: Cell, value: Value) -> tuple[Sums, Spread]:
        drawn = self._measured(cell.measures[value.measure])
        squares, spread = 0.0, Spread(drawn.of_count, drawn.of_mean)
        if value.square >= 0:
            squared = self._measured(cell.measures[value.square])
            squares, spread = float(squared.total), replace(spread, squares=squared.of_mean)
        at = cell.keys[value.axis] if value.axis >= 0 else 0.0
        return Sums(drawn.count, float(drawn.total), squares, float(at)), spread

    def _measured(self, cell: Measured) -> Drawn:
        """The sum is the protected mean times the protected count: so it shows no more of who is in the cell
        than the count does, but by how much they differ from the mean."""
        count, of_count = self._rows(cell.sketch)
        deviation = self.exposure.sums(self.parameters.noise, cell.largest)
        drawn = noise.sum_noise(self.secret, cell.sketch.number, cell.total, deviation)
        if isinstance(cell.total, float):
            total: Number = (cell.total + drawn) * count / cell.count
        else:
            exact = _WIDE.add(Decimal(cell.total), Decimal(repr(drawn)))
            total = _WIDE.divide(_WIDE.multiply(exact, count), cell.count)
        return Drawn(count, total, of_count, deviation)


def _has(cell: Cell, value: Value) -> bool:
    """Whether a cell counts for a derived value: it has values, at a known place on the axis."""
    return bool(cell.measures[value.measure].count) and (value.axis < 0 or cell.keys[value.axis] is not None)


def _together(deviations: Iterable[float]) -> float:
    """The standard deviation of a sum of independent draws."""
    return math.hypot(*deviations)


def _added(totals: list[Number]) -> Number:
    if any(isinstance(total, float) for total in totals):
        return math.fsum(totals)
    return sum((Decimal(total) for total in totals), start=Decimal(0))


def together(all_cells: Sequence[Cells]) -> list[list[Sketch]]:
    """The sketches of every cell of every core, in turn."""
    return [cell.sketches for cells in all_cells for cell in cells.cells]


Place = tuple[int, tuple[Any, ...]]
"""A group: the number of its core, and its values."""


def unions(all_cells: Sequence[Cells]) -> dict[Place, Sketch]:
    """The sketches of those totals that are the sum of several cells."""
    groups: dict[Place, list[Sketch]] = {}
    for number, cells in enumerate(all_cells):
        for cell in cells.cells:
            groups.setdefault((number, cell.keys[: len(cells.core.shown)]), []).append(cell.sketch)
    return {place: union(parts) for place, parts in groups.items() if len(parts) > 1}


def without(cells: Cells, number: int, outside: set[Place]) -> Cells:
    """The cells of core `number` but those of some groups."""
    width = len(cells.core.shown)
    return replace(cells, cells=tuple(c for c in cells.cells if (number, c.keys[:width]) not in outside))
