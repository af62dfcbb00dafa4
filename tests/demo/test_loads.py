"""The demo's records apply, and each of its files loads as it is under the schema written for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from publica.data import ingest
from publica.data.model import FileReport, LoadReport
from publica.demo import Material, build
from publica.governance.activities import ACTIVITY
from publica.governance.agreements import AGREEMENT
from publica.governance.datasets import DATASET, table_schema
from publica.governance.identity import OFFICIAL, ORGANISATION, ROLE
from publica.governance.rules import LAW
from publica.kernel import keys, records
from publica.kernel.actor import Actor
from publica.kernel.database import Database

KINDS = (ORGANISATION, OFFICIAL, ROLE, LAW, DATASET, ACTIVITY, AGREEMENT)
PERSONS = 500
CARLA = Actor("carla", "operator", "tester")


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    return build(tmp_path_factory.mktemp("material"), PERSONS)


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory, material: Material) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path_factory.mktemp('instance') / 'state.db'}")
    made.create()
    records.apply(made, KINDS, (material.records,), CARLA)
    yield made
    made.close()


@pytest.fixture(scope="module")
def reports(
    tmp_path_factory: pytest.TempPathFactory, material: Material, db: Database
) -> dict[str, LoadReport]:
    folder = tmp_path_factory.mktemp("data")
    keys.create(folder / "keys")
    with db.read() as connection:
        book = records.book(connection, KINDS)
    found = {}
    for load in material.loads:
        record = book.get("dataset", load.dataset)
        assert record is not None
        schema = table_schema(record)
        found[load.dataset] = ingest.load(db, keys.load(folder / "keys"), folder, schema, load.files, CARLA)
    return found


def test_applying_the_records_again_changes_nothing(db: Database, material: Material) -> None:
    differences = records.apply(db, KINDS, (material.records,), CARLA)
    assert {difference.what for difference in differences} == {"unchanged"}


def test_every_row_is_loaded(reports: dict[str, LoadReport], material: Material) -> None:
    for load in material.loads:
        with load.files[0].open(encoding="latin-1", newline="") as file:
            lines = sum(1 for _ in file)
        assert reports[load.dataset].rows == lines - 1
    assert reports["population"].new_subjects == PERSONS
    assert sum(report.new_subjects for report in reports.values()) == PERSONS


def test_real_files_load_as_published(reports: dict[str, LoadReport]) -> None:
    """Latin-1 with semicolons; a byte order mark; headings such as `:@computed_region_…`, JSON in fields."""

    def file(dataset: str) -> FileReport:
        return reports[dataset].files[0]

    points, index, requests = file("charging_points"), file("open_data_index"), file("service_requests")
    assert (points.rows, points.columns, points.delimiter) == (882, 17, ";")
    assert points.encoding in ("iso-8859-1", "windows-1252")
    assert (index.rows, index.columns, index.encoding_found) == (480, 4, "byte order mark")
    assert (requests.rows, requests.columns, requests.delimiter) == (500, 44, ",")
    assert all(one.rejected_bytes == 0 for one in (points, index, requests))
