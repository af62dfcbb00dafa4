"""Columns that contradict each other may not meet."""

from __future__ import annotations

from typing import Any

import pytest

from publica.governance.datasets import Column
from publica.governance.semantics import Mismatch, mismatch


def column(**fields: Any) -> Column:
    return Column.model_validate({"name": "x", "type": "string", "role": "dimension", **fields})


@pytest.mark.parametrize(
    ("left", "right", "found"),
    [
        ({}, {}, None),
        ({"concept": "person"}, {}, None),
        ({"concept": "person"}, {"concept": "person"}, None),
        ({"concept": "person"}, {"concept": "household"}, ("concept", "person", "household")),
        ({"unit": "EUR"}, {"unit": "USD"}, ("unit", "EUR", "USD")),
        ({"unit": "EUR"}, {}, None),
        ({"code_list": "nace"}, {"code_list": "isco"}, ("code list", "nace", "isco")),
        (
            {"code_list": "nace", "code_list_version": "2"},
            {"code_list": "nace", "code_list_version": "2.1"},
            ("code list version", "2", "2.1"),
        ),
        ({"code_list": "nace", "code_list_version": "2"}, {"code_list": "nace"}, None),
        ({"concept": "a", "unit": "EUR"}, {"concept": "b", "unit": "USD"}, ("concept", "a", "b")),
    ],
)
def test_what_both_sides_declare_must_agree(left: dict[str, str], right: dict[str, str], found: Any) -> None:
    expected = Mismatch(*found) if found else None
    assert mismatch(column(**left), column(**right)) == expected
    assert (mismatch(column(**right), column(**left)) is None) is (expected is None)


def test_a_subject_key_names_a_person_unless_it_says_otherwise() -> None:
    key = column(role="subject key")
    assert key.concept == "person"
    assert mismatch(key, column(role="key", concept="household"))
    assert column(role="subject key", concept="company").concept == "company"
