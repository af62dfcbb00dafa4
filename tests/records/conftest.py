from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from publica.kernel.database import Database

from .world import database


@pytest.fixture
def db(tmp_path: Path, state: str) -> Iterator[Database]:
    with database(tmp_path) as opened:
        yield opened
