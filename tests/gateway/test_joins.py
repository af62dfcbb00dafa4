"""People are joined by their positions, and by nothing else but where that is the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from publica.gateway.model import Resolved
from publica.gateway.rewrite import rewrite

from .world import GOVERNED, SHAPES, understand

BY_POSITION = '"p"."__s0" = "i"."__s0"'
JOIN = "SELECT count(*) AS n FROM population p JOIN incomes i ON p.person_id = i.person_id"


def written(resolved: Resolved, *, pseudonymous: bool = False, expression: str = '"person_id"') -> str:
    columns = {**GOVERNED["incomes"].columns, "person_id": expression}
    governed = {**GOVERNED, "incomes": replace(GOVERNED["incomes"], columns=columns)}
    return rewrite(resolved, governed, pseudonymous=pseudonymous).sql


def meaning(**changed: str) -> Resolved:
    """The join, where the key of incomes means something else."""
    resolved = understand(JOIN)
    column = replace(SHAPES["incomes"].columns["person_id"], **changed)
    shape = replace(SHAPES["incomes"], columns={**SHAPES["incomes"].columns, "person_id": column})
    return replace(resolved, shapes={**resolved.shapes, "incomes": shape})


@pytest.mark.parametrize(
    "sql",
    [
        JOIN,
        "SELECT count(*) AS n FROM population p JOIN incomes i USING (person_id)",
        "SELECT 1 AS n FROM population p LEFT JOIN incomes i ON i.year = 2020 AND p.person_id = i.person_id",
        "SELECT count(*) AS n FROM population p, incomes i WHERE (p.person_id = i.person_id) AND p.sex = 'F'",
        "SELECT (SELECT count(*) FROM population p JOIN incomes i USING (person_id)) AS n",
    ],
)
def test_people_are_compared_by_position(sql: str) -> None:
    assert BY_POSITION in written(understand(sql))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT p.person_id = i.person_id FROM population p, incomes i GROUP BY p.person_id, i.person_id",
        "SELECT count(*) AS n FROM population p JOIN incomes i ON p.person_id <> i.person_id",
        "SELECT count(*) AS n FROM population p JOIN incomes i ON p.person_id = i.person_id || ''",
        "SELECT 1 FROM population p JOIN (SELECT min(person_id) AS k FROM incomes) i ON p.person_id = i.k",
        "SELECT 1 AS n FROM population p WHERE EXISTS (FROM incomes i WHERE i.person_id = p.person_id)",
        "SELECT p.person_id, count(*) FILTER (WHERE p.person_id = i.person_id) OVER () AS n "
        "FROM population p, incomes i GROUP BY p.person_id, i.person_id",
        "SELECT 1 FROM population p SEMI JOIN incomes i USING (person_id) JOIN incomes i USING (person_id)",
    ],
)
def test_other_comparisons_stay(sql: str) -> None:
    assert ' = "i"."__s0"' not in written(understand(sql))


def test_only_keys_of_one_meaning_are_the_same_people() -> None:
    assert BY_POSITION in written(meaning())
    assert BY_POSITION not in written(meaning(concept="company"))
    assert BY_POSITION not in written(meaning(type="BIGINT"))
    assert BY_POSITION not in written(meaning(), expression='left("person_id", 2)')
