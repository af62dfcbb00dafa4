"""An engine of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from publica.data.engines import EngineLimits
from publica.data.engines.duckdb import Engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path / "spill", EngineLimits(memory="1GB", threads=2))
    yield engine
    engine.close()
