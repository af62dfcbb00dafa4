"""The flow picture: which datasets feed which activities, placed so that a template only has to draw it."""

from __future__ import annotations

import math
import textwrap
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

MOST = 12
"""Activities that the picture shows; the table beside it shows all."""
WIDTH, BOX, HEIGHT, GAP, TOP = 1000, 330, 78, 12, 34
LETTERS, LINES = 38, 2
"""Of a title; what is longer is cut in the picture, not in the table."""


@dataclass(frozen=True)
class Link:
    """One flow: a dataset and its holder, an activity and who carries it out, and how often."""

    dataset: str
    holder: str
    activity: str
    recipient: str
    uses: int


@dataclass(frozen=True)
class Box:
    """A box with a title in some lines, and one line below; `y` is its upper edge."""

    title: Sequence[str]
    below: str
    x: int
    y: int


@dataclass(frozen=True)
class Line:
    """A flow's curve, how thick it is, and where its number stands."""

    path: str
    width: float
    uses: int
    x: float
    y: float


@dataclass(frozen=True)
class Picture:
    """Everything to draw, in a space of `width` by `height`."""

    width: int
    height: int
    boxes: Sequence[Box]
    lines: Sequence[Line]
    left_out: int


def picture(links: Sequence[Link]) -> Picture:
    """The picture of some flows: datasets at the left, activities at the right, the most used ones."""
    used: defaultdict[str, int] = defaultdict(int)
    for link in links:
        used[link.activity] += link.uses
    shown = sorted(used, key=lambda name: (-used[name], name))[:MOST]
    kept = [link for link in links if link.activity in shown]
    left = _column({link.dataset: link.holder for link in sorted(kept, key=lambda link: link.holder)}, 0)
    right = _column({name: _recipient(kept, name) for name in shown}, WIDTH - BOX)
    tall = max(len(left), len(right))
    lines = [_line(link, left[link.dataset], right[link.activity], at) for at, link in enumerate(kept)]
    height = TOP + tall * (HEIGHT + GAP)
    return Picture(WIDTH, height, [*left.values(), *right.values()], lines, len(used) - len(shown))


def _recipient(links: Sequence[Link], activity: str) -> str:
    return next(link.recipient for link in links if link.activity == activity)


def _column(titles: dict[str, str], x: int) -> dict[str, Box]:
    return {
        title: Box(_lines(title), _cut(below), x, TOP + number * (HEIGHT + GAP))
        for number, (title, below) in enumerate(titles.items())
    }


def _line(link: Link, start: Box, end: Box, number: int) -> Line:
    """A curve from box to box; numbers stand at different places, so that they do not cover each other."""
    x1, y1, x2, y2 = start.x + BOX, start.y + HEIGHT / 2, end.x, end.y + HEIGHT / 2
    middle = (x1 + x2) / 2
    share = 0.2 + 0.15 * (number % 5)
    thick = 2.0 if not link.uses else min(16.0, 2.5 + 3 * math.log10(link.uses))
    across = _bezier(x1, middle, middle, x2, share), _bezier(y1, y1, y2, y2, share)
    path = f"M{x1} {y1} C{middle} {y1} {middle} {y2} {x2} {y2}"
    return Line(path, round(thick, 1), link.uses, round(across[0], 1), round(across[1], 1))


def _bezier(a: float, b: float, c: float, d: float, t: float) -> float:
    """A point of a cubic curve."""
    s = 1 - t
    return s**3 * a + 3 * s * s * t * b + 3 * s * t * t * c + t**3 * d


def _lines(title: str) -> list[str]:
    found = textwrap.wrap(title, LETTERS)
    return found if len(found) <= LINES else [*found[: LINES - 1], _cut(" ".join(found[LINES - 1 :]))]


def _cut(text: str) -> str:
    return text if len(text) <= LETTERS else text[: LETTERS - 1].rstrip() + "…"
