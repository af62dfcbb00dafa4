"""One city for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .city import City, opened


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with opened(tmp_path_factory.mktemp("city")) as made:
        yield made
