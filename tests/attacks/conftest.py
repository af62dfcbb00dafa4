"""The world of the corpus, in every variant, built once for all attacks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from . import corpus
from .world import Arena, arena


@pytest.fixture(scope="session")
def built() -> Iterator[Arena]:
    with arena(corpus.GIVEN, corpus.OURS) as made:
        yield made


@pytest.fixture(scope="module")
def place(built: Arena) -> Arena:
    """Judges look afresh at how all stands: another module's commands may have signed the ledger since."""
    for judge in built.judges.values():
        judge.stood.clear()
    return built
