"""csv-spectrum: the corner cases of CSV, each with its meaning in JSON."""

from __future__ import annotations

import json

import pytest

from .support import FILES, Instance, schema

NAMES = sorted(path.stem for path in (FILES / "spectrum" / "csvs").glob("*.csv"))


def test_all_are_here() -> None:
    assert len(NAMES) == 11


@pytest.mark.parametrize("name", NAMES)
def test_it_means_its_json(instance: Instance, name: str) -> None:
    meant = json.loads((FILES / "spectrum" / "json" / f"{name}.json").read_text(encoding="utf-8"))
    columns = list(meant[0])
    read = instance.read(schema(",".join(columns), nulls=()), FILES / "spectrum" / "csvs" / f"{name}.csv")
    assert [dict(zip(columns, row, strict=True)) for row in read] == meant
