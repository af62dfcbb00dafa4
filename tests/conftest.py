"""What holds for every test: no network, no settings of the machine, and nothing skipped in CI."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

STRICT = os.environ.get("CI", "").lower() == "true"
"""In CI a test that skips, or is expected to fail, fails the run; so does a test that was left out."""

LOOPBACK = ("127.", "::1", "localhost", "::ffff:127.")
SENDING = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind")
NAMING = ("socket.getaddrinfo", "socket.gethostbyname")

for name in [name for name in os.environ if name.startswith("PUBLICA_") and name != "PUBLICA_EXAMPLES"]:
    del os.environ[name]
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

settings.register_profile(
    "publica",
    deadline=None,
    derandomize=STRICT,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("publica")


def _only_loopback(event: str, arguments: tuple[Any, ...]) -> None:
    """Audit hook (PEP 578): a socket may reach this machine, or a path, and nothing else."""
    if event in SENDING:
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) and address else None
    elif event in NAMING:
        host = arguments[0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if isinstance(host, str) and host and not host.startswith(LOOPBACK):
        raise RuntimeError(f"A test tried to reach {host}; only loopback is allowed.")


sys.addaudithook(_only_loopback)

STATES = ("sqlite", "postgresql")
"""The state databases: a test that asks for `state`, itself or through a fixture, runs on each."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--state", choices=(*STATES, "both"), default="both", help="state database to test on (default: both)"
    )
    parser.addoption("--pictures", action="store_true", help="take the pictures of docs/pictures/pages anew")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: many tests wait, for a disk, a server, a process that is killed."""
    return (os.cpu_count() or 1) + 1


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "sqlite: reads or alters the file of SQLite, so runs on it alone")
    config.addinivalue_line("markers", "postgresql: shows what only several writers can do, or a server")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    chosen = metafunc.config.getoption("--state")
    only = tuple(kind for kind in STATES if metafunc.definition.get_closest_marker(kind))
    kinds = only or (STATES if chosen == "both" else (chosen,))
    if "module_state" in metafunc.fixturenames:
        metafunc.parametrize("module_state", kinds, indirect=True, scope="module")
    elif "state" in metafunc.fixturenames:
        metafunc.parametrize("state", kinds, indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Modules with slow tests come first: at the end there are small ones to share out among processors."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
    if "sqlalchemy" in sys.modules:
        import states

        states.compile_once()


def pytest_collection_finish() -> None:
    """What is there by now stays: the garbage collector need not go through it again and again."""
    gc.freeze()


@pytest.fixture
def state(request: pytest.FixtureRequest) -> Iterator[str]:
    """On which state database the test runs; `states.url` gives addresses there."""
    import states

    with states.on(getattr(request, "param", states.Current.kind)) as kind:
        yield kind


@pytest.fixture(scope="module")
def module_state(request: pytest.FixtureRequest) -> Iterator[str]:
    """The same for all tests of a module, which share what they make there."""
    import states

    with states.on(request.param) as kind:
        yield kind


def _failed(report: Any, why: str) -> None:
    report.outcome = "failed"
    report.longrepr = f"{why} in CI, where every test must run and pass: {report.longrepr}"
    report.__dict__.pop("wasxfail", None)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if STRICT and hasattr(report, "wasxfail"):
        _failed(report, "expected to fail")
    elif STRICT and report.skipped:
        _failed(report, "skipped")
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if STRICT and report.skipped:
        _failed(report, "skipped")
    return report


def pytest_deselected(items: list[pytest.Item]) -> None:
    if STRICT and items:
        raise pytest.UsageError(f"{len(items)} tests were left out in CI, where every test must run.")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run of no tests has shown nothing (pytest itself lets some pass, such as `--collect-only`)."""
    gc.unfreeze()
    if STRICT and not session.testscollected and not session.config.option.collectonly:
        session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED
