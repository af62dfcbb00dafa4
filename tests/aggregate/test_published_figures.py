"""Published figures of k-anonymity and disclosure, reproduced by our own rules."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from pathlib import Path

import pytest

from publica.trust.privacy.rules import Contributions, Parameters, clearly_safe, safe

from .support import refusal, rows

DATA = Path(__file__).parents[1] / "data" / "privacy"
COLUMNS = (
    "sex", "age", "race", "marital-status", "education", "native-country", "workclass", "occupation",
    "salary-class",
)  # fmt: skip


def classes(levels: tuple[int, ...]) -> Counter[tuple[str, ...]]:
    """How many people of the Adult data agree when each column is coarsened to its level."""
    steps = [_hierarchy(column) for column in COLUMNS]
    with gzip.open(DATA / "adult_30162.csv.gz", "rt", encoding="utf-8") as file:
        people = csv.DictReader(file, delimiter=";")
        return Counter(
            tuple(
                step[person[column]][level]
                for step, column, level in zip(steps, COLUMNS, levels, strict=True)
            )
            for person in people
        )


def _hierarchy(column: str) -> dict[str, list[str]]:
    with (DATA / f"adult_hierarchy_{column}.csv").open(encoding="utf-8", newline="") as file:
        return {row[0]: row for row in csv.reader(file, delimiter=";")}


@pytest.mark.parametrize(
    ("k", "levels", "published", "least", "left_out"),
    [
        (5, (1, 0, 1, 1, 3, 2, 2, 0, 1), 1498, 5, 906),
        (5, (1, 2, 1, 1, 3, 2, 2, 1, 1), 48, 5, 0),
        (100, (0, 4, 1, 1, 3, 2, 2, 1, 1), 12, 397, 0),
    ],
)
def test_the_threshold_gives_the_published_classes(
    k: int, levels: tuple[int, ...], published: int, least: int, left_out: int
) -> None:
    """ARX's optima: how many classes there are, the smallest that comes out, how many people do not."""
    wanted = Parameters(k=k)
    sizes = classes(levels).values()
    out = [size for size in sizes if clearly_safe(size, 0, 0, 1, wanted, summed=False)]
    assert out == [size for size in sizes if safe(Contributions(size, 0, 0, 0), wanted, summed=False)]
    assert (len(sizes), min(out), sum(sizes) - sum(out)) == (published, least, left_out)


def test_a_block_of_seven_people_cannot_be_reconstructed() -> None:
    """Garfinkel, Abowd and Martindale (2018): counts, medians and means of seven people tell them all."""
    for sql in (
        "SELECT median(income) FROM incomes",
        "SELECT count(*), median(income), avg(income) FROM incomes GROUP BY year",
    ):
        assert refusal(sql)[0] == "aggregate-form"
    assert not safe(Contributions(7, 280.0, 84.0, 150.0), Parameters(), summed=True)
    few = "SELECT p.municipality, count(*), avg(i.income) FROM incomes i JOIN population p USING (person_id) "
    assert rows(few + "WHERE p.sex = 'X' AND i.year = 2025 GROUP BY 1") == []
