"""What several commands share: opening the instance, who acts, and output."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from publica.instance import Instance
    from publica.kernel.actor import Actor

TABLE_OR_JSON = click.Choice(["table", "json"])

format_option = click.option(
    "--format", "form", type=TABLE_OR_JSON, default="table", show_default=True, help="How to print."
)
as_option = click.option("--as", "acting_as", default="operator", metavar="ACTOR", help="On whose behalf.")


@contextmanager
def instance(folder: str, *, to_verify: bool = False) -> Iterator[Instance]:
    """The instance in `folder`, closed afterwards."""
    from publica.instance import Instance

    opened = Instance.open(Path(folder), to_verify=to_verify)
    try:
        yield opened
    finally:
        opened.close()


def operator(acting_as: str) -> Actor:
    """The local shell, acting as somebody."""
    from publica.kernel.actor import Actor

    return Actor(acting_as, "operator", getpass.getuser())


def say_json(value: Any) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def table(headings: Sequence[str], rows: Sequence[Sequence[object]], *, most: int = 200) -> str:
    """Aligned text; numbers to the right. Rows past `most` are counted, not shown."""
    shown = [["" if cell is None else _text(cell) for cell in row] for row in rows[:most]]
    widths = [max([len(head), *(len(row[i]) for row in shown)]) for i, head in enumerate(headings)]
    right = [
        bool(rows) and all(isinstance(row[i], int | float) or row[i] is None for row in rows[:most])
        for i in range(len(headings))
    ]

    def line(cells: Sequence[str]) -> str:
        parts = (c.rjust(w) if r else c.ljust(w) for c, w, r in zip(cells, widths, right, strict=True))
        return "  ".join(parts).rstrip()

    lines = [line(headings), line(["─" * width for width in widths]), *map(line, shown)]
    if len(rows) > most:
        lines.append(f"… {len(rows) - most} more rows (use --format csv, or --out FILE, for all)")
    return "\n".join(lines)


def _text(cell: object) -> str:
    text = f"{cell:.6g}" if isinstance(cell, float) and abs(cell) < 1e-3 else str(cell)
    if isinstance(cell, float) and abs(cell) >= 1e-3:
        text = f"{cell:.2f}".rstrip("0").rstrip(".")
    return printable(text, keep="")


def printable(text: str, keep: str = "\n") -> str:
    """The text without what would steer a terminal."""
    return "".join(c if c.isprintable() or c in keep else "\N{REPLACEMENT CHARACTER}" for c in text)
