"""Names for synthetic people, from many parts of Europe (files/names.txt). No person is meant."""

from __future__ import annotations

from importlib.resources import files


def _lists() -> dict[str, tuple[str, ...]]:
    text = (files("publica.demo") / "files" / "names.txt").read_text("utf-8")
    parts = (part.partition("]") for part in text.split("[")[1:])
    return {title: tuple(names.split()) for title, _, names in parts}


_NAMES = _lists()
FEMALE, MALE = _NAMES["given names, female"], _NAMES["given names, male"]
GIVEN = FEMALE + MALE
FAMILY = _NAMES["family names"]
STREETS = tuple(f"{name} {kind}" for name in _NAMES["streets"] for kind in ("Street", "Lane", "Road"))
