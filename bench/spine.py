"""`./dev bench spine`: the figures of the one door, side by side in one run, each beside its target.

Every part runs in processes of its own, so that its peak memory is its own. Data is made by the product's own
`load` and kept under bench/.cache by size.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

from bench.report import Part, table

PARTS = {
    "a": "questions",
    "b": "withdrawals",
    "c": "fixed",
    "d": "tpch",
    "e": "ledger",
    "f": "citizen",
}


def main(arguments: list[str] | None = None) -> int:
    """Run the parts asked for; 1 when a target is missed, 2 when a part could not run."""
    asked = _arguments().parse_args(arguments)
    if asked.part:
        return _one(asked)
    found, broken = [], 0
    for letter in asked.only.split(","):
        part = _run(letter, asked)
        if part is None:
            broken += 1
            continue
        found.append(part)
        if asked.format == "table":
            print(table(part), end="\n\n", flush=True)
    _finish(asked, found)
    return 2 if broken else int(not all(part.met for part in found))


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./dev bench spine", description=__doc__)
    parser.add_argument("--persons", type=int, default=10_000_000, help="persons in (a) and (b)")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, such as a,c")
    parser.add_argument(
        "--quick", action="store_true", help="small sizes, no PostgreSQL, no targets: only that it runs"
    )
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--part", choices=tuple(PARTS), help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    return parser


def _run(letter: str, asked: argparse.Namespace) -> Part | None:
    """One part in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "part.json"
        command = [sys.executable, "-m", "bench.spine", "--part", letter, "--out", str(out)]
        command += ["--persons", str(asked.persons), *(["--quick"] if asked.quick else [])]
        start = time.perf_counter()
        subprocess.run(command, check=False, stdout=sys.stderr)
        if not out.exists():
            print(f"({letter}) could not be measured", file=sys.stderr)
            return None
        part = Part.from_json(json.loads(out.read_text("utf-8")))
        part.seconds = time.perf_counter() - start
        return part


def _one(asked: argparse.Namespace) -> int:
    part: Part = import_module(f"bench.{PARTS[asked.part]}").measure(asked.persons, quick=asked.quick)
    asked.out.write_text(json.dumps(part.as_json()), "utf-8")
    return 0


def _finish(asked: argparse.Namespace, found: list[Part]) -> None:
    targets = [figure for part in found for figure in part.figures if figure.met is not None]
    missed = [figure.name for figure in targets if not figure.met]
    if asked.format == "json":
        machine = {"processors": os.cpu_count(), "persons": asked.persons, "quick": asked.quick}
        print(
            json.dumps({**machine, "parts": [part.as_json() for part in found], "missed": missed}, indent=2)
        )
    else:
        print(f"{len(targets) - len(missed)} of {len(targets)} targets met" + _list(missed))


def _list(missed: list[str]) -> str:
    return "; missed: " + ", ".join(missed) if missed else ""


if __name__ == "__main__":
    sys.exit(main())
