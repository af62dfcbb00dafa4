"""The tools: `./dev`, `.ci/run`, and the lock files."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from .source import ROOT

COMMANDS = ("demo", "test", "install", "check", "fix", "bench", "docs", "help")
LOCKS = ("run", "dev", "bench")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
WANTED = {
    "run": PROJECT["dependencies"],
    "dev": PROJECT["optional-dependencies"]["dev"],
    "bench": PROJECT["optional-dependencies"]["bench"],
}
LINE = re.compile(r"(?:[a-z0-9.-]+==[\w.]+(?: ;[^\\]+)?|    --hash=sha256:[0-9a-f]{64})(?: \\)?\Z")


def dev(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(ROOT / "dev"), *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def lock(name: str) -> list[str]:
    return (ROOT / "requirements" / f"{name}.lock").read_text("utf-8").splitlines()


def pins(name: str) -> dict[str, str]:
    found = (line.partition(" ")[0].partition("==") for line in lock(name) if not line.startswith(" "))
    return {package: version for package, _, version in found}


@pytest.mark.parametrize("file", ["dev", ".ci/run"])
def test_tools_can_be_run(file: str) -> None:
    assert os.access(ROOT / file, os.X_OK)


def test_help_names_every_command() -> None:
    done = dev("help")
    assert done.returncode == 0
    assert all(f"\n  {command} " in done.stdout for command in COMMANDS)


def test_an_unknown_command_is_a_usage_error() -> None:
    assert dev("dance").returncode == 2


def test_what_is_no_python_is_named_in_one_line(tmp_path: Path) -> None:
    """In a copy of the project without .venv, with a `python3` that is too old."""
    old = tmp_path / "old-python"
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && echo Python 3.9.2\ncase $2 in *version*) exit 1 ;; esac\n')
    old.chmod(0o755)
    (tmp_path / "dev").write_text((ROOT / "dev").read_text("utf-8"), "utf-8")
    done = subprocess.run(
        ["sh", str(tmp_path / "dev"), "test"],
        env={**os.environ, "PYTHON": str(old)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "dev: Python 3.9.2 is too old; install Python 3.11 or newer, or set PYTHON to one."
    ]


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds_names_versions_and_hashes_only(name: str) -> None:
    assert len(lock(name)) > 50
    assert [line for line in lock(name) if not LINE.match(line)] == []


def test_the_locks_agree() -> None:
    assert pins("run").items() <= pins("dev").items() <= pins("bench").items()


@pytest.mark.parametrize(("name", "wanted"), [(name, wanted) for name in LOCKS for wanted in WANTED[name]])
def test_a_lock_pins_what_the_project_wants(name: str, wanted: str) -> None:
    requirement = Requirement(wanted)
    pinned = pins(name).get(requirement.name.lower())
    assert pinned, f"{wanted} is not in requirements/{name}.lock; run ./dev lock"
    assert requirement.specifier.contains(pinned)
