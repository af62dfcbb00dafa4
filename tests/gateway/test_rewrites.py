"""Rewrites as pairs of files: the statement as it was asked, and what runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from publica.gateway.rewrite import rewrite

from .world import GOVERNED, understand

PAIRS = sorted(path for path in (Path(__file__).parent / "rewrites").glob("*.sql") if "." not in path.stem)


def written(sql: str) -> str:
    """What runs, laid out, and below it whose rows count as touched."""
    plan = rewrite(understand(sql), GOVERNED, pseudonymous=False)
    accounts = [f"-- exact: {'yes' if plan.exact else 'no'}; hidden: {', '.join(plan.hidden) or 'none'}"]
    accounts += [f"-- touched: {touch.sql}" for touch in plan.touches]
    return plan.readable + "\n" + "\n".join(accounts) + "\n"


@pytest.mark.parametrize("path", PAIRS, ids=lambda path: path.stem)
def test_a_statement_becomes_its_pair(path: Path) -> None:
    assert written(path.read_text("utf-8")) == path.with_suffix(".governed.sql").read_text("utf-8")


def test_there_are_pairs() -> None:
    assert len(PAIRS) >= 10
