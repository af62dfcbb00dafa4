"""The forms of an answer: table, CSV, JSON, Arrow, Parquet. Every value that may leave has one in each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import IO, Any

import pyarrow as pa
from pyarrow import csv, parquet

from publica.cli.common import table
from publica.gateway.door import Answer
from publica.http import forms
from publica.trust.privacy import Parameters


def emit(answer: Answer, form: str, to: IO[bytes]) -> None:
    """Write an answer in one of the forms."""
    match form:
        case "arrow":
            _write(pa.ipc.new_stream(to, answer.schema), answer.batches())
        case "parquet":
            schema, batches = forms.as_text(answer, pa.types.is_interval)
            _write(parquet.ParquetWriter(to, schema), batches)
        case "csv":
            schema, batches = forms.as_text(
                answer, lambda kind: pa.types.is_nested(kind) or pa.types.is_interval(kind)
            )
            _write(csv.CSVWriter(to, schema), batches)
        case "json":
            to.write(_json(answer).encode() + b"\n")
        case _:
            to.write(table(answer.schema.names, _with_margins(answer)).encode() + b"\n")


def _write(writer: Any, batches: Iterator[pa.RecordBatch]) -> None:
    with writer:
        for batch in batches:
            writer.write_batch(batch)


def _json(answer: Answer) -> str:
    """Strict JSON (RFC 8259): what is not finite becomes text, names that come twice are numbered."""
    names = forms.unique(answer.schema.names)
    rows = [dict(zip(names, map(forms.plain, row), strict=True)) for row in _rows(answer)]
    said: dict[str, Any] = {"receipt": answer.receipt, "rows": rows}
    if answer.protected is not None:
        margins = {names[at]: values for at, values in answer.margins.items()}
        said["protection"] = {**asdict(answer.protected), "left_out": _left_out(answer.protected)}
        said["uncertainty"] = [
            {name: values[row] for name, values in margins.items()} for row in range(len(rows))
        ]
    return json.dumps(said, ensure_ascii=False, allow_nan=False, default=str)


def uncertainty(answer: Answer) -> list[str]:
    """Of totals: how they were protected, and how far each column's values may be off."""
    if answer.protected is None:
        return []
    lines = [f"protected: {answer.protected}", _left_out(answer.protected)]
    for at, values in answer.margins.items():
        known = [value for value in values if value is not None]
        if known:
            least, most = _digits(min(known)), _digits(max(known))
            range_ = least if least == most else f"{least} to {most}"
            lines.append(f"{answer.schema.names[at]}: ± {range_} (95 %)")
    return lines


def _left_out(parameters: Parameters) -> str:
    from publica.wording import left_out

    return left_out(parameters.k, parameters.changed)


def _with_margins(answer: Answer) -> list[tuple[Any, ...]]:
    """The rows; a protected value is shown with half its 95 % interval."""
    rows = [list(row) for row in _rows(answer)]
    for at, values in answer.margins.items():
        for row, margin in zip(rows, values, strict=True):
            if margin and row[at] is not None:
                shown = f"{row[at]:.2f}" if isinstance(row[at], float) else row[at]
                row[at] = f"{shown} ± {_digits(margin)}"
    return [tuple(row) for row in rows]


def _digits(value: float) -> str:
    """Two significant digits and no exponent."""
    return f"{float(f'{value:.2g}'):,.10g}"


def _rows(answer: Answer) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for batch in answer.batches():
        rows += zip(*map(forms.values, batch.columns), strict=True)
    return rows
