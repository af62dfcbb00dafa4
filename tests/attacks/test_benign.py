"""Questions as analysts of a ministry write them, in `benign/ACTIVITY.yaml`: each has the right rows.

The rows are computed by plain DuckDB over copies from which those who did not consent were deleted; under
`without small cells` also those in a cell of fewer than k persons.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import yaml

from . import corpus
from .corpus import Benign
from .world import Arena

FOLDER = Path(__file__).parent / "benign"
LEAST = 30
WORTH = {"plain": "plain", "without small cells": "protected"}
QUESTIONS = [
    (file.stem, kind, sql)
    for file in sorted(FOLDER.glob("*.yaml"))
    for kind, statements in yaml.safe_load(file.read_text("utf-8")).items()
    for sql in statements
]


@pytest.fixture(scope="module")
def reference(place: Arena) -> Iterator[duckdb.DuckDBPyConnection]:
    with corpus.plain(place.base) as connection:
        yield connection


@pytest.mark.parametrize(("activity", "kind", "sql"), QUESTIONS)
def test_a_question_has_the_rows_of_plain_duckdb(
    place: Arena, reference: duckdb.DuckDBPyConnection, activity: str, kind: str, sql: str
) -> None:
    reply = corpus.reply(place, reference, Benign("", sql, ((object(),),)), activity)
    assert reply.outcome == WORTH[kind], reply.told


def test_there_are_questions_about_people_under_every_protection() -> None:
    for activity in ("casework", "research", "statistics"):
        about = [sql for of, _, sql in QUESTIONS if of == activity and "persons" in sql.lower()]
        assert len(about) >= LEAST, activity
