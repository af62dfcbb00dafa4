"""The rules of tests/conftest.py hold: loopback only; in CI nothing is skipped or left out."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from .source import ROOT

RULES = ROOT / "tests" / "conftest.py"
PASSES = "def test_passes(): pass\n"
SKIPS = "import pytest\n@pytest.mark.skip(reason='no time')\ndef test_skips(): pass\n"
SKIPS_ALL = "import pytest\npytest.importorskip('no_such_module')\n"
EXPECTED = "import pytest\n@pytest.mark.xfail(strict=False)\ndef test_fails(): assert False\n"


def run(folder: Path, test: str, *options: str, ci: bool = True) -> subprocess.CompletedProcess[str]:
    shutil.copy(RULES, folder / "conftest.py")
    (folder / "test_it.py").write_text(test, "utf-8")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(folder), *options],
        cwd=folder,
        env={**os.environ, "CI": "true" if ci else ""},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("test", [SKIPS, SKIPS_ALL, EXPECTED, ""])
def test_what_does_not_run_and_pass_fails_ci(tmp_path: Path, test: str) -> None:
    assert run(tmp_path, test).returncode != 0


def test_a_test_left_out_fails_ci(tmp_path: Path) -> None:
    assert run(tmp_path, PASSES + "def test_other(): pass\n", "-k", "passes").returncode != 0


def test_what_runs_and_passes_passes_ci(tmp_path: Path) -> None:
    done = run(tmp_path, PASSES)
    assert done.returncode == 0
    assert "1 passed" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("test", [SKIPS, EXPECTED])
def test_skipping_is_allowed_elsewhere(tmp_path: Path, test: str) -> None:
    assert run(tmp_path, test, ci=False).returncode == 0


def test_the_network_is_out_of_reach() -> None:
    with pytest.raises(RuntimeError, match="only loopback"):
        socket.getaddrinfo("publica.example", 443)
    with socket.socket() as client, pytest.raises(RuntimeError, match="only loopback"):
        client.connect(("192.0.2.1", 80))


def test_loopback_is_in_reach() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass
