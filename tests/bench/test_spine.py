"""The benchmark runs from end to end. Its figures are no test: they depend on the machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = "a,b,c,e,f"  # (d) needs TPC-H's generator, which only the benchmark's own environment has


@pytest.mark.slow
def test_every_part_runs_at_a_small_size(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench.spine", "--persons", "5000", "--quick", "--only", PARTS]
    done = subprocess.run(
        [*command, "--format", "json"],
        cwd=ROOT,
        env={**os.environ, "BENCH_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    parts = json.loads(done.stdout)["parts"]
    assert [part["letter"] for part in parts] == PARTS.split(",")
    for part in parts:
        assert part["figures"], part["title"]
        assert all(figure["value"] > 0 for figure in part["figures"]), part["title"]
        assert all(peak > 0 for peak in part["memory"].values()), part["title"]
