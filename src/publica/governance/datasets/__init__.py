"""Datasets (governance, operational: architecture): the tables that are governed.

Its job: hold the schema, access class and holder of each dataset, and refuse a record that would leave
people without a say in rows about them.
"""

from publica.governance.datasets.model import (
    Access,
    Column,
    ColumnRole,
    Csv,
    Dataset,
    DecimalMark,
    Sensitivity,
)
from publica.governance.datasets.rules import check_dataset, table_schema
from publica.kernel.records import Kind

DATASET = Kind("dataset", Dataset, check_dataset)

__all__ = [
    "DATASET",
    "Access",
    "Column",
    "ColumnRole",
    "Csv",
    "Dataset",
    "DecimalMark",
    "Sensitivity",
    "table_schema",
]
