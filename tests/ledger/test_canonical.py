"""Canonical JSON: the quick way writes exactly what RFC 8785 says, or is not taken."""

from __future__ import annotations

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from publica.kernel.ledger.canonical import canonical

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=20,
)


@given(json_values)
def test_it_is_rfc_8785(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(value)


def test_what_the_two_write_differently() -> None:
    assert canonical({"\U00010000": 1, "\ufb01": 2}) == '{"\U00010000":1,"\ufb01":2}'.encode()
    assert canonical({"b": 1e16, "a": 1.0}) == b'{"a":1,"b":10000000000000000}'
    assert canonical('\x00\x1f\x7f\u2028\\"\b') == b'"\\u0000\\u001f\x7f\xe2\x80\xa8\\\\\\"\\b"'


@pytest.mark.parametrize("value", [2**53, float("nan"), float("inf"), {1: 2}, "\ud800", {"a": {1, 2}}, b"x"])
def test_what_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises((rfc8785.CanonicalizationError, UnicodeEncodeError)):
        canonical(value)
