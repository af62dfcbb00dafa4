"""What protection costs: published values against the plain ones, at the demo's full size."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from unittest import mock

import pytest

from publica.demo.prepare import prepare
from publica.gateway.aggregate import run
from publica.instance import Instance
from publica.trust.privacy.rules import Parameters

from .support import OPEN, ask, protected_as, tuples

PERSONS, SECRETS = 50_000, 12
TABLES = (
    "p.municipality",
    "p.sex",
    "p.birth_date",
    "p.municipality, p.sex",
    "p.municipality, p.birth_date",
    "p.sex, p.birth_date",
    "p.municipality, p.sex, p.birth_date",
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    stage = prepare(tmp_path_factory.mktemp("demo") / "demo", PERSONS, lambda *_: None)
    yield stage.instance
    stage.instance.close()


def both(demo: Instance, by: str) -> list[tuple[float, float, float]]:
    """(published, true, margin) of the counts of every published cell."""
    width, sql = len(by.split(",")), f"SELECT {by}, count(*) AS n FROM population p GROUP BY ALL"
    with protected_as(Parameters()):
        answer = ask(sql, demo)
    with protected_as(OPEN):
        true = {row[:width]: row[width] for row in tuples(ask(sql, demo))}
    margins = answer.margins[width]
    return [
        (row[width], true[row[:width]], float(m or 0)) for row, m in zip(tuples(answer), margins, strict=True)
    ]


@pytest.mark.slow
def test_published_counts_are_near_the_true_ones(demo: Instance) -> None:
    """Median relative error of residents' counts of 100 and more: at most 2 %; 95 % lie within their margin.

    Of one secret it is 1.85 % give or take 0.14; of so many, 0.04.
    """
    cells = []
    for secret in range(SECRETS):
        with mock.patch.object(run, "noise_secret", lambda *_, s=secret: s.to_bytes(32)):
            cells += [cell for by in TABLES for cell in both(demo, by)]
    errors = [abs(shown - true) / true for shown, true, _ in cells if shown >= 100]
    within = sum(abs(shown - true) <= margin for shown, true, margin in cells) / len(cells)
    assert len(errors) > 200 * SECRETS
    assert statistics.median(errors) <= 0.02
    assert within >= 0.92


@pytest.mark.slow
def test_totals_over_a_partition_are_within_their_uncertainty(demo: Instance) -> None:
    """Of many secrets, the sum of published parts lies within its stated margin of the true sum in 95 %."""
    sql = "SELECT count(*) AS n FROM population p WHERE municipality IS NOT NULL"
    with protected_as(OPEN):
        ((true,),) = tuples(ask(sql, demo))
    within, games = 0, 60
    with protected_as(Parameters()):
        for number in range(games):
            with mock.patch.object(run, "noise_secret", lambda keys, activity, n=number: n.to_bytes(32)):
                answer = ask(sql, demo)
            ((shown,),) = tuples(answer)
            within += abs(shown - true) <= float(answer.margins[0][0] or 0)
    assert within / games >= 0.87
