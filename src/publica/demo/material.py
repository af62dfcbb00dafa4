"""Writes everything that the demo loads: records, synthetic people, real open tables, choices."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from importlib.resources import as_file, files
from pathlib import Path
from typing import TextIO

from publica.demo import people, places
from publica.kernel.errors import BadInput

OPEN_FILES = {
    "charging_points": "charging_points.csv",
    "service_requests": "nyc311_dec2023.csv",
    "open_data_index": "oecd_ourdata_2023.csv",
}
"""The real open tables, byte for byte as published: dataset → file (see files/SOURCES.md)."""

CHOICES = {"health_research": ("grant", 14), "labour_statistics": ("object", 1)}
"""Activity → (action, how many of every 20 people choose it): 70 % consent, 5 % object."""
_BLOCK = 20


@dataclass(frozen=True)
class Load:
    """A dataset and the files to load into it."""

    dataset: str
    files: tuple[Path, ...]


@dataclass(frozen=True)
class Material:
    """What `build` wrote: a folder of records, loads in order, and a file of choices per activity."""

    records: Path
    loads: tuple[Load, ...]
    choices: tuple[tuple[str, Path], ...]


def build(folder: Path, persons: int) -> Material:
    """Write the demo's material under `folder`: the same bytes for the same number of persons.

    Raises BadInput when `persons` is below 1.
    """
    if persons < 1:
        raise BadInput("A demo needs at least one person.", do="Give --persons a number from 1 on.")
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    with as_file(files("publica.demo") / "files") as source:
        shutil.copytree(source / "records", folder / "records", dirs_exist_ok=True)
        shutil.copyfile(source / "SOURCES.md", data / "SOURCES.md")
        for name in OPEN_FILES.values():
            shutil.copyfile(source / "open" / name, data / name)
    inhabitants = _write_people(data, persons)
    _write_municipalities(data / "municipalities.csv", inhabitants)
    for activity in CHOICES:
        _write_choices(data, activity, persons)
    return built(folder)


def built(folder: Path) -> Material:
    """What `build` wrote under `folder` before."""
    data = folder / "data"
    tables = ("municipalities", "population", "incomes", "hospital_stays")
    loads = [Load(name, (data / f"{name}.csv",)) for name in tables]
    loads += [Load(name, (data / file,)) for name, file in OPEN_FILES.items()]
    choices = [(activity, _choices(data, activity)) for activity in CHOICES]
    return Material(folder / "records", tuple(loads), tuple(choices))


def chosen(activity: str, persons: int) -> Iterator[str]:
    """The keys of those who made the activity's choice; of every 20 people in a row the same number."""
    wanted = CHOICES[activity][1]
    for start in range(1, persons + 1, _BLOCK):
        draws = people.seeded(f"{activity}: {start}")
        order = sorted(range(start, start + _BLOCK), key=lambda _: draws.random())
        yield from (people.key(number) for number in sorted(order[:wanted]) if number <= persons)


def _write_people(data: Path, persons: int) -> Counter[str]:
    """Write population, incomes and hospital stays in one pass; returns inhabitants by municipality."""
    earning, staying = people.seeded("incomes"), people.seeded("stays")
    inhabitants: Counter[str] = Counter()
    days = _Days()
    with ExitStack() as stack:
        population, incomes, hospital_stays = (
            stack.enter_context(_csv(data / f"{name}.csv", header))
            for name, header in (
                ("population", "person_id,name,sex,birth_date,municipality,address,household_id"),
                ("incomes", "person_id,year,income"),
                ("hospital_stays", "person_id,admitted,discharged,diagnosis_code,hospital"),
            )
        )
        for one in people.people(persons):
            inhabitants[one.municipality] += 1
            population.write(
                f"{one.key},{one.name},{one.sex},{days[one.born]},{one.municipality},{one.address},{one.household}\n"
            )
            for year, income in zip(people.YEARS, people.incomes(earning, one), strict=False):
                incomes.write(f"{one.key},{year},{income}\n")
            for stay in people.stays(staying, one):
                dates = f"{days[stay.admitted]},{days[stay.discharged]}"
                hospital_stays.write(f"{one.key},{dates},{stay.diagnosis},{stay.hospital}\n")
    return inhabitants


def _write_municipalities(path: Path, inhabitants: Counter[str]) -> None:
    with _csv(path, "code,name,region,area_km2,inhabitants") as file:
        for place in places.MUNICIPALITIES:
            row = (place.code, place.name, place.region, place.area_km2, str(inhabitants[place.code]))
            file.write(",".join(row) + "\n")


def _write_choices(data: Path, activity: str, persons: int) -> None:
    action = CHOICES[activity][0]
    with _csv(_choices(data, activity), "person_key,action") as file:
        file.writelines(_lines(chosen(activity, persons), action))


def _choices(data: Path, activity: str) -> Path:
    return data / f"choices-{activity}.csv"


def _lines(keys: Iterable[str], action: str) -> Iterator[str]:
    return (f"{key},{action}\n" for key in keys)


def _csv(path: Path, header: str) -> TextIO:
    """A CSV file open for writing, its header written; no value of ours needs quoting."""
    file = path.open("w", encoding="utf-8", newline="")
    file.write(header + "\n")
    return file


class _Days(dict[int, str]):
    """ISO dates by ordinal, each made once."""

    def __missing__(self, day: int) -> str:
        self[day] = date.fromordinal(day).isoformat()
        return self[day]
