"""A provider for the session, a town for each test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from unittest import mock

import pytest

from publica.api import access
from publica.instance import Instance

from . import site


@pytest.fixture(scope="session")
def issuer() -> Iterator[site.Provider]:
    with site.provider() as running:
        running.person("ana", preferred_username="ana", org="social-services")
        running.person("carla", preferred_username="carla", org="data-office")
        yield running


@pytest.fixture
def provider(issuer: site.Provider) -> Iterator[site.Provider]:
    issuer.tell(None)
    yield issuer
    issuer.tell(None)


@pytest.fixture
def town(tmp_path: Path, provider: site.Provider) -> Iterator[site.Site]:
    with closing(Instance.open(site.configured(tmp_path / "town", provider.url))) as instance:
        yield site.Site(instance, provider)


@pytest.fixture(autouse=True)
def tried() -> Iterator[None]:
    """The routes of the tests are in the table of access."""
    with mock.patch.dict(access.TABLE, site.TRIED):
        yield


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> site.Clock:
    return site.Clock(monkeypatch)
