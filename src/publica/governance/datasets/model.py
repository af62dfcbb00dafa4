"""Datasets: tables described so that a machine can govern them."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from publica.data.model import ColumnType
from publica.governance.identity.model import OrganisationId
from publica.governance.semantics.model import PERSON
from publica.kernel.ids import RECORD_ID
from publica.kernel.records import Spec
from publica.kernel.records.languages import Language
from publica.kernel.records.types import Line, Text

RESERVED_COLUMNS = frozenset({"rowid"})
"""Names that an engine gives a meaning of its own."""


class Access(StrEnum):
    """Who may see a dataset in principle."""

    OPEN = "open"
    RESTRICTED = "restricted"
    PERSONAL = "personal"


class ColumnRole(StrEnum):
    """What a column is for. A subject key names a person; a direct identifier (a name) singles one out."""

    SUBJECT_KEY = "subject key"
    KEY = "key"
    DIRECT = "direct"
    DIMENSION = "dimension"
    MEASURE = "measure"
    ATTRIBUTE = "attribute"
    TIME = "time"


class Sensitivity(StrEnum):
    """How much harm a value can do to the person it is about."""

    LOW = "low"
    PERSONAL = "personal"
    SPECIAL = "special"


class DecimalMark(StrEnum):
    """What separates the fraction in a file's numbers."""

    POINT = "point"
    COMMA = "comma"


def _column_name(name: str) -> str:
    if not RECORD_ID.match(name) or len(name) > 63 or name in RESERVED_COLUMNS:
        raise PydanticCustomError(
            "wrong",
            "A column's name is lower-case words of letters and digits joined by `_`, at most 63 characters, "
            "and not `rowid`; a heading that differs goes into `title`.",
        )
    return name


def _encoding(name: str) -> str:
    try:
        codecs.lookup(name)
    except LookupError:
        raise PydanticCustomError(
            "wrong", "It must be an encoding such as utf-8, utf-16, latin-1 or windows-1252."
        ) from None
    return name


ColumnName = Annotated[str, AfterValidator(_column_name)]
Limit = Annotated[float, Field(allow_inf_nan=False, strict=False)]
MOST_LIMITS = 20
"""Most limits of a measure: each adds tables that a person is counted in."""


class Column(Spec):
    """One column: its type and role, and what its values mean.

    `precision` and `scale` are for decimals (18 and 2 unless given); `codes` lists the only values allowed.
    `limits` of a measure: the only values at which totals may tell people apart, as in `income > 30000`.
    A subject key without a concept names a person. `title` is its heading in files, and how it is called
    where `labels` has no other name for it in the reader's language.
    """

    name: ColumnName
    type: ColumnType
    role: ColumnRole
    title: Line | None = None
    labels: Mapping[Language, Line] = {}
    precision: Annotated[int, Field(ge=1, le=38)] | None = None
    scale: Annotated[int, Field(ge=0, le=38)] | None = None
    concept: Line | None = None
    unit: Line | None = None
    code_list: Line | None = None
    code_list_version: Line | None = None
    sensitivity: Sensitivity | None = None
    required: bool = False
    codes: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    limits: Annotated[tuple[Limit, ...], Field(min_length=1, max_length=MOST_LIMITS)] | None = None

    def said_in(self, language: str) -> Self:
        """The column, called as in a language."""
        return self.model_copy(update={"title": self.labels[language]}) if language in self.labels else self

    @model_validator(mode="before")
    @classmethod
    def _person_by_default(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("role") == ColumnRole.SUBJECT_KEY:
            return {**given, "concept": given.get("concept") or PERSON}
        return given


class Csv(Spec):
    """How the dataset's CSV files are written, where that cannot be measured."""

    delimiter: Annotated[str, StringConstraints(min_length=1, max_length=1)] | None = None
    encoding: Annotated[str, AfterValidator(_encoding)] | None = None
    decimal: DecimalMark = DecimalMark.POINT
    nulls: tuple[str, ...] = ("",)
    date_format: Line | None = None
    skip_lines: Annotated[int, Field(ge=0, le=1000)] = 0


class DatasetTexts(Spec):
    """The texts of a dataset in another language."""

    title: Line | None = None
    description: Text | None = None
    licence: Line | None = None
    source: Line | None = None


class Dataset(Spec):
    """A table: who holds it, who may see it in principle, and its columns in order."""

    title: Line
    description: Text
    holder: OrganisationId
    access: Access
    special_category: bool = False
    licence: Line | None = None
    source: Line | None = None
    columns: Annotated[tuple[Column, ...], Field(min_length=1, max_length=2000)]
    csv: Csv = Csv()
    translations: Mapping[Language, DatasetTexts] = {}

    def said_in(self, language: str) -> Self:
        """The dataset, and its columns, as they are called in a language."""
        said = super().said_in(language)
        if not any(language in column.labels for column in self.columns):
            return said
        return said.model_copy(update={"columns": tuple(each.said_in(language) for each in self.columns)})

    def column(self, name: str) -> Column | None:
        """The column of that name, or None."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def subject_columns(self) -> tuple[Column, ...]:
        """The columns that hold a person's key."""
        return tuple(column for column in self.columns if column.role is ColumnRole.SUBJECT_KEY)
