"""Where there is no noise: what a table leaves out must not follow from a total less the rest of the table.

Whoever is given all cells of a table but one, and the total, has the one. So what the cells that come out add
up to, over any of the table's dimensions, is held against the history like a cell of its own; and where it is
too near to a cell that is known, the smallest cells are left out as well, until at least k persons are. (With
noise each cell that is added up brings some of its own: docs/statistics.md says how much.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from publica.gateway.aggregate.model import Core
from publica.gateway.aggregate.protect import Cell, Cells
from publica.trust.privacy.sketch import CELL, TABLE, Sketch, digest, union

Admit = Callable[[Sequence[Sequence[Sketch]], Sequence[Sketch]], list[bool]]
"""Which of several cells may come out, given those known."""


@dataclass(frozen=True)
class Margin:
    """What the cells of a core add up to that agree in some of its dimensions."""

    number: int
    cells: tuple[Cell, ...]
    sketch: Sketch


def completed(
    chosen: tuple[Cells, ...], near: Callable[[list[Sketch]], list[Sketch]], admit: Admit
) -> tuple[tuple[Cells, ...], list[Sketch]]:
    """The cells that may come out, and what they add up to. `near`: what is known of so many people."""
    while True:
        margins = [margin for number, cells in enumerate(chosen) for margin in _margins(number, cells)]
        sketches = [margin.sketch for margin in margins]
        before = near(sketches)
        given = {sketch.identity for sketch in before}
        known = [*before, *(sketch for cells in chosen for cell in cells.cells for sketch in cell.sketches)]
        least = _telling(margins, sketches, known, given, admit)
        if least is None:
            return chosen, sketches
        number, dropped = least
        left = tuple(cell for cell in chosen[number].cells if cell is not dropped)
        chosen = (*chosen[:number], replace(chosen[number], cells=left), *chosen[number + 1 :])


def _telling(
    margins: list[Margin], sketches: list[Sketch], known: list[Sketch], given: set[bytes], admit: Admit
) -> tuple[int, Cell] | None:
    """The smallest cell, not given out before, of a margin that lacks too few; and its core."""
    fits = admit([[sketch] for sketch in sketches], known)
    for margin, holds in zip(margins, fits, strict=True):
        if holds:
            continue
        others = [sketch for sketch in (*known, *sketches) if sketch.people != margin.sketch.people]
        new = [cell for cell in margin.cells if cell.sketch.identity not in given]
        if new and not all(admit([[margin.sketch]], others)):
            return margin.number, min(new, key=lambda cell: cell.sketch.rows)
    return None


def _margins(number: int, cells: Cells) -> Iterator[Margin]:
    """Of each choice of fewer dimensions than the table shows, down to none: of its people, and where they
    are others, of those with a value of each measure."""
    core, shown = cells.core, len(cells.core.shown)
    for size in range(shown):
        for places in combinations(range(shown), size):
            groups: dict[tuple[Any, ...], list[Cell]] = {}
            for cell in cells.cells:
                groups.setdefault(tuple(cell.keys[place] for place in places), []).append(cell)
            coarser = replace(core, groups=tuple(core.shown[place] for place in places), axis=None, parts=())
            for keys, members in groups.items():
                yield from (Margin(number, tuple(members), s) for s in _sketches(coarser, keys, members))


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
