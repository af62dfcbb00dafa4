"""Who holds which role on a day."""

from __future__ import annotations

from datetime import date

import pytest

from publica.governance.identity import official, roles_of, worked_for

from .world import changed, document, problems, world

LEFT = changed("role:sam-steward", ("2020-01-01", "2020-01-01, valid_to: 2020-12-31"))


def test_the_world_has_no_problems() -> None:
    assert problems() == []


def test_an_official_by_id() -> None:
    found = official(world(), "sam")
    assert found and found.spec.name == "Sam"
    assert official(world(), "nobody") is None


@pytest.mark.parametrize(
    ("day", "roles"),
    [
        (date(2019, 12, 31), []),
        (date(2020, 1, 1), ["sam-steward"]),
        (date(2020, 12, 31), ["sam-steward"]),
        (date(2021, 1, 1), []),
    ],
)
def test_first_and_last_day_of_a_role_belong_to_it(day: date, roles: list[str]) -> None:
    assert [role.id for role in roles_of(world(LEFT), "sam", day)] == roles


def test_several_roles_come_by_id() -> None:
    spec = "{official: sam, role: auditor, organisation: social, valid_from: 2020-01-01}"
    book = world(document("role:sam-auditor", spec))
    assert [role.id for role in roles_of(book, "sam", date(2020, 6, 1))] == ["sam-auditor", "sam-steward"]
    assert roles_of(book, "nobody", date(2020, 6, 1)) == ()


def test_who_moved_still_worked_where_they_held_a_role() -> None:
    book = world(LEFT, changed("official:sam", ("organisation: registry", "organisation: social")))
    assert worked_for(book, "sam", "registry", date(2020, 6, 1))
    assert not worked_for(book, "sam", "registry", date(2021, 6, 1))
    assert worked_for(book, "sam", "social", date(2021, 6, 1))


@pytest.mark.parametrize(
    ("before", "after", "path", "says"),
    [
        ("2020-01-01", "2020-01-01, valid_to: 2019-01-01", "valid_to", "before it begins"),
        ("role: steward", "role: auditor, datasets: [population]", "datasets", "Only a steward"),
        (
            "organisation: registry",
            "organisation: social, datasets: [population]",
            "datasets.0",
            "held by registry",
        ),
    ],
)
def test_a_role_that_cannot_be_is_refused(before: str, after: str, path: str, says: str) -> None:
    [(where, what)] = problems(changed("role:sam-steward", (before, after)))
    assert where == path
    assert says in what


def test_no_official_is_called_like_the_shell() -> None:
    given = document("official:operator", "{name: Op, organisation: registry}")
    assert [what for _, what in problems(given)] == ["operator is not an official but the local shell."]
