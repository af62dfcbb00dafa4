"""Makes the demo's instance: records, data and choices, the way an office would."""

from __future__ import annotations

import csv
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from publica.demo.material import Material, build, built, chosen
from publica.demo.stage import Citizen, Say, Stage, acting_as, quoted, tell, title
from publica.instance import Instance
from publica.instance.making import cut_short
from publica.kernel.errors import BadInput

ORIGIN = "arnmouth.example/ledger"
STEWARDS = {
    "population": "sam",
    "incomes": "rosa",
    "hospital_stays": "hugo",
}
"""Who loads what; everything else is the data office's, by its steward mira."""
OPEN_STEWARD, RECORDS_BY = "mira", "carla"
MATERIAL, READY = "material", "ready"


def prepare(folder: Path, persons: int, say: Say) -> Stage:
    """The stage, on an instance in `folder`: a new one, or the same demo made there before.

    Raises BadInput when the folder holds anything else.
    """
    started = time.monotonic()
    before = _standing(folder, persons)
    instance = Instance.open(folder) if before else Instance.create(folder, ORIGIN)
    say(f"Arnmouth and its neighbours: twelve fictional municipalities, {persons:,} synthetic people.")
    say(f"Everything is in {folder}; run the commands below there: cd {quoted(str(folder))}")
    if shutil.which("publica") is None:
        command = quoted(str(Path(sys.executable).parent))
        say(f"(first put the command on your PATH: export PATH={command}:$PATH)")
    ready = folder / MATERIAL / READY
    if ready.exists():
        material = built(folder / MATERIAL)
    else:
        material = build(folder / MATERIAL, persons)
        _fill(instance, material, say)
        ready.write_text(f"{persons}\n", "ascii")
        tell(say, f"Ready after {time.monotonic() - started:.1f} seconds.")
    first, *others = _citizens(instance, material, persons)
    return Stage(say, folder, instance, material, first, tuple(others))


def _standing(folder: Path, persons: int) -> bool:
    """Whether an instance of this demo stands in the folder already (perhaps not filled to the end)."""
    if not folder.exists() or not any(folder.iterdir()) or cut_short(folder):
        return False
    if not (folder / MATERIAL).is_dir():
        raise BadInput(f"{folder} holds something else.", do="Choose a new folder with --dir.")
    ready = folder / MATERIAL / READY
    if ready.exists() and ready.read_text("ascii").strip() != str(persons):
        raise BadInput(
            f"{folder} holds a demo of {ready.read_text('ascii').strip()} persons.",
            do="Choose a new folder with --dir, or ask for as many persons.",
        )
    return True


def _fill(instance: Instance, material: Material, say: Say) -> None:
    title(say, "Records, data and choices")
    folder = instance.folder
    _show(say, "apply", _inside(material.records, folder), "--as", RECORDS_BY)
    differences = instance.apply((material.records,), acting_as(RECORDS_BY))
    kinds = Counter(difference.kind for difference in differences)
    say("    " + ", ".join(f"{count} × {kind}" for kind, count in kinds.items()))
    for load in material.loads:
        steward = STEWARDS.get(load.dataset, OPEN_STEWARD)
        _show(say, "load", load.dataset, *(_inside(file, folder) for file in load.files), "--as", steward)
        report = instance.load(load.dataset, load.files, acting_as(steward))
        for read in report.files:
            form = f"{read.encoding}, delimiter {read.delimiter!r}"
            say(f"    {read.rows:,} rows, {read.columns} columns ({form})")
    for activity, file in material.choices:
        _show(say, "choice", "load", _inside(file, folder), "--activity", activity)
        counts = instance.choose_many(file, activity, acting_as("operator"))
        say("    " + ", ".join(f"{count:,} × {action}" for action, count in counts.items()))


def _citizens(instance: Instance, material: Material, persons: int) -> list[Citizen]:
    """The first two people who consent to health research, were in hospital, and live in Coast or Vale; and
    the first one of those who were there and do not consent."""
    data = {load.dataset: load.files[0] for load in material.loads}
    consenting = set(chosen("health_research", persons))
    stays: dict[str, list[str]] = {}
    for row in _rows(data["hospital_stays"]):
        stays.setdefault(row["person_id"], []).append(row["admitted"])
    wanted = {True: 2, False: 1}
    found: dict[bool, list[Citizen]] = {True: [], False: []}
    for row in _rows(data["population"]):
        key, municipality = row["person_id"], row["municipality"]
        agrees = key in consenting
        if key not in stays or municipality[0] not in "12" or len(found[agrees]) == wanted[agrees]:
            continue
        if instance.choice_status(key, "health_research")["allowed"] is agrees:
            found[agrees].append(Citizen(key, row["name"], municipality, stays[key][0], len(stays[key])))
        if all(len(found[kind]) == wanted[kind] for kind in wanted):
            return found[True] + found[False]
    raise BadInput("Nobody fits the tour among so few people.", do="Ask for more --persons, in a new --dir.")


def _rows(file: Path) -> Iterator[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def _show(say: Say, *words: str) -> None:
    say("  $ publica " + " ".join(map(quoted, words)))


def _inside(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()
