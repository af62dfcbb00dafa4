"""A fresh instance for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .support import Instance


@pytest.fixture
def instance(tmp_path: Path, state: str) -> Iterator[Instance]:
    made = Instance(tmp_path)
    yield made
    made.db.close()
