"""The world of the corpus, in every variant, built once for all attacks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from . import corpus
from .world import Arena, arena


@pytest.fixture(scope="session")
def place() -> Iterator[Arena]:
    with arena(corpus.GIVEN, corpus.OURS) as made:
        yield made
