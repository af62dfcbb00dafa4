"""What a dataset's record must satisfy, so that people keep their say in rows about them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from publica.data.model import ColumnType, CsvOptions, TableColumn, TableSchema
from publica.governance.datasets import Column, table_schema

from .world import changed, document, problems, world

NAME = "dataset:population"


def test_the_table_that_a_dataset_describes() -> None:
    text = changed(
        NAME, ("access: personal", "access: personal\n  csv: {delimiter: ';', decimal: comma, nulls: [NA]}")
    )
    record = world(text).get("dataset", "population")
    assert record
    assert table_schema(record) == TableSchema(
        "population",
        (
            TableColumn("person_id", ColumnType.STRING, required=True, subject_key=True, concept="person"),
            TableColumn("birth_date", ColumnType.DATE),
            TableColumn("region", ColumnType.STRING, codes=("NO", "SE")),
            TableColumn("income", ColumnType.DECIMAL, precision=12, scale=2),
        ),
        CsvOptions(delimiter=";", decimal="comma", nulls=("NA",)),
    )


def test_csv_options_unless_given() -> None:
    record = world().get("dataset", "population")
    assert record and table_schema(record).csv == CsvOptions()


@pytest.mark.parametrize(
    ("before", "after", "path", "says"),
    [
        ("access: personal", "access: restricted", "columns.0.role", "rows are about people"),
        ("role: subject key", "role: dimension", "access", "no column says whom a row is about"),
        (
            "role: subject key",
            "role: key, concept: person",
            "columns.0.role",
            "their choices would not count",
        ),
        ("name: region", "name: birth_date", "columns.2.name", "already belongs"),
        (
            "name: region",
            "name: region, title: Income",
            "columns.3.name",
            "already belongs to the column region",
        ),
        (
            "name: region",
            "name: region, title: PERSON_ID",
            "columns.2.title",
            "already belongs to the column person_id",
        ),
        (
            "precision: 12, scale: 2",
            "precision: 2, scale: 3",
            "columns.3.scale",
            "more digits after the point",
        ),
        ("precision: 12, scale: 2", "precision: 1", "columns.3.precision", "more digits after the point"),
        ("type: date", "type: date, scale: 2", "columns.1.scale", "Only a decimal"),
        ("type: date", "type: date, limits: [1]", "columns.1.limits", "Only a measure that is a number"),
        ("scale: 2", "scale: 2, limits: [2, 1]", "columns.3.limits", "not in ascending order"),
        ("scale: 2", "scale: 2, limits: [1, 1]", "columns.3.limits", "each once"),
        ("type: date", "type: date, sensitivity: special", "columns.1.sensitivity", "not marked as special"),
    ],
)
def test_a_dataset_that_cannot_be_is_refused(before: str, after: str, path: str, says: str) -> None:
    found = problems(changed(NAME, (before, after)))
    assert any(where == path and says in what for where, what in found), found


def test_a_measure_has_few_limits() -> None:
    """Each is a table that everybody is counted in, so their number is bounded; and each is a number."""
    for wrong in ([], list(range(21)), [float("inf")], ["many"]):
        with pytest.raises(ValidationError, match="limits"):
            Column(name="income", type="decimal", role="measure", limits=wrong)
    assert Column(name="income", type="decimal", role="measure", limits=list(range(20))).limits


def open_dataset(column: str, more: str = "") -> str:
    return document(
        "dataset:streets",
        "{title: Streets, description: All of them., holder: registry, access: open,"
        f" columns: [{{name: x, type: string, {column}}}]{more}}}",
    )


@pytest.mark.parametrize(
    ("column", "more", "path", "says"),
    [
        ("role: direct", "", "columns.0.role", "direct identifier"),
        ("role: attribute, sensitivity: personal", "", "columns.0.sensitivity", "the dataset is open"),
        ("role: key, concept: household", "", "columns.0.concept", "joined to people"),
        ("role: attribute, concept: household", "", "columns.0.concept", "joined to people"),
        ("role: dimension, concept: person", "", "columns.0.concept", "joined to people"),
        ("role: attribute", ", special_category: true", "special_category", "cannot be open"),
    ],
)
def test_what_is_about_people_is_not_open(column: str, more: str, path: str, says: str) -> None:
    [(where, what)] = problems(open_dataset(column, more))
    assert where == path
    assert says in what


def test_open_data_without_people_is_fine() -> None:
    assert problems(open_dataset("role: attribute, sensitivity: low")) == []
    assert problems(open_dataset("role: key, concept: street")) == []


def test_a_heading_may_be_the_same_as_its_own_name() -> None:
    assert problems(changed(NAME, ("name: region", "name: region, title: Region"))) == []


@pytest.mark.parametrize("name", ["Income", "__subject", "a b", "1st", "rowid", "a" * 64, "", "a__b", 'a"'])
def test_a_column_name_is_safe_everywhere(name: str) -> None:
    with pytest.raises(ValidationError):
        Column.model_validate({"name": name, "type": "string", "role": "attribute"})


@pytest.mark.parametrize(
    "csv", ["delimiter: '||'", "delimiter: ''", "encoding: klingon", "skip_lines: -1", "decimal: semicolon"]
)
def test_csv_options_that_make_no_sense(csv: str) -> None:
    with pytest.raises(AssertionError, match="csv"):
        world(changed(NAME, ("access: personal", f"access: personal\n  csv: {{{csv}}}")))
