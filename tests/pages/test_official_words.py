"""The words of officials' pages are total: every reason, hole and duty has its own, in both languages."""

from __future__ import annotations

import pytest

from publica.gateway.facts import STRICTNESS
from publica.governance.agreements.oversight import STOPS, HoleKind
from publica.governance.datasets.model import ColumnType, Sensitivity
from publica.instance import duties as kinds
from publica.kernel.reasons import REASONS
from publica.web import allowed, duties, holes
from publica.web.lacking import SHORT, lacking

NO_USE = ("choice-", "load-", "proposal-", "request-", "oversight-", "rights-")
"""Reasons of decisions about something else than a use: no receipt has them."""


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_list_of_what_was_missing_has_no_blanks(language: str) -> None:
    for code, reason in REASONS.items():
        if code.startswith(NO_USE):
            continue
        said = lacking(code, language)
        assert said.endswith("."), (code, said)
        assert not {"{", "…"} & set(said), (code, said)
        assert code in SHORT or not reason.params
    assert lacking("none-of-ours", language) == "none-of-ours"


def test_tables_are_total() -> None:
    assert set(holes.SENTENCES) == set(HoleKind) == set(STOPS)
    assert set(duties.KINDS) == set(duties.PLACES) == set(kinds.KINDS)
    assert set(allowed.TYPES) == set(map(str, ColumnType))
    assert set(allowed.SENSITIVITY) == {*map(str, Sensitivity), None}
    assert set(allowed.PROTECTIONS) == set(STRICTNESS)
    assert set(allowed.FORMS) > allowed.THROUGH
