"""Many clients on the demo, and its server killed in their midst: in small; `./dev bench load` is in full."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def load(tmp_path: Path, *arguments: str) -> dict[str, Any]:
    """One part, by its figures' names."""
    command = [sys.executable, "-m", "bench.load", "--persons", "1000", "--format", "json", *arguments]
    environment = {**os.environ, "BENCH_CACHE": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode in (0, 1), done.stderr
    (part,) = json.loads(done.stdout)
    figures = {figure["name"]: figure for figure in part["figures"]}
    missed = [
        (name, figure["value"], figure["detail"])
        for name, figure in figures.items()
        if figure["met"] is False
    ]
    assert not missed, str(missed)
    return figures


@pytest.mark.slow
def test_clients_at_once_lose_nothing(tmp_path: Path) -> None:
    found = load(tmp_path, "--only", "steady", "--clients", "60", "--seconds", "8")
    assert found["receipts that clients received"]["value"] > 20
    assert found["of these not in the ledger"]["value"] == 0
    assert found["answers that are errors"]["value"] == 0


@pytest.mark.slow
def test_whatever_a_killed_server_answered_has_its_receipt(tmp_path: Path) -> None:
    found = load(tmp_path, "--only", "killed", "--clients", "40", "--seconds", "4", "--kills", "2")
    assert found["requests without an answer"]["value"] > 0  # it was killed while they asked
    assert found["receipts that clients received"]["value"] > 20
    assert found["of these not in the ledger"]["value"] == 0
    assert found["problems of the ledger"]["value"] == 0
