"""(d) TPC-H at scale factor 1 over restricted tables, against plain DuckDB on the same version files."""

from __future__ import annotations

import math
import shutil
import statistics
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from bench import data
from bench.cache import cached
from bench.report import Part
from bench.timing import Side, Work, alternate
from publica.instance import Instance
from publica.kernel.errors import PublicaError, Refused

QUERIES = Path(__file__).parent.parent / "tests" / "gateway" / "tpch"
TABLES = ("region", "nation", "supplier", "customer", "part", "partsupp", "orders", "lineitem")
ACTIVITY = "trade_statistics"
RUNS = 5
RATIO, SUPPORTED = 1.15, 18


def measure(persons: int, *, quick: bool) -> Part:  # noqa: ARG001 (its size is the scale factor)
    scale = "0.01" if quick else "1"
    part = Part("d", f"TPC-H, scale factor {scale}: restricted tables, receipts included")
    queries = {path.stem: path.read_text("utf-8") for path in sorted(QUERIES.glob("*.sql"))}
    if quick:
        queries = dict(list(queries.items())[:6])
    with data.working(cached(f"tpch-{scale}", lambda folder: _make(folder, scale))) as instance:
        folder = instance.folder
        files = {name: data.version(instance, name).path for name in TABLES}
        supported = _supported(part, folder, files, queries)
        sides = (Side("Publica", governed, folder, supported), Side("DuckDB", plain, files, supported))
        medians = alternate(sides, tuple(supported), 2 if quick else RUNS)
        for side in sides:
            side.close()
            part.memory[side.name] = side.peak
    ratios = {name: spent["Publica"] / spent["DuckDB"] for name, spent in medians.items()}
    for name, ratio in ratios.items():
        spent = medians[name]
        part.add(name, ratio, "×", detail=f"{1000 * spent['Publica']:.0f} / {1000 * spent['DuckDB']:.0f} ms")
    least = None if quick else SUPPORTED
    part.add("supported, answers equal", len(ratios), f"of {len(queries)}", least, at="least")
    mean = math.exp(statistics.fmean(map(math.log, ratios.values()))) if ratios else math.nan
    part.add("geometric mean", mean, "×", None if quick else RATIO, detail="Publica / DuckDB on Parquet")
    return part


def governed(folder: Path, queries: Mapping[str, str]) -> dict[str, Work]:
    instance = Instance.open(folder)
    return {name: lambda sql=sql: data.use(instance, sql, ACTIVITY) for name, sql in queries.items()}  # type: ignore[misc]


def plain(files: Mapping[str, Path], queries: Mapping[str, str]) -> dict[str, Work]:
    connection = _views(files)
    return {
        name: lambda sql=sql: connection.sql(sql).to_arrow_table()  # type: ignore[misc]
        for name, sql in queries.items()
    }


def _views(files: Mapping[str, Path]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for name, file in files.items():
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{file}')")
    return connection


def _supported(
    part: Part, folder: Path, files: Mapping[str, Path], queries: Mapping[str, str]
) -> dict[str, str]:
    """The queries that the surface takes. Each answer must be plain DuckDB's."""
    found, connection, instance = {}, _views(files), Instance.open(folder)
    for name, sql in queries.items():
        try:
            answer = data.use(instance, sql, ACTIVITY)
        except Refused as refusal:
            part.notes.append(f"{name} is refused: {', '.join(c.reason for c in refusal.decision.missing)}")
            continue
        except PublicaError as error:
            part.notes.append(f"{name} FAILED: {error}")
            continue
        if not _equal(answer, connection.sql(sql).to_arrow_table()):
            part.notes.append(f"{name}: the answer is NOT that of plain DuckDB")
            continue
        found[name] = sql
    connection.close()
    instance.close()
    return found


def _equal(one: pa.Table, other: pa.Table) -> bool:
    """The same rows, numbers to 1e-9 of their size; their order is for the gateway's tests."""
    if one.num_rows != other.num_rows or one.num_columns != other.num_columns:
        return False
    ours, theirs = _rows(one), _rows(other)
    return all(_alike(a, b) for a, b in zip(ours, theirs, strict=True))


def _rows(table: pa.Table) -> list[tuple[Any, ...]]:
    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    return sorted(rows, key=lambda row: tuple(map(_sortable, row)))


def _sortable(value: Any) -> str:
    return f"{float(value):.6g}" if isinstance(value, float | int | Decimal) else str(value)


def _alike(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    for left, right in zip(one, other, strict=True):
        if isinstance(left, float | Decimal):
            if not math.isclose(float(left), float(right), rel_tol=1e-9):
                return False
        elif left != right:
            return False
    return True


def _make(folder: Path, scale: str) -> None:
    raw = folder / "raw"
    tool = Path(sys.executable).parent / "tpchgen-cli"
    subprocess.run([tool, "parquet", "-s", scale, f"--output-dir={raw}"], check=True, capture_output=True)
    columns = {name: _columns(raw / f"{name}.parquet") for name in TABLES}
    uses = [{"dataset": name, "columns": [c["name"] for c in columns[name]]} for name in TABLES]
    instance = data.create(
        folder,
        [
            *data.office(),
            *(data.dataset(name, "restricted", columns[name]) for name in TABLES),
            data.activity(ACTIVITY, {"kind": "law", "law": "statistics-act"}, uses),
        ],
    )
    for name in TABLES:
        instance.load(name, [raw / f"{name}.parquet"], data.OPERATOR)
    instance.close()
    shutil.rmtree(raw)


def _columns(file: Path) -> list[dict[str, Any]]:
    """A schema for a generated file: its own names and types."""
    types = duckdb.sql(f"DESCRIBE SELECT * FROM read_parquet('{file}')").fetchall()
    return [{"name": name, "role": "attribute", **_type(kind)} for name, kind, *_ in types]


def _type(kind: str) -> dict[str, Any]:
    if kind.startswith("DECIMAL"):
        precision, scale = kind.removeprefix("DECIMAL(").removesuffix(")").split(",")
        return {"type": "decimal", "precision": int(precision), "scale": int(scale)}
    return {"type": {"VARCHAR": "string", "DATE": "date"}.get(kind, "integer")}
