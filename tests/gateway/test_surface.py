"""The SQL surface: what is supported answers as plain DuckDB does; what is not is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from .world import ask, default_people, reference, same

STATEMENTS = [
    line
    for line in (Path(__file__).parent / "differential.sql").read_text("utf-8").splitlines()
    if line and not line.startswith("-- ")
]


@pytest.mark.parametrize("sql", STATEMENTS)
def test_supported_statements_answer_as_plain_duckdb(sql: str) -> None:
    people = default_people()
    assert same(ask(people, sql).rows, reference(people, sql), ordered="ORDER BY ALL" in sql)


def test_a_parameter_and_an_empty_text_at_the_end() -> None:
    sql = "SELECT person_id FROM population WHERE sex <> $v AND note = ''"
    people = default_people()
    assert same(ask(people, sql, {"v": "F"}).rows, reference(people, sql, {"v": "F"}))
