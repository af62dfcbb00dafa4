"""What is kept between runs: folders under bench/.cache, each made once."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.schema import CreateTable

from publica.kernel.ledger.store import metadata

CACHE = Path(os.environ.get("BENCH_CACHE") or Path(__file__).parent / ".cache")
FORMAT = 1
"""Raise it when the bench's own data changes: what is cached is then made again."""


def cached(name: str, make: Callable[[Path], None]) -> Path:
    """A folder that `make` fills once, for the tables of the product as they are now."""
    tables = "".join(str(CreateTable(table)) for table in metadata.sorted_tables)
    folder = CACHE / f"{name}-{FORMAT}-{hashlib.sha256(tables.encode()).hexdigest()[:8]}"
    if not (folder / "whole").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make(folder)
        (folder / "whole").touch()
    return folder
