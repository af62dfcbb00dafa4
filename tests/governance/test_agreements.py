"""What an agreement lets through, and which agreements cannot be."""

from __future__ import annotations

from datetime import date

import pytest

from publica.governance.agreements import (
    Agreement,
    Transform,
    covers,
    missing_signatures,
    parse_transform,
    row_scope,
    signed_by_both,
    transform_of,
)

from .world import changed, document, problems, world

NAME = "agreement:registry-social"
SAM = "    - {official: sam, organisation: registry, date: 2020-12-01}\n"


def agreement(*documents: str) -> Agreement:
    record = world(*documents).get("agreement", "registry-social")
    assert record
    spec: Agreement = record.spec
    return spec


@pytest.mark.parametrize(
    ("text", "transform"),
    [
        ("as is", Transform("as is")),
        ("year", Transform("year")),
        ("age band", Transform("age band")),
        ("region prefix 3", Transform("region prefix", 3)),
        ("pseudonym", Transform("pseudonym")),
        ("withheld", Transform("withheld")),
    ],
)
def test_every_transform_reads_as_it_is_written(text: str, transform: Transform) -> None:
    assert parse_transform(text) == transform
    assert str(transform) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "As is",
        "as  is",
        "region prefix",
        "region prefix 0",
        "region prefix 100",
        "year 4",
        "hash",
        "year\n",
    ],
)
def test_what_is_no_transform(text: str) -> None:
    with pytest.raises(ValueError, match=r"^"):
        parse_transform(text)


def test_a_column_that_is_not_named_stays_with_the_holder() -> None:
    spec = agreement(changed(NAME, (", birth_date: year", "")))
    assert transform_of(spec, "population", "income") == Transform("as is")
    assert transform_of(spec, "population", "birth_date") is None
    assert transform_of(spec, "population", "nothing") is None
    assert transform_of(spec, "nothing", "income") is None


def test_row_scopes() -> None:
    [scope] = row_scope(agreement(), "population")
    assert (scope.column, scope.values) == ("region", ("NO",))
    assert row_scope(agreement(), "nothing") == ()


def test_first_and_last_day_belong_to_it() -> None:
    spec = agreement(changed(NAME, ("2021-01-01", "2021-01-01\n  valid_to: 2021-12-31")))
    days = [date(2020, 12, 31), date(2021, 1, 1), date(2021, 12, 31), date(2022, 1, 1)]
    assert [covers(spec, day) for day in days] == [False, True, True, False]


def test_both_parties_must_have_signed_by_the_day() -> None:
    spec = agreement()
    assert missing_signatures(spec, date(2020, 11, 30)) == ("registry", "social")
    assert missing_signatures(spec, date(2020, 12, 1)) == ("social",)
    assert missing_signatures(spec, date(2020, 12, 2)) == ()
    assert signed_by_both(spec, world())
    assert not signed_by_both(spec, world(), date(2020, 12, 1))
    unsigned = agreement(changed(NAME, (SAM, "")))
    assert missing_signatures(unsigned, date(2022, 1, 1)) == ("registry",)
    assert not signed_by_both(unsigned, world())


def test_an_unsigned_agreement_may_be_recorded() -> None:
    assert problems(changed(NAME, (SAM, ""))) == []


@pytest.mark.parametrize(
    ("before", "after", "path", "says"),
    [
        ("recipient: social", "recipient: registry", "recipient", "same organisation"),
        ("holder: registry", "holder: social", "datasets.0.dataset", "held by registry, not by social"),
        ("[dpv:ServiceProvision]", "[dpv:A, dpv:A]", "purposes.1", "listed twice"),
        ("income: as is", "wages: as is", "datasets.0.columns.wages", "no column wages"),
        ("income: as is", "income: year", "datasets.0.columns.income", "The transform year needs a date"),
        ("income: as is", "income: age band", "datasets.0.columns.income", "needs a date"),
        ("income: as is", "income: region prefix 2", "datasets.0.columns.income", "needs text"),
        ("income: as is", "income: pseudonym", "datasets.0.columns.income", "needs a key or subject key"),
        ("person_id: as is", "person_id: region prefix 9", "datasets.0.columns.person_id", "a subject key"),
        ("column: region", "column: canton", "datasets.0.rows.0.column", "no column canton"),
        (
            "official: sam",
            "official: ana",
            "signatures.0.official",
            "ana did not work for registry on 2020-12-01",
        ),
        ("official: sam", "official: ana", "signatures.1", "listed twice"),
        (
            "organisation: registry,",
            "organisation: third,",
            "signatures.0.organisation",
            "neither holder nor recipient",
        ),
        ("2021-01-01", "2021-01-01\n  valid_to: 2020-01-01", "valid_to", "before it begins"),
    ],
)
def test_an_agreement_that_cannot_be_is_refused(before: str, after: str, path: str, says: str) -> None:
    found = problems(
        changed(NAME, (before, after)), document("organisation:third", "{name: Third, type: supplier}")
    )
    assert any(where == path and says in what for where, what in found), found


@pytest.mark.parametrize(("protection", "refused"), [("rows", False), ("pseudonymous rows", True)])
def test_no_part_of_a_direct_identifier_beside_pseudonyms(protection: str, refused: bool) -> None:
    population = changed(
        "dataset:population",
        ("{name: region, type: string, role: dimension", "{name: region, type: string, role: direct"),
    )
    shared = changed(NAME, ("protection: rows", f"protection: {protection}"))
    found = problems(population, shared)
    assert [where for where, what in found if "direct identifier" in what] == (
        ["datasets.0.columns.region"] if refused else []
    )


@pytest.mark.parametrize(
    "change", [("person_id: as is", "person_id: pseudonym"), ("income: as is", "income: withheld")]
)
def test_transforms_that_suit_the_column(change: tuple[str, str]) -> None:
    assert problems(changed(NAME, change)) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("purposes: [dpv:ServiceProvision]", "purposes: []"),
        ("in: [NO]", "in: []"),
        ("protection: rows", "protection: rows\n  volume: 0"),
        ("protection: rows", "protection: rows\n  frequency: 1e999"),
        ("protection: rows", "protection: rows\n  volume: 99999999999999999999999"),
        ("year", "decade"),
    ],
)
def test_what_does_not_fit_the_model(before: str, after: str) -> None:
    with pytest.raises(AssertionError, match=r"given\.yaml"):
        world(changed(NAME, (before, after)))
