"""When a law is in force."""

from __future__ import annotations

from datetime import date

import pytest

from publica.governance.rules import in_force

from .world import changed, problems, world


@pytest.mark.parametrize(
    ("day", "holds"),
    [
        (date(2019, 12, 31), False),
        (date(2020, 1, 1), True),
        (date(2024, 6, 30), True),
        (date(2024, 7, 1), False),
    ],
)
def test_a_law_is_in_force_from_its_first_to_its_last_day(day: date, holds: bool) -> None:
    law = world(changed("law:grant-act", ("2020-01-01", "2020-01-01, valid_to: 2024-06-30"))).get(
        "law", "grant-act"
    )
    assert law and in_force(law.spec, day) is holds


def test_a_law_without_a_last_day_stays_in_force() -> None:
    law = world().get("law", "grant-act")
    assert law and in_force(law.spec, date(9999, 12, 31))


def test_a_law_may_not_end_before_it_begins() -> None:
    [(path, what)] = problems(changed("law:grant-act", ("2020-01-01", "2020-01-01, valid_to: 2019-12-31")))
    assert path == "valid_to"
    assert "before it begins" in what
