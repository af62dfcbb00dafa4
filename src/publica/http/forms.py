"""The forms of an answer: Arrow, JSON, CSV, Parquet, made batch by batch so that no answer fills the memory.

Every value that may leave has a form in each. In JSON nothing is lost: decimals are texts, and so are whole
numbers beyond ±(2^53 - 1), which many readers would round (RFC 7493); what is not finite is "NaN",
"Infinity" or "-Infinity".
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import date, datetime, time
from typing import Any

import pyarrow as pa
import pydantic_core
from pyarrow import compute, csv, parquet

from publica.gateway.door import Answer
from publica.wording import left_out

ARROW = "application/vnd.apache.arrow.stream"
JSON = "application/json"
CSV = "text/csv"
PARQUET = "application/vnd.apache.parquet"
FORMS = (JSON, ARROW, CSV, PARQUET)
"""Media types, the usual one first."""
METADATA = b"publica"
"""The key of the Arrow schema's metadata under which a total says how it was protected."""
EXACT = 2**53 - 1
"""The largest whole number that every JSON reader keeps exactly (RFC 7493, section 2.2)."""


class _Sink:
    """A file to write to whose bytes are taken away as they come."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is buffered here."""

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


def chunks(answer: Answer, form: str) -> Iterator[bytes]:
    """The answer in one of `FORMS`, piece by piece."""
    if form == ARROW:
        return _arrow(answer)
    if form == CSV:
        return _csv(answer)
    return _parquet(answer) if form == PARQUET else json_chunks(answer)


def protection(answer: Answer) -> dict[str, Any] | None:
    """How a total was protected, and what may be missing from it; None for rows."""
    if answer.protected is None:
        return None
    told = left_out(answer.protected.k, answer.protected.changed)
    return {**asdict(answer.protected), "left_out": told}


def uncertainty(answer: Answer) -> list[dict[str, float | None]] | None:
    """Of a total: by row, half the 95 % interval of each protected value; None for rows."""
    if answer.protected is None:
        return None
    names = unique(answer.schema.names)
    margins = {names[at]: values for at, values in answer.margins.items()}
    return [{name: values[row] for name, values in margins.items()} for row in range(answer.rows)]


def json_chunks(answer: Answer) -> Iterator[bytes]:
    """Strict JSON (RFC 8259): receipt, columns, protection, uncertainty, then the rows, as objects."""
    names = unique(answer.schema.names)
    columns = [
        {"name": name, "type": str(field.type)} for name, field in zip(names, answer.schema, strict=True)
    ]
    head = {
        "receipt": answer.receipt,
        "columns": columns,
        "protection": protection(answer),
        "uncertainty": uncertainty(answer),
    }
    yield _dumped(head)[:-1] + b',"rows":['
    between = b""
    for batch in answer.batches():
        rows = zip(*map(_json_values, batch.columns), strict=True)
        made = _dumped([dict(zip(names, row, strict=True)) for row in rows])[1:-1]
        if made:
            yield between + made
            between = b","
    yield b"]}\n"


def _dumped(value: Any) -> bytes:
    return pydantic_core.to_json(value, inf_nan_mode="strings")


def _json_values(column: pa.Array) -> list[Any]:
    """A column's values as JSON has them; most columns hold none that must be looked at one by one."""
    kind, given = column.type, values(column)
    as_they_are = pa.types.is_string(kind) or pa.types.is_boolean(kind) or pa.types.is_floating(kind)
    if as_they_are or (pa.types.is_integer(kind) and _all_exact(column)):
        return given
    return [_exact(value) for value in given]


def _all_exact(column: pa.Array) -> bool:
    ends = compute.min_max(column).as_py().values()
    return all(end is None or -EXACT <= end <= EXACT for end in ends)


def _exact(value: Any) -> Any:
    """A value as every JSON reader keeps it: as text what JSON has no form for, or not all readers."""
    if value is None or isinstance(value, str | bool | float):
        return value
    if isinstance(value, int):
        return value if -EXACT <= value <= EXACT else str(value)
    if isinstance(value, list | tuple):
        return [_exact(part) for part in value]
    if isinstance(value, dict):
        return {name: _exact(part) for name, part in value.items()}
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def _arrow(answer: Answer) -> Iterator[bytes]:
    """The stream as it was digested; of a total anew, with its protection in the schema's metadata."""
    if answer.protected is None:
        yield from answer.spool.raw()
        return
    told = {"receipt": answer.receipt, "protection": protection(answer), "uncertainty": uncertainty(answer)}
    schema = answer.schema.with_metadata({METADATA: _dumped(told)})
    sink = _Sink()
    with pa.ipc.new_stream(pa.PythonFile(sink, mode="w"), schema) as writer:
        for batch in answer.batches():
            writer.write_batch(batch.replace_schema_metadata(schema.metadata))
            yield sink.take()
    yield sink.take()


def _csv(answer: Answer) -> Iterator[bytes]:
    schema, batches = as_text(answer, lambda kind: pa.types.is_nested(kind) or pa.types.is_interval(kind))
    return _written(lambda sink: csv.CSVWriter(sink, schema), batches)


def _parquet(answer: Answer) -> Iterator[bytes]:
    schema, batches = as_text(answer, pa.types.is_interval)
    return _written(lambda sink: parquet.ParquetWriter(sink, schema), batches)


def _written(make: Callable[[Any], Any], batches: Iterator[pa.RecordBatch]) -> Iterator[bytes]:
    sink = _Sink()
    with make(pa.PythonFile(sink, mode="w")) as writer:
        for batch in batches:
            writer.write_batch(batch)
            yield sink.take()
    yield sink.take()


def as_text(
    answer: Answer, chosen: Callable[[pa.DataType], bool]
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """The answer with the columns of the `chosen` types as JSON text."""
    texts = [chosen(field.type) for field in answer.schema]
    fields = [
        pa.field(f.name, pa.string()) if text else f for f, text in zip(answer.schema, texts, strict=True)
    ]
    schema = pa.schema(fields)

    def column(given: pa.Array, text: bool) -> pa.Array:
        if not text:
            return given
        made = [None if value is None else json.dumps(plain(value), default=str) for value in values(given)]
        return pa.array(made, pa.string())

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in answer.batches():
            columns = [column(given, text) for given, text in zip(batch.columns, texts, strict=True)]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    return schema, batches()


def unique(names: Sequence[str]) -> list[str]:
    """Names that come twice are numbered."""
    found: list[str] = []
    for name in names:
        free, number = name, 2
        while free in found:
            free, number = f"{name}_{number}", number + 1
        found.append(free)
    return found


def plain(value: Any) -> Any:
    """A value as JSON can hold it: what is not finite becomes text."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, list):
        return [plain(part) for part in value]
    return {name: plain(part) for name, part in value.items()} if isinstance(value, dict) else value


def values(column: pa.Array) -> list[Any]:
    """Python's values; text for times beyond the years that Python knows (1 to 9999)."""
    try:
        return list(column.to_pylist())
    except (OverflowError, ValueError):
        return [_beyond(value) for value in column]


def _beyond(value: pa.Scalar) -> Any:
    try:
        return value.as_py()
    except (OverflowError, ValueError):
        return str(value.cast(pa.string())) if not pa.types.is_nested(value.type) else str(value)
