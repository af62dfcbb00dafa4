"""Where there is no noise: what a table leaves out must not follow from a total less the rest of the table.

Whoever is given all cells of a table but one, and the total, has the one. So what the cells that come out add
up to, over any of the table's dimensions, is held against the history like a cell of its own; and where it is
too near to a cell that is known, the smallest cells are left out as well, until at least k persons are. (With
noise each cell that is added up brings some of its own: docs/statistics.md says how much.)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from publica.gateway.aggregate.model import Core
from publica.gateway.aggregate.protect import Cell, Cells
from publica.kernel.errors import TimedOut
from publica.trust.privacy.sketch import CELL, TABLE, Shelf, Sketch, digest, union


@dataclass(frozen=True)
class Margin:
    """What the cells of a core add up to that agree in some of its dimensions."""

    cells: tuple[Cell, ...]
    sketch: Sketch


def completed(
    chosen: tuple[Cells, ...], near: Callable[[list[Sketch]], list[Sketch]], k: int, until: float
) -> tuple[tuple[Cells, ...], list[Sketch]]:
    """The cells that may come out, and what they add up to. `near`: what is known of so many people.

    Raises TimedOut past `until` (of the monotonic clock).
    """
    while True:
        margins = [list(_margins(cells, until)) for cells in chosen]
        sketches = [margin.sketch for each in margins for margin in each]
        before = near(sketches)
        left_out = _left_out(chosen, margins, before, k)
        if not left_out:
            known = {sketch.people for cells in chosen for cell in cells.cells for sketch in cell.sketches}
            return chosen, [
                sketch for sketch in sketches if sketch.people not in known
            ]  # or they are near them
        chosen = tuple(
            replace(cells, cells=tuple(cell for cell in cells.cells if (number, cell.keys) not in left_out))
            for number, cells in enumerate(chosen)
        )


def _left_out(
    chosen: tuple[Cells, ...], margins: list[list[Margin]], before: list[Sketch], k: int
) -> set[tuple[int, tuple[Any, ...]]]:
    """Of each margin that is too near to others the smallest cell that was not given out before.

    Margins of one core differ by whole cells, each of at least k persons: so only other cores' count.
    """
    known, given = Shelf(k, before), {sketch.identity for sketch in before}
    others = [
        Shelf(k, [*(sketch for cell in cells.cells for sketch in cell.sketches), *(m.sketch for m in own)])
        for cells, own in zip(chosen, margins, strict=True)
    ]
    left_out: set[tuple[int, tuple[Any, ...]]] = set()
    for number, own in enumerate(margins):
        against = [known, *others[:number], *others[number + 1 :]]
        for margin in own:
            people = margin.sketch.people
            if any(shelf.near(margin.sketch, but=people) for shelf in against):
                new = [cell for cell in margin.cells if cell.sketch.identity not in given]
                if new and not any((number, cell.keys) in left_out for cell in margin.cells):
                    left_out.add((number, min(new, key=_size).keys))
    return left_out


def _size(cell: Cell) -> tuple[int, bytes]:
    return cell.sketch.rows, cell.sketch.people


def _margins(cells: Cells, until: float) -> Iterator[Margin]:
    """Of each choice of fewer dimensions than the table shows, down to none: of its people, and where they
    are others, of those with a value of each measure."""
    core = cells.core
    for places in _coarser(cells):
        if time.monotonic() > until:
            raise TimedOut(
                "Without noise, too many totals follow from this table to look at each of them in time.",
                do="Group by fewer columns.",
            )
        groups: dict[tuple[Any, ...], list[Cell]] = {}
        for cell in cells.cells:
            groups.setdefault(tuple(cell.keys[place] for place in places), []).append(cell)
        coarser = replace(core, groups=tuple(core.shown[place] for place in places), axis=None, parts=())
        for keys, members in groups.items():
            yield from (Margin(tuple(members), s) for s in _sketches(coarser, keys, members))


def _coarser(cells: Cells) -> Iterator[tuple[int, ...]]:
    """The choices of dimensions, by their places. Those that have one value in all cells, which make no
    difference, are all in it or all out."""
    places = range(len(cells.core.shown))
    same = tuple(place for place in places if len({cell.keys[place] for cell in cells.cells}) == 1)
    varying = [place for place in places if place not in same]
    for size in range(len(varying) + 1):
        for some in combinations(varying, size):
            for chosen in {some, tuple(sorted(some + same))}:
                if len(chosen) < len(places):
                    yield chosen


def _sketches(core: Core, keys: tuple[Any, ...], members: list[Cell]) -> Iterator[Sketch]:
    """As if the cells had been asked for as one."""

    def named(parts: list[Sketch], of: str) -> Sketch:
        name = digest(TABLE, core.table, of) + digest(CELL, core.definition(keys), of)
        return replace(union(parts), definition=name)

    yield named([cell.sketch for cell in members], "")
    for at, leaf in enumerate(core.measures):
        parts = [cell.measures[at].sketch for cell in members]
        if any(part.people != cell.sketch.people for part, cell in zip(parts, members, strict=True)):
            yield named(parts, f"{core.members[leaf.member]}.{leaf.column}")
