"""What a dataset's record must satisfy, and the table it describes. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from publica.data.model import ColumnType, CsvOptions, TableColumn, TableSchema
from publica.governance.datasets.model import Access, Column, ColumnRole, Dataset, Sensitivity
from publica.governance.semantics.model import HOUSEHOLD, PERSON
from publica.kernel.records import Book, Problem, Record

DEFAULT_PRECISION, DEFAULT_SCALE = 18, 2


def table_schema(record: Record[Dataset]) -> TableSchema:
    """The dataset's table, in terms that an engine understands."""
    csv = record.spec.csv
    return TableSchema(
        dataset=record.id,
        columns=tuple(_table_column(column) for column in record.spec.columns),
        csv=CsvOptions(
            delimiter=csv.delimiter,
            encoding=csv.encoding,
            decimal=csv.decimal.value,
            nulls=csv.nulls,
            date_format=csv.date_format,
            skip_lines=csv.skip_lines,
        ),
    )


def _table_column(column: Column) -> TableColumn:
    precision, scale = _precision(column)
    return TableColumn(
        name=column.name,
        type=column.type,
        required=column.required,
        subject_key=column.role is ColumnRole.SUBJECT_KEY,
        concept=column.concept,
        codes=column.codes or (),
        precision=precision,
        scale=scale,
        title=column.title,
    )


def _precision(column: Column) -> tuple[int, int]:
    return (
        DEFAULT_PRECISION if column.precision is None else column.precision,
        DEFAULT_SCALE if column.scale is None else column.scale,
    )


def check_dataset(_id: str, dataset: Dataset, _book: Book) -> Iterator[Problem]:
    """Everything a dataset's own record must satisfy."""
    yield from _headings(dataset)
    for position, column in enumerate(dataset.columns):
        for field, what, do in (*_numbers(column), *_limits(column), *_people(dataset, column)):
            yield Problem(("columns", position, field), what, do)
    yield from _access(dataset)


def _headings(dataset: Dataset) -> Iterator[Problem]:
    """A heading of a file must lead to one column."""
    seen: dict[str, str] = {}
    for position, column in enumerate(dataset.columns):
        for field in ("name", "title"):
            heading = getattr(column, field)
            owner = seen.setdefault(heading.casefold(), column.name) if heading else column.name
            if owner != column.name or (field == "name" and _repeated(dataset, position)):
                yield Problem(
                    ("columns", position, field),
                    f"The heading {heading} already belongs to the column {owner}.",
                    "Give each column a name and a title of its own.",
                )


def _repeated(dataset: Dataset, position: int) -> bool:
    name = dataset.columns[position].name
    return any(column.name == name for column in dataset.columns[:position])


def _numbers(column: Column) -> Iterator[tuple[str, str, str]]:
    if column.type is not ColumnType.DECIMAL:
        for field in ("precision", "scale"):
            if getattr(column, field) is not None:
                yield field, f"Only a decimal has a {field}; {column.name} is {column.type}.", "Leave it out."
        return
    precision, scale = _precision(column)
    if scale > precision:
        field = "scale" if column.scale is not None else "precision"
        what = f"{column.name} would have more digits after the point ({scale}) than digits ({precision})."
        yield field, what, "Give it more precision or less scale."


NUMERIC = (ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.NUMBER)


def _limits(column: Column) -> Iterator[tuple[str, str, str]]:
    if column.limits is None:
        return
    if column.role is not ColumnRole.MEASURE or column.type not in NUMERIC:
        what = f"Only a measure that is a number has limits; {column.name} is none."
        yield "limits", what, "Leave them out."
    if list(column.limits) != sorted(set(column.limits)):
        yield "limits", "The limits are not in ascending order, each once.", "Put them in order."


def _people(dataset: Dataset, column: Column) -> Iterator[tuple[str, str, str]]:
    """Columns that are about people make demands on the dataset."""
    personal = dataset.access is Access.PERSONAL
    if column.role is ColumnRole.SUBJECT_KEY and not personal:
        what = (
            f"{column.name} is a subject key, so rows are about people, but the access is {dataset.access}."
        )
        yield "role", what, "Make the dataset's access `personal`, or give the column another role."
    if column.role is ColumnRole.KEY and column.concept == PERSON:
        what = f"{column.name} is a key of people but no subject key: their choices would not count."
        yield "role", what, "Give it the role `subject key`."
    if dataset.access is Access.OPEN and column.concept in (PERSON, HOUSEHOLD):
        what = (
            f"{column.name} is about a {column.concept}, so rows can be joined to people; the access is open."
        )
        yield "concept", what, "Leave the column out, or add the person's key and make the access `personal`."
    elif column.role is ColumnRole.KEY and column.concept == HOUSEHOLD and not personal:
        what = (
            f"{column.name} is a key of households, so rows are about people; the access is {dataset.access}."
        )
        yield "concept", what, "Add the person's key and make the access `personal`."
    if dataset.access is Access.OPEN and column.role is ColumnRole.DIRECT:
        what = f"{column.name} is a direct identifier, and the dataset is open."
        yield "role", what, "Leave the column out, or restrict the dataset."
    if dataset.access is Access.OPEN and column.sensitivity in (Sensitivity.PERSONAL, Sensitivity.SPECIAL):
        what = f"{column.name} is of {column.sensitivity} sensitivity, and the dataset is open."
        yield "sensitivity", what, "Leave the column out, or restrict the dataset."
    if column.sensitivity is Sensitivity.SPECIAL and not dataset.special_category:
        what = f"{column.name} is of special sensitivity, and the dataset is not marked as special category."
        yield "sensitivity", what, "Set `special_category: true`."


def _access(dataset: Dataset) -> Iterator[Problem]:
    if dataset.access is Access.PERSONAL and not dataset.subject_columns:
        yield Problem(
            ("access",),
            "The dataset is personal, and no column says whom a row is about.",
            "Give the column with the person's key the role `subject key`.",
        )
    if dataset.special_category and dataset.access is Access.OPEN:
        yield Problem(
            ("special_category",),
            "Special-category data cannot be open.",
            "Restrict the dataset, or correct the category.",
        )
