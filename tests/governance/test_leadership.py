"""Who answers for a dataset, or why nobody does."""

from __future__ import annotations

from datetime import date

from publica.governance.leadership import Vacancy, accountable, vacancy

from .world import changed, document, world

DAY = date(2022, 1, 1)


def steward(book_documents: tuple[str, ...], day: date = DAY) -> str | None:
    found = accountable(world(*book_documents), "population", day)
    return found.official.id if found else None


def role(name: str, fields: str) -> str:
    return document(f"role:{name}", f"{{role: steward, organisation: registry, {fields}}}")


def test_a_steward_of_the_holder_answers_for_all_its_datasets() -> None:
    found = accountable(world(), "population", DAY)
    assert found and (found.official.id, found.role.id) == ("sam", "sam-steward")


def test_a_steward_of_the_dataset_goes_first() -> None:
    assert (
        steward((role("ana-steward", "official: ana, datasets: [population], valid_from: 2021-01-01"),))
        == "ana"
    )


def test_then_who_was_appointed_first() -> None:
    assert steward((role("ana-steward", "official: ana, valid_from: 2021-01-01"),)) == "sam"
    assert steward((role("ana-steward", "official: ana, valid_from: 2019-01-01"),)) == "ana"


def test_a_steward_of_another_dataset_or_organisation_does_not_answer() -> None:
    other = document(
        "dataset:streets",
        "{title: Streets, description: Streets., holder: registry, access: open,"
        " columns: [{name: name, type: string, role: attribute}]}",
    )
    limited = changed("role:sam-steward", ("role: steward", "role: steward, datasets: [streets]"))
    assert steward((other, limited)) is None
    elsewhere = changed("role:sam-steward", ("organisation: registry", "organisation: social"))
    assert steward((elsewhere,)) is None
    assert vacancy(world(elsewhere), "population", DAY) is Vacancy.NEVER_APPOINTED


def test_why_nobody_answers() -> None:
    ended = world(changed("role:sam-steward", ("2020-01-01", "2020-01-01, valid_to: 2021-12-31")))
    assert vacancy(world(), "population", DAY) is None
    assert vacancy(world(), "nothing", DAY) is Vacancy.NO_DATASET
    assert vacancy(world(), "population", date(2019, 1, 1)) is Vacancy.NOT_YET
    assert vacancy(ended, "population", DAY) is Vacancy.ENDED
    assert vacancy(ended, "population", date(2021, 12, 31)) is None
    assert accountable(ended, "population", DAY) is None
    assert accountable(ended, "nothing", DAY) is None
