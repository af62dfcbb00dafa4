from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from publica.kernel.database import Database
from publica.kernel.keys import Keys

from . import world


@pytest.fixture
def keys() -> Keys:
    return world.new_keys()


@pytest.fixture
def database(tmp_path: Path, state: str) -> Iterator[Database]:
    database = world.new_database(tmp_path)
    yield database
    database.close()
