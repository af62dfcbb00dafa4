"""What a part found: figures with their targets, as a table and as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Figure:
    """One figure. `at` says whether the target is the most or the least it may be; None: for information."""

    name: str
    value: float
    unit: str
    target: float | None = None
    at: Literal["most", "least"] = "most"
    detail: str = ""

    @property
    def met(self) -> bool | None:
        if self.target is None:
            return None
        return self.value <= self.target if self.at == "most" else self.value >= self.target

    @property
    def line(self) -> tuple[str, str, str, str, str]:
        sign = "" if self.target is None else f"{'≤' if self.at == 'most' else '≥'} {shown(self.target)}"
        mark = {None: "", True: "✓", False: "✗"}[self.met]
        return (self.name, f"{shown(self.value)} {self.unit}".strip(), sign, mark, self.detail)


@dataclass
class Part:
    """One part's figures, and the peak memory of each of its processes (MiB)."""

    letter: str
    title: str
    figures: list[Figure] = field(default_factory=list)
    memory: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, name: str, value: float, unit: str, target: float | None = None, **more: Any) -> None:
        self.figures.append(Figure(name, value, unit, target, **more))

    @property
    def met(self) -> bool:
        return all(figure.met is not False for figure in self.figures)

    def as_json(self) -> dict[str, Any]:
        figures = [{**asdict(figure), "met": figure.met} for figure in self.figures]
        return {**asdict(self), "figures": figures}

    @classmethod
    def from_json(cls, held: dict[str, Any]) -> Part:
        figures = [Figure(**{k: v for k, v in each.items() if k != "met"}) for each in held.pop("figures")]
        return cls(figures=figures, **held)


def shown(value: float) -> str:
    """A number with as many digits as it deserves."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2}f}"


def table(part: Part) -> str:
    """The part as aligned lines."""
    lines = [f"({part.letter}) {part.title}   [{part.seconds:.0f} s]"]
    rows = [figure.line for figure in part.figures]
    if part.memory:
        peaks = ", ".join(f"{name} {shown(value)} MiB" for name, value in part.memory.items())
        rows.append(("peak memory", peaks, "", "", ""))
    short = [row for row in rows if row[0] != "peak memory"]
    widths = [max((len(row[at]) for row in short), default=0) for at in range(4)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append("    " + "  ".join([*cells, row[4]]).rstrip())
    return "\n".join([*lines, *(f"    {note}" for note in part.notes)])
