"""The tutorial does what it says: its commands are run, its outputs compared."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from .console import Step, agrees, run, steps

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
TOLD = (
    "init",
    "apply",
    "load",
    "query",
    "choice",
    "uses",
    "uses prove",
    "verify",
    "ledger verify",
    "ledger checkpoint",
)


def test_a_block_is_read_as_commands_and_their_output() -> None:
    page = "Text\n```console\n$ cat > f <<'EOF'\n$ not a command\nEOF\n$ cat f\nsome output\n…\n```\n"
    assert steps(page) == [
        Step("cat > f <<'EOF'\n$ not a command\nEOF", ()),
        Step("cat f", ("some output", "…")),
    ]


def test_an_output_that_differs_is_seen() -> None:
    assert agrees(("receipt …: 2 rows", "…"), ("receipt use_1: 2 rows",))
    assert agrees(("a", "…", "b"), ("a", "x", "y", "b"))
    assert not agrees(("receipt …: 2 rows",), ("receipt use_1: 3 rows",))
    assert not agrees(("a",), ("a", "b"))


def test_the_tutorial_tells_every_command() -> None:
    commands = "\n".join(step.command for step in steps(PAGE.read_text("utf-8")))
    assert all(f"publica {command}" in commands for command in TOLD)


@pytest.mark.slow
def test_the_tutorial_runs(tmp_path: Path) -> None:
    told = steps(PAGE.read_text("utf-8"))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PUBLICA_")}
    path = os.pathsep.join((str(Path(sys.executable).parent), kept.get("PATH", os.defpath)))
    ran = run(told, tmp_path, {**kept, "PATH": path, "LC_ALL": "C.UTF-8", "COLUMNS": "100"})
    for step, did in zip(told, ran, strict=False):
        printed = "\n".join(did.printed)
        assert did.code == 0, f"$ {step.command}\n{printed}"
        assert agrees(step.shown, did.printed), f"$ {step.command}\n{printed}"
    assert len(ran) == len(told)
