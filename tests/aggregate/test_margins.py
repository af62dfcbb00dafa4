"""Margins hold: the true value is within the stated 95 % interval in about 95 of 100, over many cells and secrets."""

# ruff: noqa: E501 (a statement stays on its line)
from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any
from unittest import mock

import pytest

from publica.demo.prepare import prepare
from publica.gateway.aggregate import run
from publica.gateway.door import Answer
from publica.instance import Instance
from publica.trust.privacy.derived import VARIANCES, Spread, Sums, deviation
from publica.trust.privacy.rules import Parameters

from .support import OPEN, ask, protected_as, tuples

JOINED = "FROM incomes i JOIN population p USING (person_id)"
PERSONS = 20_000
LOW, HIGH = 0.90, 0.99
"""Of the hundreds of values of each kind, so many lie within."""
KINDS: dict[str, tuple[str, int]] = {
    "counts": ("SELECT municipality, sex, count(*) FROM population WHERE sex <> 'X' GROUP BY 1, 2", 2),
    "persons": (f"SELECT p.municipality, count(DISTINCT person_id) {JOINED} GROUP BY 1", 1),
    "sums": (f"SELECT p.municipality, i.year, sum(i.income) {JOINED} GROUP BY 1, 2", 2),
    "averages": (f"SELECT p.municipality, i.year, avg(i.income) {JOINED} GROUP BY 1, 2", 2),
    "variances": (f"SELECT p.birth_date, i.year, var_pop(i.income) {JOINED} GROUP BY 1, 2", 2),
    "deviations": (f"SELECT p.birth_date, i.year, stddev(i.income) {JOINED} GROUP BY 1, 2", 2),
    "slopes": (f"SELECT p.birth_date, regr_slope(i.income, i.year) {JOINED} GROUP BY 1", 1),
    "intercepts": (f"SELECT p.birth_date, regr_intercept(i.income, i.year) {JOINED} GROUP BY 1", 1),
    "covariances": (f"SELECT p.birth_date, covar_pop(i.income, i.year) {JOINED} GROUP BY 1", 1),
    "rollups": ("SELECT municipality, sex, count(*) FROM population WHERE sex IN ('F', 'M') GROUP BY ROLLUP (municipality, sex)", 2),
    "cubes of averages": (f"SELECT p.municipality, i.year, avg(i.income) {JOINED} GROUP BY CUBE (p.municipality, i.year)", 2),
    "filtered counts": ("SELECT municipality, count(*) FILTER (WHERE sex = 'F') FROM population GROUP BY 1", 1),
    "filtered averages": (f"SELECT p.municipality, avg(i.income) FILTER (WHERE i.year = 2024) {JOINED} GROUP BY 1", 1),
}  # fmt: skip


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with mock.patch("secrets.token_bytes", random.Random(1).randbytes):  # the same draws in every run
        stage = prepare(tmp_path_factory.mktemp("demo") / "demo", PERSONS, lambda *_: None)
    yield stage.instance
    stage.instance.close()


def shown(demo: Instance, sql: str, width: int) -> dict[Any, tuple[Any, float | None]]:
    """Of each cell the value and its margin."""
    answer: Answer = ask(sql, demo)
    margins: Sequence[float | None] = answer.margins[width]
    return {row[:width]: (row[width], margin) for row, margin in zip(tuples(answer), margins, strict=True)}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_true_value_is_within_the_margin_in_about_95_of_100(demo: Instance, kind: str) -> None:
    sql, width = KINDS[kind]
    with protected_as(OPEN):
        true = {cell: value for cell, (value, _) in shown(demo, sql, width).items()}
    within = counted = secrets = 0
    while counted < 300:
        secret = secrets.to_bytes(32)
        secrets += 1
        with protected_as(Parameters()), mock.patch.object(run, "noise_secret", lambda *_, s=secret: s):
            for cell, (value, margin) in shown(demo, sql, width).items():
                assert margin is not None
                within += abs(float(value) - float(true[cell])) <= margin
                counted += 1
    assert LOW <= within / counted <= HIGH, (within, counted)


def test_a_margin_is_that_of_all_cells_together() -> None:
    """Two cells at one place, and one; the variance moves with each by what the formula says."""
    parts = [(Sums(100, 1_000, 12_000), Spread(3, 50, 700)), (Sums(50, 700, 11_000), Spread(2, 30, 400))]
    whole = Sums(150, 1_700, 23_000)
    mean = whole.total / whole.count
    found = deviation(VARIANCES["var_pop"], parts)
    expected = 0.0
    for sums, spread in parts:
        by_count = (
            sums.squares - 2 * mean * sums.total + (2 * mean**2 - whole.squares / 150) * sums.count
        ) / 150
        expected += (spread.count / sums.count * by_count) ** 2
        expected += (2 * mean * spread.total / 150) ** 2 + (spread.squares / 150) ** 2
    assert found == pytest.approx(expected**0.5, rel=0.01)
