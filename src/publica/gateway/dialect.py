"""DuckDB's dialect as sqlglot has it, but faithful: no function or operator is respelt on its way through."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.generators.duckdb import DuckDBGenerator
from sqlglot.parsers.duckdb import DuckDBParser

# sqlglot warns with the text of the statement, which may hold a person's data.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)


def _only(parsers: Mapping[str, Callable[..., Any]], names: str) -> dict[str, Callable[..., Any]]:
    return {name: parsers[name] for name in names.split()}


class Surface(DuckDB):
    """Functions stay plain calls under the name that was written, and indexes keep their base."""

    INDEX_OFFSET = 0

    class Parser(DuckDBParser):
        """Every function is `Anonymous`, except those with a syntax of their own."""

        FUNCTIONS: ClassVar[dict] = {}  # type: ignore[type-arg]
        FUNCTION_PARSERS: ClassVar[dict] = _only(  # type: ignore[type-arg]
            DuckDBParser.FUNCTION_PARSERS, "CAST TRY_CAST EXTRACT SUBSTRING POSITION"
        )
        NO_PAREN_FUNCTION_PARSERS: ClassVar[dict] = _only(  # type: ignore[type-arg]
            DuckDBParser.NO_PAREN_FUNCTION_PARSERS, "ANY CASE"
        )

    class Generator(DuckDBGenerator):
        """Writes what was parsed."""

        def pow_sql(self, expression: exp.Pow) -> str:
            return str(self.binary(expression, "**"))

        def ignorenulls_sql(self, expression: exp.IgnoreNulls) -> str:
            return f"{self.sql(expression, 'this')} IGNORE NULLS"

        def respectnulls_sql(self, expression: exp.RespectNulls) -> str:
            return f"{self.sql(expression, 'this')} RESPECT NULLS"
