"""What holds for every page: its frame, its errors, its language."""

from __future__ import annotations

from .visit import Visits


def test_the_first_page(visits: Visits) -> None:
    for language in ("en", "fr"):
        visit = visits(language=language)
        visit.open("/")
        visit.check()
