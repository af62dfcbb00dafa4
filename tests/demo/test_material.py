"""The demo's material: the same for the same number, with the ids and shares that it promises."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from publica.demo import Material, build, names, people, places
from publica.demo.material import CHOICES, OPEN_FILES
from publica.kernel.errors import BadInput

PERSONS = 2000
SHIPPED = Path(str(files("publica.demo") / "files"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Material:
    return build(tmp_path_factory.mktemp("material"), PERSONS)


@pytest.fixture(scope="module")
def records(made: Material) -> dict[str, dict[str, dict[str, object]]]:
    """Kind → id → spec."""
    found: dict[str, dict[str, dict[str, object]]] = {}
    for path in sorted(made.records.glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text("utf-8")):
            assert document["id"] not in found.setdefault(document["kind"], {})
            found[document["kind"]][document["id"]] = document["spec"]
    return found


def rows(made: Material, dataset: str) -> list[dict[str, str]]:
    (file,) = next(load.files for load in made.loads if load.dataset == dataset)
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_number_gives_the_same_bytes(made: Material, tmp_path: Path) -> None:
    build(tmp_path, PERSONS)
    assert digests(tmp_path) == digests(made.records.parent)


def test_a_smaller_demo_holds_the_same_people() -> None:
    assert list(people.people(100)) == list(people.people(300))[:100]


def test_no_demo_without_people(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="at least one person"):
        build(tmp_path, 0)


def test_ids_are_the_promised_ones(records: dict[str, dict[str, dict[str, object]]]) -> None:
    organisations = {
        "data-office": "public body",
        "civil-registry": "public body",
        "revenue": "public body",
        "health": "public body",
        "social-services": "public body",
        "statistics": "research institution",
        "acme": "supplier",
    }
    assert {key: spec["type"] for key, spec in records["organisation"].items()} == organisations
    held = {(spec["official"], spec["role"], spec["organisation"]) for spec in records["role"].values()}
    assert held >= {
        ("carla", "chief data officer", "data-office"),
        ("sam", "steward", "civil-registry"),
        ("ana", "analyst", "social-services"),
        ("stella", "statistician", "statistics"),
        ("axel", "engineer", "acme"),
    }
    assert "auditor" in {role for official, role, _ in held if official == "audra"}
    assert records["activity"].keys() >= {"heating_grant", "health_research", "labour_statistics"}


def test_every_load_has_a_dataset_with_its_columns(
    made: Material, records: dict[str, dict[str, dict[str, object]]]
) -> None:
    assert {load.dataset for load in made.loads} == set(records["dataset"])
    for dataset in ("municipalities", "population", "incomes", "hospital_stays"):
        columns = [column["name"] for column in records["dataset"][dataset]["columns"]]  # type: ignore[attr-defined]
        assert list(rows(made, dataset)[0]) == columns


@pytest.mark.parametrize("dataset", OPEN_FILES)
def test_a_real_table_carries_its_source_and_licence(
    dataset: str, records: dict[str, dict[str, dict[str, object]]]
) -> None:
    spec = records["dataset"][dataset]
    assert spec["access"] == "open"
    assert spec["licence"]
    assert "https://" in str(spec["source"])
    told = (SHIPPED / "SOURCES.md").read_text("utf-8").split("## ")
    (section,) = [part for part in told if part.startswith(f"open/{OPEN_FILES[dataset]}\n")]
    assert "**Source:**" in section
    assert "**Licence:**" in section
    assert "**Changed:**" in section


def test_nothing_is_shipped_that_sources_do_not_name() -> None:
    assert {path.name for path in (SHIPPED / "open").iterdir()} == set(OPEN_FILES.values())


def test_people_are_plausible(made: Material) -> None:
    population = rows(made, "population")
    assert [row["person_id"] for row in population] == [f"P-{n:07d}" for n in range(1, PERSONS + 1)]
    assert {row["municipality"] for row in population} == {place.code for place in places.MUNICIPALITIES}
    assert all(
        date(1900, 1, 1) < date.fromisoformat(row["birth_date"]) <= date(2026, 1, 1) for row in population
    )
    together: dict[str, set[tuple[str, str]]] = {}
    for row in population:
        together.setdefault(row["household_id"], set()).add((row["address"], row["municipality"]))
    assert all(len(homes) == 1 for homes in together.values())
    inhabitants = Counter(row["municipality"] for row in population)
    assert {row["code"]: int(row["inhabitants"]) for row in rows(made, "municipalities")} == inhabitants


def test_every_adult_has_three_years_of_income(made: Material) -> None:
    adults = {row["person_id"] for row in rows(made, "population") if row["birth_date"] <= "2005-01-01"}
    years: dict[str, list[str]] = {}
    for row in rows(made, "incomes"):
        years.setdefault(row["person_id"], []).append(row["year"])
        assert int(row["income"]) >= 0
    assert years == {key: ["2023", "2024", "2025"] for key in sorted(adults)}


def test_nobody_is_in_hospital_before_birth(made: Material) -> None:
    born = {row["person_id"]: row["birth_date"] for row in rows(made, "population")}
    stays = rows(made, "hospital_stays")
    assert len(stays) > PERSONS / 20
    assert all(born[stay["person_id"]] <= stay["admitted"] < stay["discharged"] for stay in stays)


def test_shares_of_choices(made: Material) -> None:
    shares = {"health_research": ("grant", 0.70), "labour_statistics": ("object", 0.05)}
    assert set(shares) == set(CHOICES)
    for activity, file in made.choices:
        with file.open(encoding="utf-8", newline="") as lines:
            choices = list(csv.DictReader(lines))
        action, share = shares[activity]
        assert {choice["action"] for choice in choices} == {action}
        assert len({choice["person_key"] for choice in choices}) == len(choices) == share * PERSONS


def test_names_are_many_and_distinct() -> None:
    for several in (names.FEMALE, names.MALE, names.FAMILY, names.STREETS):
        assert len(set(several)) == len(several) >= 100
