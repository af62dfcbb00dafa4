"""An answer as a page shows it: the first rows as a table, with their uncertainty, and a picture of them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol, TypeVar

import pyarrow as pa

from publica.gateway.door import Answer, Explanation, Request
from publica.http import forms
from publica.http.fair import Gone
from publica.web.words import mark
from publica.wording import left_out

T = TypeVar("T")
ROWS = 200
"""Rows that a page shows; a download has all."""
BARS = 30
"""Most rows that are drawn."""
FEW = 10
"""A margin from which digits after the point say nothing."""


class Made(Protocol):
    """An answer, and its body where that is small."""

    @property
    def answer(self) -> Answer: ...
    @property
    def body(self) -> bytes | None: ...


class Serving(Protocol):
    """The server's share of the work (`app.state.serving`): uses in turn, answers piece by piece."""

    reader_seconds: float

    async def use(self, question: Request, form: str, gone: Gone) -> Made: ...
    async def explain(self, question: Request, gone: Gone) -> Explanation: ...
    async def in_turn(self, actor: str, gone: Gone, work: Callable[[], T]) -> T: ...
    def pieces(self, answer: Answer, form: str) -> Any: ...


@dataclass(frozen=True)
class Cell:
    """One value as text; `margin`: half its 95 % interval, where it is a protected total."""

    text: str
    number: float | None = None
    margin: float | None = None

    @property
    def digits(self) -> int:
        """Digits after the point that say something, given the margin."""
        whole = self.number is not None and self.number == int(self.number)
        return 0 if whole or (self.margin or 0) >= FEW else 1


@dataclass(frozen=True)
class Bar:
    """One bar of the picture, in the picture's units: where it is, how long, and its 95 % interval."""

    label: str
    cell: Cell
    y: int
    length: float
    low: float
    high: float


@dataclass(frozen=True)
class Picture:
    """Bars of one column; `zero`: where 0 lies. Sizes in the units of the SVG."""

    column: str
    of: str
    bars: tuple[Bar, ...]
    height: int
    zero: float
    margins: bool


@dataclass(frozen=True)
class Shown:
    """What a page shows of an answer."""

    receipt: str | None
    names: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: int
    pictures: tuple[Picture, ...]
    protected: Any = None

    @property
    def margins(self) -> bool:
        """Whether some value has an interval."""
        return any(cell.margin is not None for row in self.rows for cell in row)

    def left_out(self, language: str) -> str | None:
        """What may be missing from totals."""
        if self.protected is None:
            return None
        return left_out(self.protected.k, self.protected.changed, language)


def shown(made: Made) -> Shown:
    """The first rows of an answer; what is not shown is forgotten."""
    answer = made.answer
    names = tuple(forms.unique(answer.schema.names))
    numeric = tuple(_is_number(field.type) for field in answer.schema)
    found = json.loads(made.body)["rows"][:ROWS] if made.body is not None else _first(answer, names)
    margins = (forms.uncertainty(answer) or []) if answer.rows <= ROWS else []
    rows = tuple(_row(row, names, numeric, margins[at] if margins else {}) for at, row in enumerate(found))
    if made.body is None:
        answer.spool.drop()
    return Shown(
        receipt=answer.receipt,
        names=names,
        numeric=numeric,
        rows=rows,
        total=answer.rows,
        pictures=pictures(names, numeric, rows) if answer.rows <= BARS else (),
        protected=answer.protected,
    )


def _first(answer: Answer, names: Sequence[str]) -> list[dict[str, Any]]:
    """The first rows of a large answer."""
    rows = (row for batch in answer.batches() for row in zip(*map(forms.values, batch.columns), strict=True))
    return [dict(zip(names, row, strict=True)) for row in islice(rows, ROWS)]


def _row(
    row: dict[str, Any], names: Sequence[str], numeric: Sequence[bool], margins: dict[str, float | None]
) -> tuple[Cell, ...]:
    pairs = zip(names, numeric, strict=True)
    return tuple(_cell(row[name], is_number, margins.get(name)) for name, is_number in pairs)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _cell(value: Any, is_number: bool, margin: float | None) -> Cell:
    if value is None:
        return Cell("")
    if isinstance(value, bool):
        return Cell(mark("yes") if value else mark("no"))
    if is_number:
        try:
            number = float(value)
        except ValueError:
            return Cell(str(value))
        return Cell(_digits(number, value), number if math.isfinite(number) else None, margin)
    return Cell(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))


def _digits(number: float, value: Any) -> str:
    """A number as it is if it is whole or exact; a fraction with six significant digits."""
    if not isinstance(value, float) or not math.isfinite(number):
        return str(value)
    if number == int(number) and abs(number) < 1e15:
        return str(int(number))
    return f"{number:.6g}" if abs(number) < 1e6 else f"{number:.2f}"


LABELS, PLOT, STEP = 230, 430, 30
"""Widths of the labels and of the bars, and the height of one bar with its gap."""
LABEL = 28
PICTURES = 3
"""Columns that are drawn, at most."""


def pictures(
    names: Sequence[str], numeric: Sequence[bool], rows: Sequence[Sequence[Cell]]
) -> tuple[Picture, ...]:
    """Bars of each of the first numeric columns, by the others; none where there is nothing to compare."""
    measures = [at for at, is_number in enumerate(numeric) if is_number]
    if len(rows) < 2 or len(names) < 2:
        return ()
    if len(measures) == len(names):  # the first tells the rows apart, as a year does
        measures = measures[1:]
    labels = [place for place in range(len(names)) if place not in measures]
    of = ", ".join(names[place] for place in labels)
    told = [_label(row, labels) for row in rows]
    made = (_picture(names[at], of, told, [row[at] for row in rows]) for at in measures[:PICTURES])
    return tuple(each for each in made if len(each.bars) > 1)


def _picture(column: str, of: str, labels: Sequence[str], cells: Sequence[Cell]) -> Picture:
    drawn = [(label, cell) for label, cell in zip(labels, cells, strict=True) if cell.number is not None]
    ends = [0.0]
    for _, cell in drawn:
        number, margin = cell.number or 0.0, cell.margin or 0.0
        ends += (number - margin, number + margin)
    low, high = min(ends), max(ends)
    scale = PLOT / (high - low or 1)
    return Picture(
        column=column,
        of=of,
        bars=tuple(_bar(number, label, cell, low, scale) for number, (label, cell) in enumerate(drawn)),
        height=len(drawn) * STEP + 10,
        zero=round(LABELS + (0 - low) * scale, 1),
        margins=any(cell.margin is not None for _, cell in drawn),
    )


def _label(row: Sequence[Cell], labels: Sequence[int]) -> str:
    text = ", ".join(row[place].text for place in labels)
    return text if len(text) <= LABEL else text[: LABEL - 1] + "…"


def _bar(place: int, label: str, cell: Cell, low: float, scale: float) -> Bar:
    number, margin = cell.number or 0.0, cell.margin or 0.0

    def at(value: float) -> float:
        return round(LABELS + (value - low) * scale, 1)

    return Bar(
        label=label,
        cell=cell,
        y=place * STEP + 5,
        length=at(number),
        low=at(number - margin),
        high=at(number + margin),
    )
