"""The laws of the spine, as far as the rewritten statement keeps them, on generated statements and worlds.

PUBLICA_EXAMPLES sets how many examples each law gets.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from .statements import PERSONS, listings, lookups, statements, worlds
from .world import EXAMPLES, People, ask, reference, same


@settings(max_examples=EXAMPLES)
@given(worlds(), statements())
def test_an_answer_equals_the_statement_over_copies_without_those_who_refused(
    people: People, statement: tuple[str, dict[str, Any]]
) -> None:
    sql, params = statement
    used = {name: value for name, value in params.items() if f"${name}" in sql}
    assert same(ask(people, sql, used).rows, reference(people, sql, used))


@settings(max_examples=EXAMPLES)
@given(worlds(), statements(), st.lists(st.sampled_from(PERSONS), min_size=1, max_size=3, unique=True))
def test_whoever_was_not_touched_could_be_deleted_without_a_trace(
    people: People, statement: tuple[str, dict[str, Any]], some: list[str]
) -> None:
    sql, params = statement
    used = {name: value for name, value in params.items() if f"${name}" in sql}
    answer = ask(people, sql, used)
    assert not answer.touched & people.refused
    bystanders = set(some) - answer.touched
    if bystanders:
        assert same(ask(people.without(bystanders), sql, used).rows, answer.rows)


@settings(max_examples=EXAMPLES)
@given(worlds(), listings())
def test_those_released_are_exactly_those_whose_rows_left(
    people: People, listing: tuple[str, dict[str, Any], list[int]]
) -> None:
    sql, params, columns = listing
    used = {name: value for name, value in params.items() if f"${name}" in sql}
    answer = ask(people, sql, used)
    shown = {row[column] for row in answer.rows for column in columns} - {None}
    assert answer.rewritten.exact
    assert answer.released == shown
    assert answer.released <= answer.touched


@settings(max_examples=EXAMPLES)
@given(worlds(), lookups(), st.lists(st.sampled_from(PERSONS), min_size=1, max_size=3, unique=True))
def test_whoever_was_not_released_exactly_could_be_deleted_from_a_list(
    people: People, lookup: tuple[str, dict[str, Any]], some: list[str]
) -> None:
    """No value, and no condition, of a row that left depends on somebody who is not said to have left."""
    sql, params = lookup
    used = {name: value for name, value in params.items() if f"${name}" in sql}
    answer = ask(people, sql, used)
    bystanders = set(some) - answer.released
    if bystanders:
        assert same(ask(people.without(bystanders), sql, used).rows, answer.rows)
