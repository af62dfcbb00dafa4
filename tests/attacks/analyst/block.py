"""The small example of a reconstruction (Garfinkel, Abowd, Martindale 2018): seven rows about seven people.

Their medians are refused here; counts and means of the same rows are what is left. The oldest is in the block
or not: is he, and how old?
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.aggregate.office import Office

from .arena import Arena

BLOCK = (
    (8, "F", "B", "S"), (18, "M", "W", "S"), (24, "F", "W", "S"), (30, "M", "W", "M"),
    (36, "F", "B", "M"), (66, "F", "B", "M"), (84, "M", "B", "M"),
)  # fmt: skip
"""Age, sex, race, married: the only people that the seven published rows fit."""
ROWS = (
    "TRUE", "sex = 'F'", "sex = 'M'", "race = 'B'", "race = 'W'", "married = 'M'", "race = 'B' AND sex = 'F'",
)  # fmt: skip
COLUMNS = {
    "age": ("measure", "integer"),
    "sex": ("dimension", "string"),
    "race": ("dimension", "string"),
    "married": ("dimension", "string"),
}


def block(arena: Arena, pairs: int) -> Iterator[tuple[float, float | None, bool, int]]:
    """Of blocks with and without him: how surely he is in, his age as it seems; whether he is in, his age."""
    folder = Path(arena.folder) / f"block{arena.draw.getrandbits(32)}"
    folder.mkdir()
    office, (age, *_) = Office(folder), BLOCK[-1]
    try:
        for number in range(2 * pairs):
            inside = number % 2 == 0
            office.table(f"block{number}", COLUMNS, BLOCK if inside else BLOCK[:-1])
            count, total = _both(office, f"block{number}", "race = 'B'", "race = 'B' AND sex = 'F'")
            yield (0.5 if count is None else count), total, inside, age
    finally:
        office.instance.close()


def _both(office: Office, name: str, whole: str, part: str) -> tuple[float | None, float | None]:
    """All seven rows are asked for; two of them differ by him alone."""
    found = {}
    for where in ROWS:
        for count, mean in office.ask(name, f"SELECT count(*), avg(age) FROM {name} WHERE {where}"):
            found[where] = count, count * (mean or 0.0)
    if whole not in found or part not in found:
        return None, None
    return found[whole][0] - found[part][0], found[whole][1] - found[part][1]
