"""Nothing outside the mask can be felt: no value of a masked-out row is ever an error, or in an answer.

Masked-out rows hold poison: texts that no cast takes, numbers that overflow, patterns that are not regular
expressions; many of them, or few, as texts that repeat are kept as a dictionary and computed once for all
rows. Each shape has a statement that fails when run over all rows (so the poison works), and must give, under
the mask, what it gives over a copy from which those rows were physically deleted. Rows are mixed finely and
there are many, as engines reorder filters by what they learn while they scan.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyroaring import BitMap

from publica.data.engines import EngineLimits
from publica.data.engines.duckdb import Engine
from publica.kernel.errors import PublicaError

from .world import Choices, publish, rows

COUNT = 60_000
ALLOWED = BitMap(position for position in range(COUNT) if random.Random(position).random() < 0.4)
WITHDRAWN = BitMap(range(100, COUNT, 997)) - ALLOWED


def _table(poisons: int) -> pa.Table:
    allowed = [position in ALLOWED for position in range(COUNT)]

    def column(good: Any, poison: Any, kind: pa.DataType) -> pa.Array:
        return pa.array([good(i) if ok else poison(i) for i, ok in enumerate(allowed)], kind)

    numbers = range(COUNT)
    return pa.table(
        {
            "id": pa.array([f"P-{i:06d}" for i in numbers]),
            "n": column(lambda i: i % 100 + 1, lambda i: 9_223_372_036_854_775_807 - i % 3, pa.int64()),
            "z": column(lambda i: i % 9 + 1, lambda i: -9_223_372_036_854_775_807 - 1, pa.int64()),
            "t": column(lambda i: str(i % 50), lambda i: f"poison-{i % poisons}", pa.string()),
            "p": column(lambda i: f"a{i % 3}.*", lambda i: "(" * (1 + i % 2), pa.string()),
            "j": column(lambda i: f'{{"a": {i % 5}}}', lambda i: '{"a":', pa.string()),
            "d": column(lambda i: date(2000 + i % 20, 1, 1), lambda i: date(9999, 12, 31), pa.date32()),
            "f": column(lambda i: float(i % 10 + 1), lambda i: -1e308, pa.float64()),
            "g": pa.array([f"g{i % 11}" for i in numbers]),
            "__subject_id": pa.array(numbers, pa.uint32()),
        }
    )


class Barrier:
    """One engine with the masked table, and the same rows with the masked-out ones deleted."""

    def __init__(self, folder: Path, poisons: int) -> None:
        self.engine = Engine(folder / "spill", EngineLimits(memory="2GB"))
        table = _table(poisons)
        columns = ", ".join(name for name in table.schema.names if not name.startswith("__"))
        version, schema = publish(folder, table)
        name = self.engine.table(version, schema)
        choices = Choices(ALLOWED | WITHDRAWN)
        self.engine.mask(version, schema, "a", 0, (), choices.fetch)
        counter = choices.change(refuse=WITHDRAWN)  # some rows are masked out by a later change
        mask = self.engine.mask(version, schema, "a", counter, (), choices.fetch)
        self.masked = f'(SELECT {columns}, __subject_id FROM "{name}" WHERE "{mask}")'
        self.all = f'(SELECT {columns}, __subject_id FROM "{name}")'
        copy = table.filter(pa.array([position in ALLOWED for position in range(COUNT)]))
        deleted = self.engine.table(*publish(folder, copy, "deleted", subjects=COUNT))
        self.deleted = f'(SELECT {columns}, __subject_id FROM "{deleted}")'

    def run(self, shape: str, source: str) -> list[Any]:
        found = rows(self.engine, shape.replace("{p}", source), seconds=60)
        return sorted(repr(tuple(row.values())) for row in found)


@pytest.fixture(scope="module", params=[COUNT, 4], ids=["many poisons", "few poisons"])
def barrier(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Barrier]:
    barrier = Barrier(tmp_path_factory.mktemp("barrier"), request.param)
    yield barrier
    barrier.engine.close()


SHAPES = dict(
    re.findall(r"^-- name: (.+)\n(.+)$", (Path(__file__).parent / "barrier.sql").read_text(), re.MULTILINE)
)

HARMLESS = {
    "where log",
    "where repeat",
    "where range",
    "where date cast",
    "stddev",
    "having min",
    "where json path",
}
"""Shapes whose poison is not certain to fail without a mask: slow or huge there, or lenient in the engine."""


def test_there_are_many_shapes() -> None:
    assert len(SHAPES) >= 50


@pytest.mark.parametrize("shape", SHAPES)
def test_poison_outside_the_mask_is_not_felt(barrier: Barrier, shape: str) -> None:
    expected = barrier.run(SHAPES[shape], barrier.deleted)
    for _ in range(2):
        assert barrier.run(SHAPES[shape], barrier.masked) == expected


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape not in HARMLESS])
def test_the_poison_works_without_a_mask(barrier: Barrier, shape: str) -> None:
    with pytest.raises(PublicaError):
        barrier.run(SHAPES[shape], barrier.all)
