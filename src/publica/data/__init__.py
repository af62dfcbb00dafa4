"""Data: the rows themselves. Kernel of the value pillar, below all governance.

Its job: read files into immutable, checked versions (Parquet), keep the directory that turns a person's
key into a position, and drive the query engines. It knows columns, types and positions, and nothing of
law, purpose or consent. Only this area and the gateway may import an engine.
"""

from publica.data.model import (
    ColumnType,
    CsvOptions,
    FileReport,
    LoadReport,
    TableColumn,
    TableSchema,
    Version,
)

__all__ = ["ColumnType", "CsvOptions", "FileReport", "LoadReport", "TableColumn", "TableSchema", "Version"]
