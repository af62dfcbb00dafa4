"""The command starts at once: help needs none of the heavy libraries."""

from __future__ import annotations

import subprocess
import sys
import time

HEAVY = {"duckdb", "pyarrow", "sqlglot", "sqlalchemy", "pydantic", "cryptography", "yaml", "numpy"}
TIMES = 3.0
"""So many times what Python takes to start and to import the library of commands."""
RUN = """
import sys
sys.argv = ["publica", "--help"]
from publica.cli.main import main
try:
    main()
finally:
    print("loaded", *sorted(sys.modules), file=sys.stderr)
"""


def run(code: str) -> tuple[float, subprocess.CompletedProcess[str]]:
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    return time.perf_counter() - start, done


def test_help_imports_no_heavy_library() -> None:
    _, done = run(RUN)
    assert done.returncode == 0, done.stderr
    assert "Usage: publica" in done.stdout
    loaded = set(done.stderr.split())
    assert "publica.cli.main" in loaded
    assert not HEAVY & loaded


def test_help_is_quick() -> None:
    """Beside the least that any command of its kind takes, in turns: the machine's speed does not decide."""
    helps: list[float] = []
    least: list[float] = []
    while len(helps) < 10 and (not helps or min(helps) > TIMES * min(least)):
        helps.append(run(RUN)[0])
        least.append(run("import click")[0])
    assert min(helps) <= TIMES * min(least)
