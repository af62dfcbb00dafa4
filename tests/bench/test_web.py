"""`./dev bench web` runs from end to end. Its figures are no test: they depend on the machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = "pages,sizes,timeline"  # `beside` needs Datasette, which only the benchmark's own environment has


@pytest.mark.slow
def test_every_part_runs_at_a_small_size(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench.web", "--quick", "--only", PARTS, "--format", "json"]
    environment = {**os.environ, "BENCH_CACHE": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    parts = json.loads(done.stdout)
    assert [part["letter"] for part in parts] == PARTS.split(",")
    for part in parts:
        assert part["figures"]
        assert all(figure["value"] > 0 for figure in part["figures"]), part
