"""What an activity's record must satisfy."""

from __future__ import annotations

import pytest

from publica.governance.activities import BUILT_IN

from .world import changed, document, problems, world

NAME = "activity:grant"


@pytest.mark.parametrize(
    ("before", "after", "path", "says"),
    [
        ("kind: law, law: grant-act", "kind: law", "basis", "no law is named"),
        ("kind: law, law", "kind: consent, law", "basis.law", "a law is named"),
        (
            "kind: law, law: grant-act",
            "kind: consent, objection: true",
            "basis.objection",
            "nothing to object to",
        ),
        ("[person_id, income]", "[person_id, wages]", "datasets.0.columns.1", "no column wages"),
        ("[person_id, income]", "[income, income]", "datasets.0.columns.1", "listed twice"),
        ("roles: [analyst]", "roles: [analyst, analyst]", "roles.1", "listed twice"),
        ("2021-01-01", "2021-01-01\n  valid_to: 2020-01-01", "valid_to", "before it begins"),
    ],
)
def test_an_activity_that_cannot_be_is_refused(before: str, after: str, path: str, says: str) -> None:
    [(where, what)] = problems(changed(NAME, (before, after)))
    assert where == path
    assert says in what


def test_a_dataset_is_listed_once() -> None:
    line = "    - {dataset: population, columns: [person_id, income]}\n"
    assert problems(changed(NAME, (line, line + line))) == [
        ("datasets.1", "The dataset population is listed twice.")
    ]


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_ids_of_built_in_activities_are_taken(name: str) -> None:
    text = document(NAME).replace("id: grant", f"id: {name}")
    assert (("", f"{name} is an activity that every instance has.")) in problems(text)


def test_consent_needs_no_law() -> None:
    assert problems(changed(NAME, ("kind: law, law: grant-act", "kind: consent"))) == []


@pytest.mark.parametrize("good", ["P1Y", "P90D", "P1Y6M", "PT12H", "P2W", "P1DT1H"])
def test_retention_is_a_duration(good: str) -> None:
    assert problems(changed(NAME, ("P2Y", good))) == []


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        ("P2Y", "two years", "retention"),
        ("P2Y", "P", "retention"),
        ("P2Y", "PT", "retention"),
        ("P2Y", "P1DT", "retention"),
        ("P2Y", "P٢Y", "retention"),
        ("dpv:ServiceProvision", "whatever we like", "purpose"),
        ("[analyst]", "[]", "roles"),
        ("[analyst]", "[wizard]", "wizard"),
        ("protection: rows", "protection: none", "protection"),
        ("columns: [person_id, income]", "columns: []", "columns"),
        ("kind: law, law", "kind: tradition, law", "tradition"),
    ],
)
def test_what_does_not_fit_the_model(before: str, after: str, field: str) -> None:
    with pytest.raises(AssertionError, match=field):
        world(changed(NAME, (before, after)))
