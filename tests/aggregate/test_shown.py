"""What an official sees of a protected answer: the values, how far off they may be, what may be missing."""

from __future__ import annotations

import io
import json

import pytest

from publica.cli.output import emit, uncertainty
from publica.gateway.door import Answer
from publica.trust.privacy.rules import Parameters

from .support import ask, protected_as
from .test_exposure import BY_SEX

SQL = "SELECT sex, count(*) AS n FROM population GROUP BY sex ORDER BY sex"


@pytest.fixture
def answer() -> Answer:
    with protected_as(Parameters()):
        return ask(SQL)


def test_a_table_shows_each_value_with_its_uncertainty(answer: Answer) -> None:
    shown = io.BytesIO()
    emit(answer, "table", shown)
    assert shown.getvalue().count("± 170".encode()) == 2


def test_json_has_it_as_data(answer: Answer) -> None:
    shown = io.BytesIO()
    emit(answer, "json", shown)
    said = json.loads(shown.getvalue())
    assert said["uncertainty"] == [{"n": BY_SEX}, {"n": BY_SEX}]
    assert said["protection"]["noise"] == 5.0
    assert "until 10 to 19 of its people have changed" in said["protection"]["left_out"]


def test_the_command_says_what_may_be_missing_and_never_which(answer: Answer) -> None:
    with protected_as(Parameters()):
        nothing = ask("SELECT count(*) FROM population WHERE municipality = 'nowhere'")
    first, left_out, *margins = uncertainty(answer)
    assert first == "protected: k=10, dominance=0.5, noise=5"
    assert "fewer than 10 people" in left_out
    assert margins == ["n: ± 170 (95 %)"]
    assert uncertainty(nothing) == [first, left_out]
