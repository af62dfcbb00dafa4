"""One browser and one served demo for all tests of the pages."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from .town import Town, town_in
from .visit import CHROMIUM, Visits


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """The demo after its tour, served with pages on loopback."""
    own = tmp_path_factory.getbasetemp()
    session = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    with town_in(tmp_path_factory.mktemp("pages") / "town", session / "pages") as made:
        yield made


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def visits(town: Town, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visits]:
    """Opens windows on the town's pages; each is closed at the end, and must have broken nothing."""
    opened = Visits(browser, town.address, pictures=request.config.getoption("--pictures"))
    yield opened
    opened.close()
