"""Sketches of cells: enough to tell whether two cells differ by a few persons, too little to tell by whom.

Each person owns one of 128 bits, drawn at random; a sketch is the exclusive or of its persons' bits. If fewer
than k persons differ between two cells, at most k - 1 bits differ: such a pair is never missed. Two cells
that differ by many look alike in so few bits hardly ever (the chance is in docs/statistics.md).

A sketch also knows at which state of choices and data it was made. Two sketches of one cell at different
states may not both come out unless many people changed, even if nobody did: or else which cells come out
again would tell where those are who made a choice in between.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

BITS = 128
TABLE, CELL, STATE = 4, 6, 6
"""Bytes that name a table, a cell of it, and a state."""
_MOST = 48
"""Two cells of other people differ by 64 bits, give or take 6: no more than this can be asked for."""


@dataclass(frozen=True)
class Sketch:
    """A cell: its people's numbers added up, its bits, its rows, the most rows that a person may have.

    `definition` names what the cell was asked as: a table and a cell of it. `state` names the choices and
    data that it stands on. `blind`: drawn with record keys that were lost since, so that only its rows can be
    compared.
    """

    number: int
    bits: int
    rows: int
    per_person: int = 1
    definition: bytes = b""
    state: bytes = b""
    blind: bool = False

    @property
    def table(self) -> bytes:
        """Equal for cells that group by the same dimensions; they have no row in common."""
        return self.definition[:TABLE]

    @property
    def people(self) -> bytes:
        """Equal for cells of the same people (30 bytes)."""
        return self.number.to_bytes(14) + self.bits.to_bytes(16)

    @property
    def identity(self) -> bytes:
        """Equal for the same question about the same people at the same state."""
        return self.people + self.definition + self.state


def widest(k: int) -> int:
    """No cells that differ by so many persons, or more, are ever too near."""
    return max(k, min(2 * k - 1, _MOST))


def too_near(asked: Sketch, known: Sketch, k: int) -> bool:
    """Whether two cells may not both come out: fewer than k persons differ. Never False when 1 to k - 1 do.

    The same people asked for in another way are too near as well: if they came out, and a cell that lacks one
    person did not, then whether it comes out would tell whether that person is in. So are the same people at
    another state. Then up to k - 1 more must differ, as chance has it: who knows that k - 1 others changed
    shall not learn from its coming out that there was one more.
    """
    least = k
    if asked.definition == known.definition:
        if asked.state != known.state:
            least = min(k + known.number % k, widest(k))
        elif asked.number == known.number and asked.bits == known.bits:
            return False
    elif asked.table and asked.table == known.table and asked.state == known.state:
        return False
    reach = (least - 1) * max(asked.per_person, known.per_person)
    if abs(asked.rows - known.rows) > reach:
        return False
    return asked.blind or known.blind or (asked.bits ^ known.bits).bit_count() < least


def digest(size: int, *parts: object) -> bytes:
    """A name of so many bytes."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=size).digest()


def union(parts: Sequence[Sketch]) -> Sketch:
    """The sketch of cells that have no row in common, taken together."""
    bits = 0
    for part in parts:
        bits ^= part.bits
    definition = digest(TABLE + CELL, *sorted(part.definition for part in parts))
    number, rows = sum(part.number for part in parts), sum(part.rows for part in parts)
    return Sketch(number, bits, rows, parts[0].per_person, definition, parts[0].state)


def admit(wanted: Iterable[Sequence[Sketch]], known: Sequence[Sketch], k: int) -> list[bool]:
    """Which of several cells may come out, in turn: none too near one known, nor one admitted before it.

    A cell is a list of sketches (of its people, and, where they are fewer, of those with a value of each
    measure): all must pass.
    """
    shelf = Shelf(k, known)
    admitted = []
    for cell in wanted:
        fits = not any(shelf.near(sketch) for sketch in cell) and not _inside(cell, k)
        admitted.append(fits)
        if fits:
            for sketch in cell:
                shelf.put(sketch)
    return admitted


def _inside(cell: Sequence[Sketch], k: int) -> bool:
    return any(too_near(one, other, k) for at, one in enumerate(cell) for other in cell[at + 1 :])


class Shelf:
    """Known sketches by rows and table, so that only those are compared that may be near."""

    def __init__(self, k: int, known: Iterable[Sketch] = ()) -> None:
        self._by_rows: dict[int, dict[tuple[bytes, bytes], list[Sketch]]] = {}
        self._asked_as: dict[bytes, list[Sketch]] = {}
        self._identities: set[bytes] = set()
        self._k, self._most = k, 1
        for sketch in known:
            self.put(sketch)

    def put(self, sketch: Sketch) -> None:
        """Add one; equal ones count once."""
        if sketch.identity not in self._identities:
            self._identities.add(sketch.identity)
            tables = self._by_rows.setdefault(sketch.rows, {})
            tables.setdefault((sketch.table, sketch.state), []).append(sketch)
            self._asked_as.setdefault(sketch.definition, []).append(sketch)
            self._most = max(self._most, sketch.per_person)

    def near(self, sketch: Sketch, *, but: bytes | None = None) -> bool:
        """Whether one of them is too near to `sketch`; other than those of the people `but`."""
        return any(too_near(sketch, other, self._k) and other.people != but for other in self._around(sketch))

    def _around(self, sketch: Sketch) -> Iterator[Sketch]:
        """All that could be too near, and some more."""
        yield from self._asked_as.get(sketch.definition, ())
        reach = (widest(self._k) - 1) * max(self._most, sketch.per_person)
        if reach * 2 < len(self._by_rows):
            near = [r for r in range(sketch.rows - reach, sketch.rows + reach + 1) if r in self._by_rows]
        else:
            near = [r for r in self._by_rows if abs(r - sketch.rows) <= reach]
        own, bits, most = (sketch.table, sketch.state), sketch.bits, widest(self._k)
        for rows in near:
            for table, others in self._by_rows[rows].items():
                if table != own or not sketch.table:  # or else they have no row in common
                    yield from (
                        other
                        for other in others
                        if (bits ^ other.bits).bit_count() < most or other.blind or sketch.blind
                    )
