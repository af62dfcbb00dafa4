"""Published figures of k-anonymity and disclosure risk, reproduced through the one door: our cells are their classes.

What does not apply here: optimising levels (ARX chooses them; the agreement does here); the calibration of
differential privacy, which `aggregates` does not promise.
"""

# ruff: noqa: E501 (a statement stays on its line)
from __future__ import annotations

import csv
import gzip
import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from publica.kernel.errors import Refused

from .office import Office
from .support import OPEN, protected_as

DATA = Path(__file__).parents[1] / "data" / "privacy"
SHARED = Path(__file__).parents[3] / "shared" / "data" / "privacy"
COLUMNS = (
    "sex", "age", "race", "marital-status", "education", "native-country", "workclass", "occupation",
    "salary-class",
)  # fmt: skip
NAMES = ", ".join(column.replace("-", "_") for column in COLUMNS)
PEOPLE = 30_162


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    made = Office(tmp_path_factory.mktemp("office"))
    yield made
    made.instance.close()


def adults(levels: tuple[int, ...]) -> Iterator[list[str]]:
    """The Adult data, each column made coarser to its level of ARX's hierarchy."""
    steps = [_hierarchy(column) for column in COLUMNS]
    with gzip.open(DATA / "adult_30162.csv.gz", "rt", encoding="utf-8", newline="") as file:
        for person in csv.DictReader(file, delimiter=";"):
            yield [
                step[person[column]][level]
                for step, column, level in zip(steps, COLUMNS, levels, strict=True)
            ]


def _hierarchy(column: str) -> dict[str, list[str]]:
    with (DATA / f"adult_hierarchy_{column}.csv").open(encoding="utf-8", newline="") as file:
        return {row[0]: row for row in csv.reader(file, delimiter=";")}


def load(office: Office, name: str, levels: tuple[int, ...], **protection: float) -> str:
    """Load them under a name; the question that makes their classes."""
    dimensions = dict.fromkeys(NAMES.split(", "), ("dimension", "string"))
    office.table(name, dimensions, adults(levels), **protection)
    return f"SELECT {NAMES}, count(*) FROM {name} GROUP BY ALL"


@pytest.mark.parametrize(
    ("k", "levels", "classes", "least", "left_out"),
    [
        (5, (1, 0, 1, 1, 3, 2, 2, 0, 1), 1498, 5, 906),
        (5, (1, 2, 1, 1, 3, 2, 2, 1, 1), 48, 5, 0),
        (40, (0, 4, 1, 1, 3, 2, 2, 1, 1), 12, 397, 0),
    ],
)
def test_the_threshold_gives_the_published_classes(
    office: Office, k: int, levels: tuple[int, ...], classes: int, least: int, left_out: int
) -> None:
    """ARX's optima (TestAnonymizationKAnonymity): how many classes, the smallest that comes out, how many people
    do not. For k = 100 any k from 3 to 40, which a record may ask for, gives the same: nobody is left out."""
    name = f"adults_{k}_{classes}"
    sql = load(office, name, levels, k=k, noise=0)
    out = [row[-1] for row in office.ask(name, sql)]
    with protected_as(OPEN):
        assert len(office.ask(name, sql)) == classes
    assert (min(out), PEOPLE - sum(out)) == (least, left_out)


def test_average_risk_and_sample_uniques_are_the_published_ones(office: Office) -> None:
    """ARX's TestRiskMetrics, of the data as they are: classes per person, and the share of people alone in theirs.
    With protection no class below k comes out, so that none of them has a risk above 1 / k."""
    sql = load(office, "adults_as_they_are", (0,) * 9)
    with protected_as(OPEN):
        sizes = [row[-1] for row in office.ask("adults_as_they_are", sql)]
    assert len(sizes) / PEOPLE == 0.6465751607983555
    assert sizes.count(1) / PEOPLE == 0.5142895033485844
    kept = sum(size for size in sizes if size >= 10)
    with protected_as(PLAIN := OPEN.__class__(noise=0)):
        out = [row[-1] for row in office.ask("adults_as_they_are", sql)]
    assert PLAIN.k == 10 == min(out)
    assert sum(out) == kept


def test_individual_risk_of_eight_records(office: Office) -> None:
    """Franconi and Polettini (2004), as in sdcMicro's help(indivRisk): frequencies, weights and risks.

    The risk itself is one of releasing a sample's rows, which `aggregates` never does: it is computed here from
    our cells' counts and sums. What applies is k: none of these cells comes out under any k.
    """
    file = SHARED / "francdat.csv"
    if not file.exists():
        pytest.skip(f"NOT TESTED: {file.name} is not at {SHARED}")
    with file.open(encoding="utf-8", newline="") as source:
        records = list(csv.DictReader(source))
    keys = ("Key1", "Key2", "Key3", "Key4")
    columns = {key.lower(): ("dimension", "number") for key in keys} | {"w": ("measure", "number")}
    office.table("sample", columns, ([record[c] for c in (*keys, "w")] for record in records))
    sql = "SELECT key1, key2, key3, key4, count(*), sum(w) FROM sample GROUP BY ALL"
    assert office.ask("sample", sql) == []
    with protected_as(OPEN):
        cells = {row[:4]: row[4:] for row in office.ask("sample", sql)}
    found = [cells[tuple(float(record[key]) for key in keys)] for record in records]
    assert [count for count, _ in found] == [2, 2, 2, 1, 1, 1, 1, 2]
    assert [weight for _, weight in found] == [110, 84.5, 84.5, 17, 541, 8, 5, 110]
    published = [0.01714, 0.02204, 0.02204, 0.17708, 0.01165, 0.29706, 0.40236, 0.01714]
    assert [individual_risk(*cell) for cell in found] == pytest.approx(published, abs=1e-5)


def individual_risk(count: int, weight: float) -> float:
    """The expected 1 / (frequency in the population), given that in the sample (1 or 2)."""
    odds, surprise = count / (weight - count), math.log(weight / count)
    return odds * surprise if count == 1 else odds - odds**2 * surprise


# the block of seven people

BLOCK = (
    (8, "F", "B", "S"), (18, "M", "W", "S"), (24, "F", "W", "S"), (30, "M", "W", "M"),
    (36, "F", "B", "M"), (66, "F", "B", "M"), (84, "M", "B", "M"),
)  # fmt: skip
"""Age, sex, race, married: the only people that the seven published rows fit."""
ROWS = {
    "TRUE": (7, 30, 38.0),
    "sex = 'F'": (4, 30, 33.5),
    "sex = 'M'": (3, 30, 44.0),
    "race = 'B'": (4, 51, 48.5),
    "race = 'W'": (3, 24, 24.0),
    "married = 'M'": (4, 51, 54.0),
    "race = 'B' AND sex = 'F'": (3, 36, 36.7),
}
"""Garfinkel, Abowd and Martindale (2018): count, median and mean of the ages."""
COLUMNS_OF_BLOCK = {
    "age": ("measure", "integer"),
    "sex": ("dimension", "string"),
    "race": ("dimension", "string"),
    "married": ("dimension", "string"),
}


def block(office: Office, name: str, people: tuple[tuple[object, ...], ...], **protection: float) -> None:
    office.table(name, COLUMNS_OF_BLOCK, people, **protection)


def published(office: Office, name: str) -> dict[str, tuple[int, float]]:
    """Of the seven rows those that come out, one after the other."""
    found = {}
    for where in ROWS:
        for count, mean in office.ask(name, f"SELECT count(*), avg(age) FROM {name} WHERE {where}"):
            found[where] = (count, round(mean, 1))
    return found


def test_a_block_of_seven_people_cannot_be_reconstructed(office: Office) -> None:
    """The seven rows are refused for their medians; without them nothing comes out."""
    block(office, "block", BLOCK)
    for where in ROWS:
        with pytest.raises(Refused) as refused:
            office.ask("block", f"SELECT count(*), median(age), avg(age) FROM block WHERE {where}")
        assert refused.value.decision.missing[0].reason == "aggregate-form"
    assert published(office, "block") == {}
    with protected_as(OPEN):  # these are the published rows
        assert published(office, "block") == {where: (n, mean) for where, (n, _, mean) in ROWS.items()}


def test_the_laxest_protection_leaves_several_blocks_possible(office: Office) -> None:
    """With k = 3 and no noise, the least that a record may ask for, other people give the very same answers."""
    others = (*BLOCK[:4], (35, "F", "B", "M"), (67, "F", "B", "M"), BLOCK[6])
    lax = {"k": 3, "dominance": 0.9, "noise": 0}
    block(office, "lax", BLOCK, **lax)
    block(office, "other", others, **lax)
    found = published(office, "lax")
    black, near = "race = 'B'", ("married = 'M'", "race = 'B' AND sex = 'F'")
    assert not any({black, other} <= set(found) for other in near)
    assert found == published(office, "other")
    assert len(found) >= 3
